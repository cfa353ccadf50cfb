"""Where this server has the pool file system, and what it is a member of."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import Union

from ..errors import RefusedError
from ..model.heartbeat import KernelCluster
from ..model.repositories import RepositoryList
from ..system import mounts, o2cb, pool_fs
from ..system.clock import Clock
from ..system.host import Host
from .observation import Identity
from .pool_io import Children, PoolIo

BOOT_ID = "/proc/sys/kernel/random/boot_id"
MEMINFO = "/proc/meminfo"


@dataclass(frozen=True)
class PoolPlace:
    """The pool file system's folder, and the st_dev by which it is known to be mounted."""

    root: str
    device: int

    def io(self, clock: Clock | None = None, children: Children | None = None) -> PoolIo:
        """Return a way to it that never waits."""
        return PoolIo(self.root, clock, self.device, children)


@dataclass(frozen=True)
class Missing:
    """Why there is none, and the way out."""

    reason: str
    hint: str


def find(host: Host) -> Union[PoolPlace, Missing]:
    """Return where the pool file system is mounted; no storage is touched."""
    settings = host.settings
    if settings.paths.pool != "auto":
        return _given(settings.paths.pool)
    mounted = pool_fs.find(host)
    if mounted is not None:
        return PoolPlace(mounted.folder, mounted.device)
    hint = "ovs-makerepo SOURCE C DESCRIPTION makes it; ovstools repositories start mounts it"
    return Missing(f"no cluster root is mounted at {settings.paths.cluster_root}", hint)


def demand(host: Host) -> PoolPlace:
    """Return where the pool file system is mounted. Raises RefusedError."""
    found = find(host)
    if isinstance(found, Missing):
        raise RefusedError(found.reason, hint=found.hint)
    return found


def _given(path: str) -> Union[PoolPlace, Missing]:
    if not path.startswith("/"):
        return Missing(f"paths.pool is {path!r}", "set it to auto, or to an absolute path")
    try:
        return PoolPlace(path, os.stat(path).st_dev)
    except OSError as error:
        return Missing(f"{path}: {error.strerror}", "correct paths.pool")


def identity(host: Host) -> Union[Identity, Missing]:
    """Return who this server is in its cluster, as the kernel has it."""
    cluster = o2cb.read_kernel_cluster(host)
    local = None if cluster is None else next((n for n in cluster.nodes if n.is_local), None)
    if cluster is None or local is None:
        return Missing("o2cb is not online", "systemctl start o2cb.service")
    numbers = {node.name: node.number for node in cluster.nodes if node.number is not None}
    if local.name not in numbers:
        return Missing(f"the kernel has no number for {local.name}", "systemctl restart o2cb")
    return Identity(
        node=local.name,
        boot=(host.read(BOOT_ID) or "unknown").strip(),
        incarnation=str(uuid.uuid4()),
        numbers=numbers,
        dead_s=_dead_s(cluster),
        cpu=float(os.cpu_count() or 1),
        mem_mb=_memory_mb(host.read(MEMINFO) or ""),
        reserve_mb=int(host.settings.ha.reserve_mb),
    )


def _dead_s(cluster: KernelCluster) -> float:
    return 2.0 * (cluster.dead_threshold or 31)


def _memory_mb(meminfo: str) -> int:
    """Return MemTotal of /proc/meminfo (proc(5)), which is in KiB."""
    for line in meminfo.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return 0


def region(host: Host) -> str | None:
    """Return the heartbeat region of the pool's volume: its UUID.

    That of an NFS cluster root is in its heartbeat file: the kernel tells which it is.
    """
    own = mounts.read_mounts(host).at(pool_fs.own_mountpoint(host))
    if own is not None and own.fstype == pool_fs.FSTYPE:
        found = o2cb.region_on(host, own.device_number)
        return found.uuid if found is not None else None
    text = host.read(host.settings.paths.repositories) or ""
    listed = RepositoryList.parse(text).repositories
    return next((each.uuid for each in listed if each.cluster_root), None)
