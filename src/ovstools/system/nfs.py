"""NFS: how an export is mounted, whether its server answers, and files on it.

Files are reached through programs with a time limit: on a hard mount a server that does not
answer lets everything wait, and a program of ours can be killed and left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RefusedError, ToolError
from ..model.command import Command
from ..model.nfs_options import FSTYPE, TCP, TCP6, port
from ..model.source import NfsSource
from .host import Host

#: for one small question to the storage
ANSWER_S = 30.0
NOT_THERE = "No such file or directory"


@dataclass(frozen=True)
class FileFound:
    """A file on an export."""

    kind: str  #: as stat(1) says it: "regular empty file", "directory"
    size: int
    inode: int
    owner: int

    @property
    def is_file(self) -> bool:
        """Tell whether it is a regular file."""
        return self.kind.startswith("regular ")


def mount(source: NfsSource, mountpoint: str, options: str, timeout_s: float) -> Command:
    """Build the command that mounts an export."""
    words = ("mount", "-t", FSTYPE, "-o", options, str(source), mountpoint)
    return Command(words, timeout_s=timeout_s)


def protocol(host: Host, source: NfsSource) -> str:
    """Return the netid to mount with: an IPv6 address, and a name with no other, want tcp6."""
    if ":" in source.address:
        return TCP6
    is_number = source.address.replace(".", "").isdigit()
    return TCP if is_number or host.resolve_name(source.address) else TCP6


def refuse_silent(host: Host, source: NfsSource, options: str) -> None:
    """Raise RefusedError unless the file server answers a question of ours."""
    limit_s = host.settings.limits.connect_s
    reason = host.why_silent(source.address, port(options), limit_s)
    if reason:
        raise RefusedError(
            f"the file server {source.host} does not answer: {reason}",
            f"asked for NFS at port {port(options)}",
            hint="look whether it runs, and at network and firewall between; "
            f"rpcinfo -T tcp {source.address} nfs",
        )


def stat(path: str) -> Command:
    """Build the question what is at a path."""
    words = ("stat", "--printf=%F\\t%s\\t%i\\t%u", "--", path)
    return Command(words, frozenset({0, 1}), ANSWER_S, changes=False)


def look(host: Host, path: str) -> FileFound | None:
    """Return what is at a path on an export; None: nothing."""
    result = host.run(stat(path))
    if result.status == 0:
        kind, size, inode, owner = result.stdout.split("\t")
        return FileFound(kind, int(size), int(inode), int(owner))
    if NOT_THERE in result.stderr:
        return None
    raise ToolError(f"cannot look at {path}", *result.stderr.strip().splitlines()[-2:])


def existing(host: Host, paths: Sequence[str]) -> tuple[str, ...]:
    """Return those of the paths on an export where something is."""
    words = ("stat", "--printf=%n\\n", "--", *paths)
    result = host.run(Command(words, frozenset({0, 1}), ANSWER_S, changes=False))
    return tuple(path for path in result.stdout.splitlines() if path in paths)


def write(path: str, text: str) -> Command:
    """Build the command that makes a file of a text, durably."""
    words = ("dd", f"of={path}", "conv=fsync", "status=none")
    return Command(words, timeout_s=ANSWER_S, input=text)


def fill(path: str, start_mib: int, count_mib: int, timeout_s: float) -> Command:
    """Build the command that writes zeros into a part of a file, durably; no hole is left."""
    where = ("bs=1M", f"count={count_mib}", f"seek={start_mib}")
    words = ("dd", "if=/dev/zero", f"of={path}", *where, "conv=notrunc,fsync", "status=none")
    return Command(words, timeout_s=timeout_s)


def link(path: str, name: str) -> Command:
    """Build the command that gives a file one more name, unless something has it (link(2))."""
    return Command(("ln", "-T", "--", path, name), frozenset({0, 1}), ANSWER_S)


def remove(*paths: str) -> Command:
    """Build the command that removes files; fine if they are gone."""
    return Command(("rm", "-f", "--", *paths), timeout_s=ANSWER_S)


def flush(path: str, timeout_s: float = ANSWER_S) -> Command:
    """Build the command that waits until a file is on the server's storage."""
    return Command(("sync", "--", path), timeout_s=timeout_s)


def make_folders(*paths: str, mode: int = 0o755) -> Command:
    """Build the command that makes folders; fine if they are there."""
    return Command(("mkdir", "-p", "-m", f"{mode:o}", "--", *paths), timeout_s=ANSWER_S)


def free_bytes(host: Host, mountpoint: str) -> int:
    """Return the room that is left."""
    words = ("df", "--block-size=1", "--output=avail", "--", mountpoint)
    *_, last = host.run(Command(words, timeout_s=ANSWER_S, changes=False)).stdout.splitlines()
    return int(last)
