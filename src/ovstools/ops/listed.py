"""The listed repositories as they are on this server: mounted or not, and where."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.mountinfo import Mount, MountTable
from ..model.nfs_options import is_nfs
from ..model.repositories import Repository
from ..system import mounts
from ..system.host import Host
from . import mounting, pool_mount, regions

#: taken: something else is mounted at its place
MOUNTED, UNMOUNTED, TAKEN = "mounted", "unmounted", "taken"
BLOCK_SOURCE = "/dev/"


@dataclass(frozen=True)
class Listed:
    """One line of the list, and what is mounted where it belongs."""

    repository: Repository
    mountpoint: str | None  #: None while its UUID is not known
    mount: Mount | None = None
    state: str = UNMOUNTED
    #: an NFS cluster root whose heartbeat file is not mounted
    lacks_heartbeat: bool = False

    @property
    def is_mounted(self) -> bool:
        """Tell whether it is mounted at its place."""
        return self.state == MOUNTED

    @property
    def is_whole(self) -> bool:
        """Tell whether all that belongs to it is mounted."""
        return self.is_mounted and not self.lacks_heartbeat

    @property
    def name(self) -> str:
        """Return what to call it in messages."""
        mark = "cluster root " if self.repository.cluster_root else ""
        return f"{mark}{self.repository.uuid or '-'} {self.repository.source}"


def read_listed(host: Host) -> tuple[Listed, ...]:
    """Return the repositories in mount order: the cluster root, then the file's order."""
    table = mounts.read_mounts(host)
    found = [_look(host, each, table) for each in mounting.read_list(host).repositories]
    return tuple(sorted(found, key=lambda each: not each.repository.cluster_root))


def unknown_lines(host: Host) -> tuple[str, ...]:
    """Return a notice for each line of the list that is not understood."""
    path = host.settings.paths.repositories
    unknown = mounting.read_list(host).unknown
    return tuple(f"{path}:{number}: not understood: {line}" for number, line in unknown)


def _look(host: Host, repository: Repository, table: MountTable) -> Listed:
    mountpoint = mounting.mountpoint_of_listed(host, repository)
    if mountpoint is None:
        mount = _mount_of_source(host, repository.source, table)
        if mount is None:
            return Listed(repository, None)
        return Listed(repository, mount.mountpoint, mount, MOUNTED)
    mount = table.at(mountpoint)
    if mount is None:
        return Listed(repository, mountpoint)
    state = MOUNTED if is_of(host, repository, mount) else TAKEN
    lacks = repository.cluster_root and state == MOUNTED and is_nfs(mount)
    return Listed(repository, mountpoint, mount, state, lacks and not pool_mount.is_mounted(host))


def is_of(host: Host, repository: Repository, mount: Mount) -> bool:
    """Tell whether a mount is that of a repository.

    For OCFS2 the kernel ties UUID and device together, which holds even when the device's
    names have gone; else the source must lead to the same device.
    """
    if mount.fstype == "ocfs2" and repository.uuid is not None:
        return mount in regions.mounts_of(host, repository.uuid)
    return _same_source(host, repository.source, mount)


def _mount_of_source(host: Host, source: str, table: MountTable) -> Mount | None:
    top = host.settings.paths.cluster_root
    below = tuple(each for each in (*table.below(top), table.at(top)) if each is not None)
    return next((each for each in below if _same_source(host, source, each)), None)


def _same_source(host: Host, source: str, mount: Mount) -> bool:
    if source.startswith(BLOCK_SOURCE) and mount.source.startswith(BLOCK_SOURCE):
        return host.resolve(mount.source) == host.resolve(source)
    return mount.source.rstrip("/") == source.rstrip("/")
