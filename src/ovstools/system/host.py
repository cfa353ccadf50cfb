"""The host: this machine, as the one thing that is passed down."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import RefusedError, ToolError
from ..model.command import Command, Result
from ..settings import Settings
from . import files
from .clock import Clock
from .keeper import Keeper, NoKeeper
from .runner import Runner
from .talk import Talk

#: as many symbolic links as Linux follows in one path (path_resolution(7))
MAX_LINKS = 40


@dataclass(frozen=True)
class Host:
    """This machine, or the files of one below another root.

    offline: --root was given: nothing is started, mounted or formatted, only files are written.
    keeper: what holds the locks of this server and its guests.
    """

    runner: Runner
    talk: Talk = field(default_factory=Talk)
    clock: Clock = field(default_factory=Clock)
    settings: Settings = field(default_factory=Settings)
    root: Path = Path("/")
    offline: bool = False
    keeper: Keeper = field(default_factory=NoKeeper)

    def path(self, absolute: str) -> Path:
        """Return where an absolute path is below the root; it may be a symbolic link itself."""
        if self.offline:
            return below_root(self.root, absolute, follow_last=False)
        return self.root / absolute.lstrip("/")

    def file(self, absolute: str) -> Path:
        """Return where the file is that an absolute path leads to, below the root."""
        return below_root(self.root, absolute) if self.offline else self.path(absolute)

    def read(self, absolute: str) -> str | None:
        """Return the file's text, or None when there is none."""
        return files.read_text(self.file(absolute))

    def names(self, absolute: str) -> tuple[str, ...]:
        """Return the names in a folder, sorted; none when there is no folder."""
        try:
            return tuple(sorted(os.listdir(self.file(absolute))))
        except (FileNotFoundError, NotADirectoryError):
            return ()

    def kind(self, absolute: str) -> str:
        """Say what is at a path: block, directory, file, other or missing."""
        try:
            mode = self.file(absolute).stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return "missing"
        kinds = {stat.S_IFBLK: "block", stat.S_IFDIR: "directory", stat.S_IFREG: "file"}
        return kinds.get(stat.S_IFMT(mode), "other")

    def resolve(self, absolute: str) -> str:
        """Follow symbolic links; return an absolute path below the root."""
        real = os.path.realpath(self.file(absolute))
        inside = os.path.relpath(real, os.path.realpath(self.root))
        return real if inside.startswith("..") else f"/{inside}"

    def links_to(self, device: str, folders: Iterable[str]) -> tuple[str, ...]:
        """Return the links in folders that lead to device (a resolved path)."""
        return tuple(
            link
            for folder in folders
            for name in self.names(folder)
            if self.resolve(link := f"{folder}/{name}") == device and link != device
        )

    def run(self, command: Command) -> Result:
        """Run a command; see Runner.run."""
        return self.runner.run(command)

    def peek(self, absolute: str, offset: int, size: int) -> bytes:
        """Return size bytes of a device from offset on.

        Raises RefusedError when it cannot be read.
        """
        try:
            with self.path(absolute).open("rb", buffering=0) as device:
                return os.pread(device.fileno(), size, offset)
        except OSError as error:
            raise RefusedError(f"cannot read {absolute}: {error.strerror}") from error

    def poke(self, absolute: str) -> None:
        """Write 1 to an attribute of sysfs; raise ToolError when the kernel refuses.

        Write-only: whoever opens such an attribute for reading as well is refused, root or not
        (kernfs_fop_open in fs/kernfs/file.c).
        """
        try:
            descriptor = os.open(self.path(absolute), os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(descriptor, b"1\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise ToolError(
                f"cannot write {absolute}: {error.strerror}", hint="see the last lines of dmesg"
            ) from error

    def is_claimed(self, absolute: str) -> bool:
        """Tell whether the kernel holds a device exclusively: mounted anywhere, swap, RAID.

        O_EXCL without O_CREAT on a block device fails with EBUSY then (open(2)).
        """
        try:
            os.close(os.open(self.path(absolute), os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
        except OSError as error:
            return error.errno == errno.EBUSY
        return False

    def hostname(self) -> str:
        """Return uname's node name, or /etc/hostname's below another root."""
        if self.offline:
            return (self.read("/etc/hostname") or "").strip()
        return os.uname().nodename

    def resolve_name(self, name: str) -> tuple[str, ...]:
        """Return the IPv4 addresses of a host name, in the resolver's order; none: unknown."""
        import socket  # here, as below: few commands need it

        try:
            found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        except OSError:
            return ()
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))

    def addresses(self) -> frozenset[str]:
        """Return the IPv4 addresses on this machine's interfaces."""
        import socket

        import psutil

        return frozenset(
            entry.address
            for entries in psutil.net_if_addrs().values()
            for entry in entries
            if entry.family == socket.AF_INET
        )

    def why_unreachable(self, address: str, port: int, timeout_s: float) -> str:
        """Say why no TCP connection can be made; empty when somebody listens."""
        import socket

        try:
            socket.create_connection((address, port), timeout_s).close()
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def why_silent(self, address: str, port: int, timeout_s: float) -> str:
        """Say why a file server does not answer within timeout_s; empty: it does."""
        from . import rpc

        return rpc.why_silent(address, port, timeout_s)

    def is_root(self) -> bool:
        """Tell whether we may change the machine."""
        return os.geteuid() == 0


def below_root(root: Path, absolute: str, follow_last: bool = True) -> Path:
    """Follow symbolic links as a process would whose root folder is root (chroot(2)).

    An image's absolute links lead into the image: without this, --root DIR would write to this
    machine's own files. Raises RefusedError when links lead round in circles.
    """
    found = root
    waiting = [name for name in reversed(absolute.split("/")) if name]
    links = 0
    while waiting:
        name = waiting.pop()
        if name == "..":
            found = found if found == root else found.parent
            continue
        path = found / name
        if name == "." or not path.is_symlink() or (not waiting and not follow_last):
            found = path
            continue
        links += 1
        if links > MAX_LINKS:
            raise RefusedError(f"{root / absolute.lstrip('/')} leads round in circles")
        target = os.readlink(path)
        found = root if target.startswith("/") else found
        waiting += [name for name in reversed(target.split("/")) if name]
    return found
