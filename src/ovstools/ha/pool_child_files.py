"""What the expendable child does with files; names are relative to the pool file system."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time

FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def read(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Read whole files: per name its length, "missing", or "failed ERRNO TEXT"."""
    limit, *names = words
    said = ["ok"]
    found = []
    for name in names:
        try:
            found.append(_read_one(folder, name, int(limit)))
            said.append(str(len(found[-1])))
        except (FileNotFoundError, NotADirectoryError):
            said.append("missing")
        except OSError as error:
            said.append(f"failed {error.errno} {error.strerror}")
    return said, [in_memory(b"".join(found))]


def look(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Read what has changed: per name "same", "missing", "failed ERRNO TEXT" or its content.

    A name is followed by the signature that its reader has, or "". A content is announced by
    "file SIGNATURE LENGTH"; a folder's by "folder SIGNATURE LENGTH": its names, NUL between.
    """
    limit, *pairs = words
    said = ["ok"]
    found = []
    for name, known in zip(pairs[::2], pairs[1::2]):
        try:
            info = os.stat(name, dir_fd=folder, follow_symlinks=False)
            signature = f"{info.st_ino}.{info.st_mtime_ns}.{info.st_ctime_ns}.{info.st_size}"
            if signature == known:
                said.append("same")
                continue
            if stat.S_ISDIR(info.st_mode):
                found.append(_names(folder, name))
                said.append(f"folder {signature} {len(found[-1])}")
            else:
                found.append(_read_one(folder, name, int(limit)))
                said.append(f"file {signature} {len(found[-1])}")
        except (FileNotFoundError, NotADirectoryError):
            said.append("missing")
        except OSError as error:
            said.append(f"failed {error.errno} {error.strerror}")
    return said, [in_memory(b"".join(found))]


def prepare(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Make the folders and the ballast that are not there yet; the ballast only where it fits."""
    size, ballast, *names = words
    for name in names:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize >= 4 * int(size):
        with contextlib.suppress(FileExistsError):
            file = os.open(ballast, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS, 0o600,
                           dir_fd=folder)  # fmt: skip
            try:
                os.posix_fallocate(file, 0, int(size))
            finally:
                os.close(file)
    sync_folder(folder, "")
    return ["ok"], []


def room(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Fail as a write on a full file system does, unless so many bytes are free."""
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize < int(words[0]):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return ["ok"], []


def _read_one(folder: int, name: str, limit: int) -> bytes:
    file = os.open(name, os.O_RDONLY | FLAGS, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "no regular file")
        data = b""
        while len(data) <= limit:
            more = os.read(file, limit + 1 - len(data))
            if not more:
                return data
            data += more
        raise OSError(errno.EFBIG, f"more than {limit} bytes")
    finally:
        os.close(file)


def list_names(
    folder: int, words: list[str], descriptors: list[int]
) -> tuple[list[str], list[int]]:
    """List a folder, NUL between the names."""
    return ["ok"], [in_memory(_names(folder, words[0]))]


def _names(folder: int, name: str) -> bytes:
    found = os.open(name, os.O_RDONLY | os.O_DIRECTORY | FLAGS, dir_fd=folder)
    try:
        return os.fsencode("\0".join(sorted(os.listdir(found))))
    finally:
        os.close(found)


def replace(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Replace a file by rename(2), durably; the old or the new content, never a part of one."""
    name, mode = words
    parent, base = os.path.split(name)
    # Never the name of another run: one that hangs may wake up and rename what we have half written
    new = os.path.join(parent, f".{base}.{os.getpid()}-{os.urandom(6).hex()}.new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS, 0o600, dir_fd=folder)
    try:
        try:
            _write_all(file, content(descriptors[0]))
            os.fchmod(file, int(mode, 8))
            os.fsync(file)
        finally:
            os.close(file)
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(new, dir_fd=folder)
        raise
    sync_folder(folder, parent)
    return ["ok"], []


def append(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Append lines; begin a new file when the old one is full. One writer a file."""
    name, limit, keep = words[0], int(words[1]), int(words[2])
    data = content(descriptors[0])
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | FLAGS
    file = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        size = os.fstat(file).st_size
        if size and size + len(data) > limit:
            _rotate(folder, name, keep)
            os.close(file)
            file = os.open(name, flags, 0o600, dir_fd=folder)
            size = 0
        if size and os.pread(file, 1, size - 1) != b"\n":  # a line that a crash cut short
            data = b"\n" + data
        _write_all(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    return ["ok"], []


def _rotate(folder: int, name: str, keep: int) -> None:
    names = [name, *(f"{name}.{number}" for number in range(1, keep + 1))]
    for number in range(keep, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            os.rename(names[number - 1], names[number], src_dir_fd=folder, dst_dir_fd=folder)


def remove(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Remove a file, durably; fine if it is gone already."""
    try:
        os.unlink(words[0], dir_fd=folder)
    except FileNotFoundError:
        return ["ok"], []
    sync_folder(folder, os.path.dirname(words[0]))
    return ["ok"], []


def sweep(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Remove what replace() left behind in a folder where it was killed; of this age at least."""
    name, age_s = words
    found = os.open(name, os.O_RDONLY | os.O_DIRECTORY | FLAGS, dir_fd=folder)
    try:
        for each in os.listdir(found):
            if each.startswith(".") and each.endswith(".new"):
                with contextlib.suppress(FileNotFoundError):
                    info = os.stat(each, dir_fd=found, follow_symlinks=False)
                    if time.time() - info.st_mtime >= float(age_s):
                        os.unlink(each, dir_fd=found)
    finally:
        os.close(found)
    return ["ok"], []


def sync_folder(folder: int, name: str) -> None:
    """Make new names in a folder durable."""
    opened = os.open(name or ".", os.O_RDONLY | os.O_DIRECTORY | FLAGS, dir_fd=folder)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def content(memory: int) -> bytes:
    """Return what a memfd holds."""
    return os.pread(memory, os.fstat(memory).st_size, 0)


def in_memory(data: bytes) -> int:
    """Return a memfd that holds data: it passes a socket whatever its size."""
    memory = os.memfd_create("ovs-content", os.MFD_CLOEXEC)
    _write_all(memory, data)
    return memory


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
