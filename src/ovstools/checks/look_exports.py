"""Look at the mounted NFS exports for the checks: mountinfo, sysfs, and a question to the server.

Nothing on an export is touched: the question goes over a connection of its own, with a deadline.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..model.mountinfo import Mount
from ..model.nfs_options import is_nfs, port, value
from ..model.source import NfsSource, parse_source
from ..system import losetup, pool_fs
from ..system.host import Host
from ..system.losetup import Loop
from .view import Export


def read_exports(host: Host, mounted: Iterable[Mount]) -> tuple[Export, ...]:
    """Return the exports among the repositories' mounts; each server is asked once."""
    asked: dict[tuple[str, int], str] = {}
    found = []
    for mount in mounted:
        if not is_nfs(mount):
            continue
        at = (_address(mount), port(",".join(mount.super_options)))
        if at not in asked:
            asked[at] = host.why_silent(*at, host.settings.limits.connect_s)
        found.append(Export(mount, asked[at]))
    return tuple(found)


def _address(mount: Mount) -> str:
    """Return the server's address as the kernel has it: a name might have to be asked for."""
    address = value(mount, "addr")
    if address:
        return address
    source = parse_source(mount.source)
    return source.address if isinstance(source, NfsSource) else mount.source


def read_heartbeat_loops(host: Host) -> tuple[Loop, ...]:
    """Return the loop devices that the heartbeat file of an NFS cluster root is attached to."""
    return losetup.known(host, pool_fs.heartbeat_file(host))
