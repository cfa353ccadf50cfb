"""What is mounted: /proc/self/mountinfo (proc(5)), and /proc/swaps.

mountinfo is the truth; /etc/mtab and mount(8)'s messages are not, and mount.ocfs2 1.8.7 exits 0 on
a missing mountpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ..errors import ParseError
from . import octal

PATH = "/proc/self/mountinfo"
SWAPS = "/proc/swaps"


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo."""

    id: int
    parent: int
    device_number: str  #: "8:17"
    root: str
    mountpoint: str
    options: tuple[str, ...]
    fstype: str
    source: str
    super_options: tuple[str, ...]

    @property
    def is_read_only(self) -> bool:
        """Tell whether writing is refused, here or by the file system (errors=remount-ro)."""
        return "ro" in self.options or "ro" in self.super_options


@dataclass(frozen=True)
class MountTable:
    """All mounts, in the kernel's order: a later one may cover an earlier one."""

    mounts: tuple[Mount, ...]

    @classmethod
    def parse(cls, text: str, source: str = PATH) -> MountTable:
        """Read the whole file; a line that is not as proc(5) says raises ParseError."""
        numbered = enumerate(text.split("\n"), start=1)
        return cls(tuple(_parse_line(line, number, source) for number, line in numbered if line))

    def at(self, mountpoint: str) -> Mount | None:
        """Find what is seen at a mountpoint: the last one mounted there."""
        return next((each for each in reversed(self.mounts) if each.mountpoint == mountpoint), None)

    def below(self, path: str) -> tuple[Mount, ...]:
        """List the mounts strictly below a path."""
        prefix = path.rstrip("/") + "/"
        return tuple(
            each
            for each in self.mounts
            if each.mountpoint.startswith(prefix) and each.mountpoint != prefix
        )

    def of_device(self, device_number: str) -> tuple[Mount, ...]:
        """List the mounts of a block device, given as "8:17"."""
        return tuple(each for each in self.mounts if each.device_number == device_number)

    def of_source(self, source: str) -> tuple[Mount, ...]:
        """List the mounts of a source such as ``server:/export``."""
        return tuple(each for each in self.mounts if each.source == source)


@lru_cache(maxsize=2)
def parse_mountinfo(text: str) -> MountTable:
    """Read /proc/self/mountinfo; what was read last is remembered, for those who ask often."""
    return MountTable.parse(text)


def _parse_line(line: str, number: int, source: str) -> Mount:
    # optional fields, any number of them, stand between the mount options and a lone "-";
    # a source may be empty, so words are cut at single spaces
    words = line.split(" ")
    try:
        dash = words.index("-", 6)
        fstype, device, first, *rest = words[dash + 1 :]
        return Mount(
            id=int(words[0]),
            parent=int(words[1]),
            device_number=words[2],
            root=octal.decode(words[3]),
            mountpoint=octal.decode(words[4]),
            options=tuple(words[5].split(",")),
            fstype=octal.decode(fstype),
            source=octal.decode(device),
            super_options=tuple(" ".join([first, *rest]).split(",")),
        )
    except ValueError as error:
        raise ParseError(source, number, "a line as in proc(5)", line) from error


def parse_swaps(text: str, source: str = SWAPS) -> tuple[str, ...]:
    """List the devices and files that are used for swapping."""
    lines = text.split("\n")
    if not lines[0].startswith("Filename"):
        raise ParseError(source, 1, "the header 'Filename Type ...'", lines[0])
    return tuple(octal.decode(line.split()[0]) for line in lines[1:] if line.strip())
