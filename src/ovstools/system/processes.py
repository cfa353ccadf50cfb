"""Processes: who uses a file system."""

from __future__ import annotations

from dataclasses import dataclass

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
    """
    found = []
    for pid in host.names("/proc"):
        if pid.isdigit():
            path = _used_path(host, pid, mountpoint)
            if path:
                name = (host.read(f"/proc/{pid}/comm") or "?").strip()
                found.append(Process(int(pid), name, path))
    return tuple(found)


def _used_path(host: Host, pid: str, mountpoint: str) -> str:
    import os

    folder = host.path(f"/proc/{pid}")
    links = [folder / "cwd", folder / "root", folder / "exe"]
    links += [folder / "fd" / name for name in host.names(f"/proc/{pid}/fd")]
    for link in links:
        try:
            target = os.readlink(link)
        except OSError:  # gone by now, or a kernel thread
            continue
        if _is_below(target, mountpoint):
            return target
    return next(
        (
            fields[5]
            for line in (host.read(f"/proc/{pid}/maps") or "").splitlines()
            if len(fields := line.split(maxsplit=5)) == 6 and _is_below(fields[5], mountpoint)
        ),
        "",
    )


def _is_below(path: str, mountpoint: str) -> bool:
    return path == mountpoint or path.startswith(f"{mountpoint.rstrip('/')}/")
