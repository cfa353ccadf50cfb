"""Unmount a listed repository, and first what a cluster root on NFS carries."""

from __future__ import annotations

from ..model.nfs_options import is_nfs
from ..system.host import Host
from . import noted_description, pool_mount, unmounting
from .listed import Listed
from .plan import Step


def is_export_root(each: Listed) -> bool:
    """Tell whether it is a cluster root that is mounted from NFS."""
    return each.repository.cluster_root and each.mount is not None and is_nfs(each.mount)


def pool_places(host: Host, each: Listed) -> tuple[str, ...]:
    """Return what is unmounted before it: the pool file system in its heartbeat file."""
    return pool_mount.places(host) if is_export_root(each) else ()


def steps(host: Host, each: Listed) -> list[Step]:
    """Return the steps that unmount it, and verify that in the kernel."""
    assert each.mountpoint is not None and each.mount is not None
    if not is_nfs(each.mount):
        return unmounting.unmount_steps(host, each.mountpoint, each.repository.uuid)
    first = noted_description.note(host, each.repository, each.mountpoint)
    if is_export_root(each):
        first += pool_mount.stop_steps(host)
    return [*first, *unmounting.unmount_steps(host, each.mountpoint, None)]
