"""Where the pool file system is: one cluster file system a pool, with the locks and what is shared.

For an OCFS2 cluster root it is /OVS/.ovs; for one on NFS a file system of its own, which
heartbeats, at /run/ovs/poolfs. The setting paths.pool names any other folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import RefusedError
from ..model.mountinfo import Mount, MountTable
from . import mounts
from .host import Host
from .processes import is_below

FOLDER, OWN_MOUNT = ".ovs", "poolfs"
#: on an NFS cluster root: the file that holds the pool file system of its own
HEARTBEAT_FILE = ".server_pool_hb"
FSTYPE = "ocfs2"
AUTO = "auto"


@dataclass(frozen=True)
class PoolFs:
    """The pool file system as it is mounted here."""

    folder: str
    mount: Mount

    @property
    def device(self) -> int:
        """Return its st_dev, so that the bare folder below is never taken for it."""
        major, _, minor = self.mount.device_number.partition(":")
        return os.makedev(int(major), int(minor))


def own_mountpoint(host: Host) -> str:
    """Return where the pool file system of an NFS cluster root is mounted."""
    return f"{host.settings.paths.run}/{OWN_MOUNT}"


def heartbeat_file(host: Host) -> str:
    """Return where the heartbeat file of an NFS cluster root is."""
    return f"{host.settings.paths.cluster_root}/{HEARTBEAT_FILE}"


def find(host: Host) -> PoolFs | None:
    """Return where it is; None: it is not mounted. No storage is touched."""
    paths = host.settings.paths
    table = mounts.read_mounts(host)
    if paths.pool != AUTO:
        mount = _mount_of(table, paths.pool)
        return None if mount is None else PoolFs(paths.pool, mount)
    own = own_mountpoint(host)
    for mountpoint, folder in ((paths.cluster_root, f"{paths.cluster_root}/{FOLDER}"), (own, own)):
        mount = table.at(mountpoint)
        if mount is not None and mount.fstype == FSTYPE:
            return PoolFs(folder, mount)
    return None


def demand(host: Host) -> PoolFs:
    """Return where it is; raise RefusedError when it is not mounted."""
    found = find(host)
    if found is None:
        raise RefusedError(
            "the pool file system is not mounted: no cluster root on OCFS2 "
            f"at {host.settings.paths.cluster_root}",
            hint="ovstools services start; without a pool: ovs-makerepo DEVICE C DESCRIPTION",
        )
    return found


def _mount_of(table: MountTable, path: str) -> Mount | None:
    above = [each.mountpoint for each in table.mounts if is_below(path, each.mountpoint)]
    return table.at(max(above, key=len)) if above else None
