"""/etc/fstab as fstab(5) describes it; only ever made shorter here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from . import octal
from .lines import Lines

PATH = "/etc/fstab"


@dataclass(frozen=True)
class FstabEntry:
    """One line that names a file system."""

    spec: str
    mountpoint: str
    fstype: str
    options: str = "defaults"
    freq: int = 0
    passno: int = 0
    line: int = 0  #: counted from 1


@dataclass(frozen=True)
class Fstab:
    """The file as lines; make one with parse()."""

    document: Lines

    @classmethod
    def parse(cls, text: str) -> Fstab:
        """Read the file; nothing is refused."""
        return cls(Lines.split(text))

    def __str__(self) -> str:
        return str(self.document)

    @property
    def entries(self) -> tuple[FstabEntry, ...]:
        """List what is understood; comments and lines without a mountpoint are left out."""
        numbered = enumerate(self.document.lines, start=1)
        return tuple(entry for number, line in numbered for entry in _entry(line, number))

    def entries_under(self, folder: str) -> tuple[FstabEntry, ...]:
        """List the entries of a folder and of what is below it: /OVS and /OVS/x, not /OVSx."""
        prefix = folder.rstrip("/") + "/"
        return tuple(
            entry
            for entry in self.entries
            if f"{_plain_path(entry.mountpoint)}/".startswith(prefix)
        )

    def without(self, entries: Iterable[FstabEntry]) -> Fstab:
        """Remove the lines of entries of this file."""
        gone = {entry.line - 1 for entry in entries}
        return Fstab(self.document.drop(gone)) if gone else self


def _plain_path(path: str) -> str:
    # POSIX lets "//" at the beginning mean something else; Linux does not
    return re.sub("^//", "/", posixpath.normpath(path))


def _entry(line: str, number: int) -> list[FstabEntry]:
    words = re.split(r"[ \t]+", line.strip(" \t\r"))
    if words[0].startswith("#") or len(words) < 3:
        return []
    spec, mountpoint, fstype = (octal.decode(word) for word in words[:3])
    options = octal.decode(words[3]) if len(words) > 3 else "defaults"
    freq, passno = (_number(words, index) for index in (4, 5))
    return [FstabEntry(spec, mountpoint, fstype, options, freq, passno, number)]


def _number(words: list[str], index: int) -> int:
    word = words[index] if index < len(words) else "0"
    return int(word) if re.fullmatch(r"[0-9]+", word) else 0
