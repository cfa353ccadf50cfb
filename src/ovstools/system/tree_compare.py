"""Compare one thing of a tree with its copy: kind, owner, mode, time, attributes, every byte."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .tree import CHUNK, Entry, Progress, attributes, extents

#: set by the system's policy where the file is, not by its owner
POLICY = "security.selinux"


def difference(source: Path, entry: Entry, copy: Path, progress: Progress) -> str:
    """Say in what a copy differs; empty: in nothing. Raises OSError when one cannot be read."""
    try:
        there = os.lstat(copy)
    except (FileNotFoundError, NotADirectoryError):
        return "it is missing"
    here = entry.status
    if stat.S_IFMT(here.st_mode) != stat.S_IFMT(there.st_mode):
        return "it is something else"
    if (here.st_uid, here.st_gid) != (there.st_uid, there.st_gid):
        return f"owner {there.st_uid}:{there.st_gid} instead of {here.st_uid}:{here.st_gid}"
    if entry.is_link:
        return "" if os.readlink(source) == os.readlink(copy) else "it leads elsewhere"
    if stat.S_IMODE(here.st_mode) != stat.S_IMODE(there.st_mode):
        return f"mode {stat.S_IMODE(there.st_mode):o} instead of {stat.S_IMODE(here.st_mode):o}"
    if not entry.is_file:
        return "" if here.st_rdev == there.st_rdev else "it is another device"
    if here.st_size != there.st_size:
        return f"{there.st_size} bytes instead of {here.st_size}"
    if int(here.st_mtime) != int(there.st_mtime):
        return "another time of last change"
    return _content(source, copy, here.st_size, progress)


def lost_attributes(source: Path, copy: Path) -> tuple[str, ...]:
    """Return the names of the attributes that a copy has not, or differently."""
    there = attributes(copy)
    return tuple(
        name
        for name, value in attributes(source).items()
        if name != POLICY and there.get(name) != value
    )


def _content(source: Path, copy: Path, size: int, progress: Progress) -> str:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    first = os.open(source, flags)
    try:
        second = os.open(copy, flags)
        try:
            parts = [*extents(first, size), *extents(second, size)]
            for begin, end in _merged(parts):
                for offset in range(begin, end, CHUNK):
                    length = min(CHUNK, end - offset)
                    data = os.pread(first, length, offset)
                    if data != os.pread(second, length, offset):
                        return f"other content behind byte {offset}"
                    progress(len(data))
        finally:
            os.close(second)
    finally:
        os.close(first)
    return ""


def _merged(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Unite what overlaps: where either has data, both are read."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(parts):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found
