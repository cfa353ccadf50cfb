"""Processes: who uses a file system."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import OvsError
from .host import Host


@dataclass(frozen=True)
class Process:
    """A process that keeps a file system busy, and by what."""

    pid: int
    name: str
    path: str

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}) has {self.path}"


def users_of(host: Host, mountpoint: str) -> tuple[Process, ...]:
    """Return the processes with a file, working directory, root, program or map below mountpoint.

    From /proc (proc(5)); loop devices and nested mounts are no processes and are not seen here.
    A process that ends meanwhile, or that we may not look into, counts as none.
    """
    found = []
    for pid in filter(str.isdigit, host.names("/proc")):
        with contextlib.suppress(OSError, OvsError):
            path = _used_path(host, pid, mountpoint)
            if path:
                name = (host.read(f"/proc/{pid}/comm") or "?").strip()
                found.append(Process(int(pid), name, path))
    return tuple(sorted(found, key=lambda process: process.pid))


def _used_path(host: Host, pid: str, mountpoint: str) -> str:
    used = itertools.chain(_links(host, pid), _maps(host, pid))
    return next((path for path in used if is_below(path, mountpoint)), "")


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
