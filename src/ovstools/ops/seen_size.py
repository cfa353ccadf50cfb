"""Which servers have seen that a repository's device grew, said on the repository itself.

A file system that is larger than what one of its servers takes the device for gets I/O errors
there. So each server leaves the size it sees in a file of its own, and the last one grows the
file system. Sizes only grow; a server that boots sees the new one anyway.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from ..system import files
from ..system.host import Host
from .plan import Step

FOLDER = ".ovs-grow"


@dataclass(frozen=True)
class TellSize:
    """Leave the size that this server sees."""

    path: str
    size_bytes: int

    def preview(self) -> str:
        """Return the command that would do it."""
        return f"echo {self.size_bytes} > {self.path}"

    def preflight(self, host: Host) -> None:
        """Ask for no room: a repository grows because it is full, and this takes next to none."""

    def apply(self, host: Host) -> None:
        """Write it."""
        before = host.read(self.path)
        files.replace(host.path(self.path), f"{self.size_bytes}\n", before)


@dataclass(frozen=True)
class ForgetSizes:
    """Remove what the servers left: the file system has grown."""

    folder: str

    def preview(self) -> str:
        """Return the command that would do it."""
        return f"rm -r {self.folder}"

    def preflight(self, host: Host) -> None:
        """Nothing can be known."""

    def apply(self, host: Host) -> None:
        """Remove it; what stays is overwritten the next time."""
        folder = host.path(self.folder)
        with contextlib.suppress(OSError):
            for name in host.names(self.folder):
                (folder / name).unlink()
            folder.rmdir()


def waiting(
    host: Host, mountpoint: str, names: tuple[str, ...], size_bytes: int
) -> tuple[str, ...]:
    """Return which of these servers have not said yet that they see so much."""
    return tuple(n for n in names if _said(host, f"{mountpoint}/{FOLDER}/{n}") < size_bytes)


def tell_steps(host: Host, mountpoint: str, name: str, size_bytes: int) -> list[Step]:
    """Return the step that says what this server sees, unless it is said."""
    path = f"{mountpoint}/{FOLDER}/{name}"
    if _said(host, path) == size_bytes:
        return []
    return [Step(f"tell the other servers: {size_bytes} bytes here", TellSize(path, size_bytes))]


def forget_steps(host: Host, mountpoint: str) -> list[Step]:
    """Return the step that removes what was said, if anything was."""
    folder = f"{mountpoint}/{FOLDER}"
    if host.kind(folder) == "missing":
        return []
    return [Step("forget what the servers have said", ForgetSizes(folder))]


def _said(host: Host, path: str) -> int:
    text = (host.read(path) or "").strip()
    return int(text) if text.isdigit() and text.isascii() else 0
