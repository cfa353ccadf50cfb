"""What keeps a file system busy: processes, mounts on top, loop devices, swap files."""

from __future__ import annotations

from ..model.mountinfo import SWAPS, Mount, parse_swaps
from . import mounts
from .host import Host
from .processes import Excuse, Process, is_below, users_of

__all__ = ["Excuse", "Process", "is_below", "loops_in", "mounts_on", "processes_in", "swaps_in"]

BLOCK = "/sys/block"


def processes_in(
    host: Host, mountpoints: tuple[str, ...], excused: Excuse = lambda process: False
) -> tuple[Process, ...]:
    """Return the processes that use any of the mountpoints, each once; excused: see users_of."""
    found = {
        process.pid: process
        for mountpoint in mountpoints
        for process in users_of(host, mountpoint, excused)
    }
    return tuple(found[pid] for pid in sorted(found))


def mounts_on(host: Host, mountpoint: str) -> tuple[Mount, ...]:
    """Return what is mounted below a mountpoint."""
    return mounts.read_mounts(host).below(mountpoint)


def loops_in(host: Host, mountpoint: str) -> tuple[tuple[str, str], ...]:
    """Return the loop devices whose backing file is below a mountpoint: (device, file)."""
    found = []
    for name in host.names(BLOCK):
        if name.startswith("loop"):
            file = (host.read(f"{BLOCK}/{name}/loop/backing_file") or "").rstrip("\n")
            if file and is_below(file, mountpoint):
                found.append((f"/dev/{name}", file))
    return tuple(found)


def swaps_in(host: Host, mountpoint: str) -> tuple[str, ...]:
    """Return the swap files below a mountpoint."""
    text = host.read(SWAPS)
    return tuple(path for path in parse_swaps(text) if is_below(path, mountpoint)) if text else ()
