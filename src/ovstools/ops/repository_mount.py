"""Mount one listed repository: find its device, verify its UUID, then the steps."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff

from ..errors import RefusedError
from ..model.block import normal_uuid
from ..model.cluster import Node
from ..model.repositories import Repository, RepositoryList, format_line
from ..model.source import DeviceSource, parse_source
from ..model.uuids import is_uuid
from ..system import block, files, mounts, ocfs2
from ..system.block import Device
from ..system.heartbeat_sample import HeartbeatSample
from ..system.host import Host
from . import formatting, mounting, regions, short_device
from .plan import MakeDirectory, Step, folder_of

CLUSTER_FILE_SYSTEM = "ocfs2"


@dataclass(frozen=True)
class RecordUuid:
    """Fill in the UUID of a listed repository that had none; only its line changes."""

    path: str
    source: str
    uuid: str
    cluster_root: bool

    def preview(self) -> str:
        """Return the change of the line as a diff."""
        old = RepositoryList.parse("").with_repository(
            Repository(None, self.source, self.cluster_root)
        )
        new = RepositoryList.parse("").with_repository(
            Repository(self.uuid, self.source, self.cluster_root)
        )
        diff = unified_diff(
            str(old).splitlines(), str(new).splitlines(), self.path, self.path, n=0, lineterm=""
        )
        return "\n".join(line for line in diff if not line.startswith("@@ "))

    def preflight(self, host: Host) -> None:
        """Refuse when the folder cannot take a file."""
        files.probe(host.path(self.path).parent)

    def apply(self, host: Host) -> None:
        """Rewrite the list as it is now: other repositories may have been filled in."""
        before = host.read(self.path) or ""
        wanted = Repository(self.uuid, self.source, self.cluster_root)
        after = RepositoryList.parse(before).with_repository(wanted)
        if str(after) != before:
            files.replace(host.file(self.path), str(after), before)


def record_step(host: Host, repository: Repository, uuid: str) -> Step:
    """Return the step that fills in a UUID."""
    path = host.settings.paths.repositories
    change = RecordUuid(path, repository.source, uuid, repository.cluster_root)
    return Step(f"fill in the UUID of {repository.source} in {path}", change)


def read_uuid(host: Host, device: str) -> str:
    """Return the UUID of the file system on a device; raise RefusedError when it has none."""
    return _identify(block.look(host, device))[0]


@dataclass(frozen=True)
class Ready:
    """A listed repository that can be mounted, if nobody else heartbeats there as this node."""

    repository: Repository
    device: Device
    uuid: str
    fstype: str
    mountpoint: str
    node: Node | None = None  #: this server in the cluster, for a cluster file system
    watched: str | None = None  #: the device whose heartbeat area is to be looked at


def look(host: Host, repository: Repository) -> Ready:
    """Find what a listed repository is mounted from, and where.

    Raises RefusedError when its device is missing or carries another UUID, when its place is
    taken, or when it is OCFS2 of another cluster or o2cb is not online.
    """
    device = block.look(host, find_device(host, repository))
    formatting.refuse_occupied(device)
    uuid, fstype = _identify(device)
    if repository.uuid is not None and uuid != repository.uuid:
        raise RefusedError(
            f"{device.path} carries another UUID than the list says; it is not mounted",
            f"listed: {repository.uuid}, on the device: {uuid}",
            hint=_elsewhere(host, repository.uuid),
        )
    _refuse_listed_twice(host, repository, uuid)
    mountpoint = mounting.mountpoint_of(host, uuid, repository.cluster_root)
    _refuse_place(host, repository, mountpoint, device)
    if fstype != CLUSTER_FILE_SYSTEM:
        return Ready(repository, device, uuid, fstype, mountpoint)
    kernel, node = mounting.online_cluster(host)
    volume = ocfs2.read_volume(host, device.kernel_path)
    mounting.refuse_other_cluster(volume, kernel, device.path)
    short_device.refuse(host, device)
    _refuse_other_role(host, repository, device)
    region = kernel.region(uuid)
    # In an active region it is our own heartbeat that moves.
    watched = None if region is not None and region.is_active else device.kernel_path
    return Ready(repository, device, uuid, fstype, mountpoint, node, watched)


def mount_steps(host: Host, ready: Ready, sample: HeartbeatSample) -> list[Step]:
    """Return the steps that mount a repository, verify it, and fill in its UUID.

    Raises RefusedError when another server heartbeats on the device as this node.
    """
    device, mountpoint = ready.device, ready.mountpoint
    if ready.node is not None and ready.watched is not None:
        moving = sample.moving(host, ready.watched)
        mounting.refuse_shared_number(host, device.path, ready.node, moving)
    steps = mounting.mount_steps(
        host, device.path, device.number, ready.fstype, ready.uuid, mountpoint
    )
    if not isinstance(steps[0].change, MakeDirectory) and not ready.repository.cluster_root:
        # What is seen now may be below the cluster root's own mountpoint, not on the volume.
        steps.insert(0, Step(f"make {mountpoint}", MakeDirectory(mountpoint)))
    if ready.node is not None:
        steps.append(mounting.heartbeat_step(ready.uuid, ready.node))
    if ready.repository.uuid is None:
        steps.append(record_step(host, ready.repository, ready.uuid))
    return steps


def _refuse_other_role(host: Host, repository: Repository, device: Device) -> None:
    marker = ocfs2.read_marker(host, device.kernel_path)
    if marker is not None and (marker.shared == "C") != repository.cluster_root:
        on_storage = "the cluster root" if marker.shared == "C" else "no cluster root"
        raise RefusedError(
            f"{device.path} is {on_storage}, says its .ovsrepo ({marker.description!r}); "
            "the list says otherwise",
            format_line(repository),
            hint=f"correct its line in {host.settings.paths.repositories} (@ is the cluster root)",
        )


def find_device(host: Host, repository: Repository) -> str:
    """Return the path of a repository's device.

    It is the listed one; a kernel name such as /dev/sdb, which may change at every boot, gives
    way to the device that carries the UUID. Raises RefusedError for what is no device.
    """
    source = parse_source(repository.source)
    if not isinstance(source, DeviceSource):
        raise RefusedError(
            f"{repository.source} is no device",
            hint="of an iSCSI target the device is listed; see ovs-repositories(5)",
        )
    if host.kind(source.path) != "missing" or repository.uuid is None:
        return source.path
    found = regions.device_with(host, repository.uuid)
    if found is None:
        return source.path  # whose absence is reported when it is looked at
    if folder_of(source.path) != "/dev":
        # A stable name stands for one LUN. The same UUID on another one is a copy of it.
        raise RefusedError(
            f"there is no device {source.path}",
            f"{repository.uuid} is on {found}, which may be a snapshot or a single path of it",
            hint=f"if it is the same LUN, correct its line in {host.settings.paths.repositories}",
        )
    host.talk.notice(f"there is no {source.path}; {repository.uuid} is on {found} now")
    return found


def _identify(device: Device) -> tuple[str, str]:
    """Return UUID and type of the file system on a device."""
    signature = device.signature
    if signature is None or not signature.type or signature.usage != "filesystem":
        raise RefusedError(
            f"{device.path} has no file system",
            f"found: {device.content}",
            hint="look whether it is the right LUN: lsblk --fs",
        )
    if not signature.uuid or not is_uuid(signature.uuid):
        raise RefusedError(
            f"the {signature.type} on {device.path} has no UUID that could be listed"
        )
    return normal_uuid(signature.uuid), signature.type


def _elsewhere(host: Host, uuid: str) -> str:
    found = regions.device_with(host, uuid)
    if found is None:
        return "look which LUN is attached under that name: lsblk --fs"
    return f"{uuid} is on {found}: correct its line in {host.settings.paths.repositories}"


def _refuse_listed_twice(host: Host, repository: Repository, uuid: str) -> None:
    other = mounting.read_list(host).by_uuid(uuid)
    if repository.uuid is None and other is not None:
        raise RefusedError(
            f"{repository.source} is listed already, by its UUID",
            f"{other.uuid} {other.source}",
            hint=f"take it off the list: ovs-offlinerepo -d {repository.source}",
        )


def _refuse_place(host: Host, repository: Repository, mountpoint: str, device: Device) -> None:
    table = mounts.read_mounts(host)
    if repository.cluster_root and table.at(mountpoint) is None and table.below(mountpoint):
        below = table.below(mountpoint)[0]
        raise RefusedError(
            f"{below.source} is mounted at {below.mountpoint}; {mountpoint} would cover it",
            hint=f"umount {below.mountpoint}",
        )
    mounts.refuse_other_mount(host, device.number, mountpoint)
