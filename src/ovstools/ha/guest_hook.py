"""The libvirt hook: a guest of the pool starts only where its lock is held, whoever starts it.

It talks to the keeper and to the pool file system, never to the agent or to libvirt, and has
limits.hook_s seconds for all of it; no answer means refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import OvsError, ToolError
from ..model import lock_names
from ..model.keeper_words import LockState
from ..model.local_guests import NAME, LocalGuest, parse_local_guests
from ..model.owner_record import GuestState, OwnerRecord
from ..model.repositories import RepositoryList
from ..system.host import Host
from . import arrivals, locks, pool_place
from .deadline import Deadline
from .hook_sight import HookSight
from .hook_start import HookStart
from .keeper_client import KeeperClient
from .kept_locks import SOCKET
from .observation import Identity
from .pool_files import list_names
from .pool_io import Children, PoolIo, wait

#: the hypervisor of each driver of libvirt, as guests' files name it
HYPERVISORS = {"qemu": "qemu:///system", "lxc": "lxc:///system", "libxl": "xen:///system"}
PREPARE, MIGRATE = "prepare", "migrate"
START_AGENT = "systemctl start ovs-agent.service"


@dataclass(frozen=True)
class Request:
    """What libvirt says: its driver, the guest's name, and what is about to be done."""

    driver: str
    guest: str
    operation: str


def run(host: Host, request: Request) -> int:
    """Return 0 when libvirt may go on; raise ToolError, whose exit status is 1, when not."""
    try:
        _answer(host, request, Deadline(host.clock, host.settings.limits.hook_s))
    except OvsError as error:
        raise ToolError(
            f"{request.guest} is not started here: {error.what}",
            *error.evidence,
            hint=error.hint or "it is under HA, which may start it; see ovstools-install(8)",
        ) from error
    return 0


def _answer(host: Host, request: Request, deadline: Deadline) -> None:
    try:
        lock_names.guest_lock(request.guest)
    except ValueError:
        return  # no guest of the pool has such a name
    if request.operation not in (PREPARE, MIGRATE):
        return
    known = _known(host, request.guest, deadline)
    if known is None:
        return
    if request.operation == MIGRATE:
        arrivals.note(host, request.guest)
    else:
        _prepare(host, request, known, deadline)


def _known(host: Host, guest: str, deadline: Deadline) -> LocalGuest | None:
    """Return what is known of a guest under HA; None: it is not under HA."""
    text = host.read(f"{host.settings.paths.run}/{NAME}")
    listed = None if text is None else parse_local_guests(text)
    if listed is not None:
        return listed.get(guest)
    repositories = RepositoryList.parse(host.read(host.settings.paths.repositories) or "")
    if not any(each.cluster_root for each in repositories.repositories):
        return None  # a server without a pool
    # The agent has not run since the boot: the pool itself is asked
    io = _pool(host)
    found = wait(list_names(io, "guests", deadline.left_s()))
    if not isinstance(found, tuple):
        raise ToolError(f"whether it is under HA is not known: {found}", hint=START_AGENT)
    return LocalGuest() if f"{guest}.yaml" in found else None


def _pool(host: Host) -> PoolIo:
    """Return a way to the pool; it asks one thing after the other, so one child will do."""
    return pool_place.demand(host).io(host.clock, Children(spares=0))


def _prepare(host: Host, request: Request, known: LocalGuest, deadline: Deadline) -> None:
    lock = lock_names.guest_lock(request.guest)
    socket = str(host.path(f"{host.settings.paths.run}/{SOCKET}"))
    kept = KeeperClient(socket, host.clock, deadline.left_s()).names()
    if kept.get(lock) is LockState.HELD:
        return  # the agent starts it, or one that ran here is started again
    if lock in kept:
        raise ToolError(f"its lock here is {kept[lock].value}", hint="try again in a moment")
    identity = pool_place.identity(host)
    if isinstance(identity, pool_place.Missing):
        raise ToolError(identity.reason, hint=identity.hint)
    io = _pool(host)
    if arrivals.take(host, request.guest) and _is_sent_here(io, lock, identity, deadline):
        return
    sight = HookSight(host, io, identity, frozenset(kept))
    if not sight.has_node_lock:
        raise ToolError("this server's agent has not joined the pool since the boot",
                        hint=START_AGENT)  # fmt: skip
    # libvirt starts no guest that it has already: it is not here, if it is one of this driver's
    sight.is_absent = known.hypervisor == HYPERVISORS.get(request.driver)
    HookStart(host, io, sight, request.guest, known.uuid, deadline).run()


def _is_sent_here(io: PoolIo, lock: str, identity: Identity, deadline: Deadline) -> bool:
    """Tell whether the record says that the guest migrates to this server."""
    found = wait(locks.read_blocks(io, [lock], deadline.left_s()))
    if not isinstance(found, Mapping):
        return False
    record = locks.record_of(next(iter(found.values())))
    if not isinstance(record, OwnerRecord) or record.state is not GuestState.MIGRATING:
        return False
    return record.target == identity.node
