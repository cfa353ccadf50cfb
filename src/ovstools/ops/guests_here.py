"""Which guests of the pool run on this server, as far as locks and owner records tell.

No hypervisor is asked: a guest counts until its lock is given up, whatever became of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from ..errors import OvsError
from ..model import lock_names
from ..model.owner_record import GuestState, OwnerRecord, parse_record
from ..system import o2cb, pool_fs
from ..system.host import Host

#: how a line about a guest begins
GUEST = "guest "
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def look(host: Host) -> Mapping[str, str]:
    """Return the guests by name, and how each is known to be here.

    A guest whose record says that it runs here in this boot counts even when nobody holds its
    lock: on its way out this server must not look as if it had none. Raises ToolError when the
    keeper does not answer.
    """
    found = dict.fromkeys(_recorded(host), "its owner record says that it runs here")
    start = len(lock_names.GUEST_PREFIX)
    kept = {name[start:] for name in host.keeper.names() if lock_names.is_guest(name)}
    found.update(dict.fromkeys(kept, "its lock is held here"))
    return dict(sorted(found.items()))


def sentences(guests: Mapping[str, str]) -> list[str]:
    """Return a line for each guest."""
    return [f"{GUEST}{name}: {how}" for name, how in guests.items()]


def _recorded(host: Host) -> Iterator[str]:
    found, kernel = pool_fs.find(host), o2cb.read_kernel_cluster(host)
    node = kernel.local_node if kernel else None
    if found is None or node is None:
        return
    boot = (host.read(BOOT_ID) or "").strip()
    for name in host.names(f"{found.folder}/{lock_names.FOLDER}"):
        if lock_names.is_guest(name):
            record = _record(host, f"{found.folder}/{lock_names.FOLDER}/{name}")
            if record is not None and _is_here(record, node.name, boot):
                yield name[len(lock_names.GUEST_PREFIX) :]


def _is_here(record: OwnerRecord, me: str, boot: str) -> bool:
    if record.state is GuestState.STOPPED:
        return False
    return record.target == me or (record.owner == me and record.boot_id == boot)


def _record(host: Host, path: str) -> OwnerRecord | None:
    with contextlib.suppress(OvsError):  # what is no text is no record either
        record = parse_record((host.read(path) or "").encode())
        return record if isinstance(record, OwnerRecord) else None
    return None
