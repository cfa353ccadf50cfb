"""A folder with all that is in it: walk it, and copy one thing with its attributes.

Files of guests are large and have holes, which stay holes. A file appears under its own name
only when it is whole and on the storage.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK = 4 << 20
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Entry:
    """Something in a tree: its path below the tree's top, and what lstat(2) says of it."""

    path: str
    status: os.stat_result

    @property
    def is_folder(self) -> bool:
        """Tell whether it is a folder."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        """Tell whether it is a regular file."""
        return stat.S_ISREG(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        """Tell whether it is a symbolic link."""
        return stat.S_ISLNK(self.status.st_mode)

    @property
    def used_bytes(self) -> int:
        """Return the room that it takes; holes take none."""
        return self.status.st_blocks * 512


def walk(top: Path, skipped: Collection[str] = (), below: str = "") -> Iterator[Entry]:
    """Yield what is in a folder, each folder before what is in it, in the order of names.

    skipped: names at the top that do not count. Raises OSError.
    """
    for name in sorted(os.listdir(top / below)):
        if not below and name in skipped:
            continue
        path = f"{below}/{name}" if below else name
        entry = Entry(path, os.lstat(top / path))
        yield entry
        if entry.is_folder:
            yield from walk(top, (), path)


def looks_same(entry: Entry, other: Path) -> bool:
    """Tell whether a path has the same kind, size and second of last change."""
    try:
        found = os.lstat(other)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_IFMT(found.st_mode) != stat.S_IFMT(entry.status.st_mode):
        return False
    if not entry.is_file:
        return True
    mine = (entry.status.st_size, int(entry.status.st_mtime))
    return mine == (found.st_size, int(found.st_mtime))


def copy(
    source: Path, entry: Entry, target: Path, part: Path, progress: Progress
) -> tuple[str, ...]:
    """Copy one thing that is no folder to target, which must not exist.

    part: where it is while it is not whole, on the same storage. Return the attributes that the
    storage cannot keep. Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    if entry.is_link:
        os.symlink(os.readlink(source), part)
    elif entry.is_file:
        _copy_data(source, part, entry.status.st_size, progress)
    else:
        os.mknod(part, entry.status.st_mode, entry.status.st_rdev)
    lost = dress(source, entry, part)
    if entry.is_file:
        _sync(part)
    os.rename(part, target)
    return lost


def dress(source: Path, entry: Entry, target: Path) -> tuple[str, ...]:
    """Give target the owner, attributes, mode and times of source; return what cannot be kept."""
    status = entry.status
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    lost = tuple(_copy_attributes(source, target))
    if not entry.is_link:  # last: chown(2) clears bits of the mode
        os.chmod(target, stat.S_IMODE(status.st_mode))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
    return lost


def attributes(path: Path) -> dict[str, bytes]:
    """Return the extended attributes of a file; none where the storage has no such thing."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


def _copy_attributes(source: Path, target: Path) -> Iterator[str]:
    wanted, there = attributes(source), attributes(target)
    for name, value in wanted.items():
        if there.get(name) == value:
            continue
        try:
            os.setxattr(target, name, value, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.EINVAL):
                raise
            yield name


def _copy_data(source: Path, target: Path, size: int, progress: Progress) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        writer = os.open(target, flags, 0o600)
        try:
            os.ftruncate(writer, size)
            for begin, end in extents(reader, size):
                for offset in range(begin, end, CHUNK):
                    data = os.pread(reader, min(CHUNK, end - offset), offset)
                    _write_all(writer, data, offset)
                    progress(len(data))
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where a file has data, begin and end of each part; see SEEK_DATA in lseek(2)."""
    end = 0
    while end < size:
        try:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            raise
        end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        yield begin, min(end, size)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
        # what is compared later is to come from the storage, not from memory
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
