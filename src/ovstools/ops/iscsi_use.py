"""Who uses the disks of an iSCSI session: what a log-out would take away from under them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import RefusedError
from ..model.block import BlockDevice
from ..model.iscsi import ScsiDisk, Session
from ..model.source import IscsiSource
from ..system import block, mounts, o2cb, processes, usage
from ..system.host import Host
from ..system.iscsi_sessions import read_sessions
from .formatting import PROBERS

MULTIPATH, PARTITION = "mpath", "part"
#: those have a path open as long as it is there
KEEPERS = (*PROBERS, "multipathd", "iscsid")


def tree_of(host: Host, disk: ScsiDisk) -> BlockDevice | None:
    """Return a disk with all that is built on it; None while it has no device."""
    return block.tree(host, disk.path) if host.kind(disk.path) == "block" else None


def users_of_session(host: Host, session: Session) -> tuple[str, ...]:
    """Return in words what uses any disk of a session."""
    trees = (tree_of(host, disk) for disk in session.disks)
    return tuple(word for tree in trees if tree for word in users_of(host, tree))


def users_of(host: Host, tree: BlockDevice) -> tuple[str, ...]:
    """Return in words what uses a disk, its partitions, or what is built on them."""
    found: dict[str, None] = {}
    for device in tree.walk():
        for word in _users_of_one(host, device):
            found[word] = None
    return tuple(found)


def _users_of_one(host: Host, device: BlockDevice) -> Iterator[str]:
    mounted = mounts.read_mounts(host).of_device(device.device_number)
    for mount in mounted:
        yield f"{device.path} is mounted at {mount.mountpoint}"
    if device.type not in (PARTITION, MULTIPATH) and device.parent:
        yield f"{device.path} ({device.type}) is built on it"
    for process in processes.users_of(host, device.path):
        if process.name not in KEEPERS:
            yield str(process)
    for loop, _ in usage.loops_in(host, device.path):
        yield f"{loop} is a loop device on {device.path}"
    kernel = o2cb.read_kernel_cluster(host)
    for region in kernel.regions if kernel else ():
        if region.is_active and region.device == device.kernel_name and not mounted:
            yield f"this server heartbeats on {device.path}, region {region.uuid}"
    if not mounted and not device.children and host.is_claimed(device.path):
        yield f"the kernel holds {device.path}: swap, RAID, or a mount in a container"


def number_of(host: Host, path: str) -> str | None:
    """Return the number of a block device, as in "8:17"; None when there is none at path."""
    return block.tree(host, path).device_number if host.kind(path) == "block" else None


def is_path_of(host: Host, source: IscsiSource, path: str) -> bool:
    """Tell whether a device is a LUN that is in session, or another path to it, or on its paths.

    Of several paths udev's names lead to one, and to none when there is a multipath map.
    """
    every = [(session.at, disk) for session in read_sessions(host) for disk in session.disks]
    meant = [
        disk for at, disk in every if source.wanted.means(at) and source.lun in (None, disk.lun)
    ]
    wwids = {disk.wwid for disk in meant if disk.wwid}
    paths = [disk for _, disk in every if disk in meant or disk.wwid in wwids]
    trees = [tree for disk in paths if (tree := tree_of(host, disk))]
    number = number_of(host, path) if trees else None
    return any(device.device_number == number for tree in trees for device in tree.walk())


def refuse_in_use(host: Host, sessions: Iterable[Session]) -> None:
    """Raise RefusedError when anything uses any of the sessions; nothing was logged out then."""
    used = [(session, users_of_session(host, session)) for session in sessions]
    used = [(session, users) for session, users in used if users]
    if used:
        raise RefusedError(
            f"{', '.join(str(session.at) for session, _ in used)} "
            f"{'is' if len(used) == 1 else 'are'} in use; nothing was logged out",
            *(user for _, users in used for user in users),
            hint="end what uses it: ovs-offlinerepo takes a repository offline",
        )
