"""A server that was away takes over what changed in the pool, before it mounts the cluster root.

The kernel joins the other servers when the first heartbeat starts, at the mount: until then
cluster.conf and the timing can change. The copy is read from the volume, which needs no mount.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OvsError, RefusedError
from ..model.config_standing import Own, Standing, changes, differences, judge
from ..model.pool_config import NAME, PoolConfig
from ..model.repositories import Repository
from ..model.source import DeviceSource, parse_source
from ..system.host import Host
from . import kept_config, mounting, repository_mount, take_config
from .kept_config import FOLDER
from .plan import Plan, Step, apply


def plan(host: Host) -> Plan:
    """Plan what takes over the pool's newer configuration; no steps when there is none.

    Raises RefusedError when this server was taken out of the pool: it must not come back with
    its old files, for the others do not know it any more.
    """
    if host.offline or host.read(host.settings.paths.cluster_conf) is None:
        return Plan()
    copy = find_copy(host)
    return Plan() if copy is None else _plan_for(host, copy)


def plan_join(host: Host, device: str) -> Plan:
    """Plan the same from the copy on a volume that is about to become this server's cluster root.

    A newcomer has no cluster.conf at all: it takes the pool's when that has a node of its name.
    """
    if host.offline or kept_config.copy_folder(host) is not None:
        return Plan()
    try:
        copy = kept_config.read_unmounted(host, device)
    except OvsError as error:
        host.talk.detail(f"no copy of the pool's configuration was found: {error.what}")
        return Plan()
    if copy is None:
        return Plan()
    if host.read(host.settings.paths.cluster_conf) is not None:
        return _plan_for(host, copy)
    if copy.cluster.node_of_host(host.hostname()) is None:
        raise _not_yet(host, device, copy)
    steps = take_config.steps(host, copy)
    said = f"this server joins cluster {copy.cluster.name}, whose configuration is on {device}"
    return Plan(tuple(steps), notices=(said,), look_again=True)


def _plan_for(host: Host, copy: PoolConfig) -> Plan:
    own = kept_config.read_own(host)
    standing = judge(own, copy)
    if standing is Standing.REMOVED:
        raise taken_out(host, copy)
    if standing is Standing.EDITED:
        return Plan(notices=(_edited(own, copy),))
    if own.record is not None and own.record.generation >= copy.generation:
        return Plan()  # a repository that was taken off the list since then stays off
    steps = take_config.steps(host, copy)
    said = f"the pool has a newer configuration, generation {copy.generation}: it is taken over"
    notices = (said, *changes(own, copy)) if steps else ()
    return Plan(tuple(steps), notices=notices, look_again=bool(steps))


@dataclass(frozen=True)
class TakeNewer:
    """Take over a newer configuration from a root that has just been mounted.

    From NFS that is before the first heartbeat. On OCFS2 it was read before as well, but from a
    volume whose journal another server may not have written home yet.
    """

    def preview(self) -> str:
        """Say it as a comment: what is there is seen when the root is mounted."""
        return f"# if the pool's {FOLDER}/{NAME} there is newer, take it over"

    def preflight(self, host: Host) -> None:
        """Nothing is known before the mount."""

    def apply(self, host: Host) -> None:
        """Look, and do it; raise RefusedError when this server was taken out of the pool."""
        found = plan(host)
        for notice in found.notices:
            host.talk.notice(notice)
        apply(found, host)


def newer_step() -> Step:
    """Return the step that follows the mount of a cluster root."""
    return Step("look whether the pool has a newer configuration", TakeNewer())


def find_copy(host: Host) -> PoolConfig | None:
    """Return the copy: from the mounted cluster root, else from its volume; None: there is none.

    One that cannot be read keeps nothing from being mounted; what else is wrong with the volume
    is for the mount to say.
    """
    try:
        if kept_config.copy_folder(host) is not None:
            return kept_config.read_copy(host)
        root = mounting.read_list(host).cluster_root
        return None if root is None else _on_device(host, root)
    except OvsError as error:
        host.talk.notice(f"no copy of the pool's configuration was read: {error.what}")
        return None


def _on_device(host: Host, root: Repository) -> PoolConfig | None:
    if not isinstance(parse_source(root.source), DeviceSource):
        return None
    device = repository_mount.find_device(host, root)
    if host.kind(device) != "block":
        return None
    if root.uuid is not None and repository_mount.read_uuid(host, device) != root.uuid:
        return None
    return kept_config.read_unmounted(host, device)


def taken_out(host: Host, copy: PoolConfig) -> RefusedError:
    """Return the refusal for a server that was taken out of the pool."""
    name = host.hostname()
    return RefusedError(
        f"this server, {name}, was taken out of the pool: nothing is mounted",
        f"generation {copy.generation} of the pool's configuration has no node of this name",
        hint="to make it a server like any other: ovstools cleanup\n"
        f"to bring it back, on a server of the pool: ovs-cluster-configure --add {name}=ADDRESS "
        "--all",
    )


def _not_yet(host: Host, device: str, copy: PoolConfig) -> RefusedError:
    name = host.hostname()
    nodes = ", ".join(node.name for node in copy.cluster.nodes)
    return RefusedError(
        f"{device} is the cluster root of a pool that does not know this server, {name}",
        f"cluster {copy.cluster.name}: {nodes}",
        hint="the servers of the pool must know it before it mounts; on one of them:\n"
        f"  ovs-cluster-configure --add {name}={mounting.address_of(host, name)} --all\n"
        "then here once more what you have just typed, or on the master:\n"
        "  ovs-cluster-check --master --alter-fstab --propagate",
    )


def _edited(own: Own, copy: PoolConfig) -> str:
    lines = "; ".join(differences(own, copy))
    return (
        f"this server's configuration is not the pool's (generation {copy.generation}), and was "
        f"edited here: it is left as it is: {lines}; on the server whose files are right: "
        "ovs-cluster-check --master --propagate"
    )
