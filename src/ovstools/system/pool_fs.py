"""Where the pool file system is: one cluster file system a pool, with the locks and what is shared.

For an OCFS2 cluster root it is /OVS/.ovs; for one on NFS a file system of its own, which
heartbeats, at /run/ovs/poolfs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import RefusedError
from ..model.mountinfo import Mount
from . import mounts
from .host import Host

FOLDER, OWN_MOUNT = ".ovs", "poolfs"
FSTYPE = "ocfs2"


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


def find(host: Host) -> PoolFs | None:
    """Return where it is; None: it is not mounted."""
    paths = host.settings.paths
    table = mounts.read_mounts(host)
    own = f"{paths.run}/{OWN_MOUNT}"
    for mountpoint, folder in ((own, own), (paths.cluster_root, f"{paths.cluster_root}/{FOLDER}")):
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
