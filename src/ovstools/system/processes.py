"""Processes: who uses a file system."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import OvsError
from ..model.cgroup import unit_of
from ..model.scope import guest_of
from .host import Host


@dataclass(frozen=True)
class Process:
    """A process that keeps a file system busy, and by what; unit: systemd's, where it has one."""

    pid: int
    name: str
    path: str
    unit: str = ""

    def __str__(self) -> str:
        guest = f", guest {self.guest}" if self.guest else ""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.name} (pid {self.pid}{guest}{unit}) has {self.path}"

    @property
    def guest(self) -> str:
        """Return the guest that it runs, by its unit's name; empty: none."""
        return guest_of(self.unit)


Excuse = Callable[[Process], bool]


def users_of(
    host: Host, mountpoint: str, excused: Excuse = lambda process: False
) -> tuple[Process, ...]:
    """Return the processes with a file, working directory, root, program or map below mountpoint.

    From /proc (proc(5)); loop devices and nested mounts are no processes and are not seen here.
    A process that ends meanwhile, or that we may not look into, counts as none. excused: tell
    that a process's use of its path does not count; others of its paths may.
    """
    found = []
    for pid in filter(str.isdigit, host.names("/proc")):
        with contextlib.suppress(OSError, OvsError):
            uses = _uses(host, pid, mountpoint)
            process = next((each for each in uses if not excused(each)), None)
            if process is not None:
                found.append(process)
    return tuple(sorted(found, key=lambda process: process.pid))


def _uses(host: Host, pid: str, mountpoint: str) -> Iterator[Process]:
    name, unit = "", ""
    for path in itertools.chain(_links(host, pid), _maps(host, pid)):
        if is_below(path, mountpoint):
            if not name:
                name = (host.read(f"/proc/{pid}/comm") or "?").strip()
                unit = unit_of(host.read(f"/proc/{pid}/cgroup") or "")
            yield Process(int(pid), name, path, unit)


def _links(host: Host, pid: str) -> Iterator[str]:
    folder = host.path(f"/proc/{pid}")
    names = ["cwd", "root", "exe", *(f"fd/{name}" for name in _names(host, f"/proc/{pid}/fd"))]
    for name in names:
        try:
            target = os.readlink(folder / name)
        except OSError:  # gone by now, or a kernel thread
            continue
        yield target


def _names(host: Host, folder: str) -> tuple[str, ...]:
    try:
        return host.names(folder)
    except OSError:
        return ()


def _maps(host: Host, pid: str) -> Iterator[str]:
    try:
        text = os.fsdecode(host.path(f"/proc/{pid}/maps").read_bytes())  # names need not be UTF-8
    except OSError:
        return
    rows = (line.split(maxsplit=5) for line in text.split("\n"))
    yield from (row[5] for row in rows if len(row) == 6)


def is_below(path: str, folder: str) -> bool:
    """Tell whether a path is a folder, or in it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
