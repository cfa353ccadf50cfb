"""What the expendable child does with locks: flock(2) on files that nobody ever replaces."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time

from .pool_child_files import FLAGS, content, in_memory, sync_folder

#: a lock file that is another one whenever it is looked at: somebody replaces it all the time
MAX_TRIES = 50
#: the block of model/sealed_block.py; a byte more is read, to see that there is no more
MAX_RECORD = 512


def lock(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Take a lock, or wait for it; give it, and what the file holds, which never changes under it.

    Whoever finds that the path leads to another file by now holds nothing, and tries again.
    """
    name, how = words
    operation = fcntl.LOCK_EX | (0 if how == "wait" else fcntl.LOCK_NB)
    for _ in range(MAX_TRIES):
        held = _opened(folder, name)
        try:
            fcntl.flock(held, operation)
            if _is_at(held, folder, name):
                return ["granted"], [held, in_memory(os.pread(held, MAX_RECORD + 1, 0))]
        except BlockingIOError:
            os.close(held)
            return ["denied"], []
        except BaseException:
            os.close(held)
            raise
        os.close(held)
        time.sleep(0.1)
    raise OSError(errno.ESTALE, f"{name} is replaced again and again")


def _opened(folder: int, name: str) -> int:
    try:
        made = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | FLAGS, 0o600, dir_fd=folder)
    except FileExistsError:
        return os.open(name, os.O_RDWR | FLAGS, dir_fd=folder)
    try:
        sync_folder(folder, os.path.dirname(name))
    except BaseException:
        os.close(made)
        raise
    return made


def _is_at(descriptor: int, folder: int, name: str) -> bool:
    held = os.fstat(descriptor)
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(held.st_mode):
        raise OSError(errno.EINVAL, f"{name} is no regular file")
    return (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)


def _refuse_not_ours(held: int, folder: int, name: str) -> None:
    # ovstools.model.fdinfo knows this too, and would cost the child its fast start
    with open(f"/proc/self/fdinfo/{held}") as info:
        lines = [line.split()[2:5] for line in info if line.startswith("lock:")]
    if ["FLOCK", "ADVISORY", "WRITE"] not in lines:
        raise OSError(errno.EPERM, f"{name} is not locked by us")
    if not _is_at(held, folder, name):
        raise OSError(errno.ESTALE, f"{name} is another file than the one that is locked")


def verify(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Tell whether a descriptor still carries the lock of the file at the path."""
    _refuse_not_ours(descriptors[0], folder, words[0])
    return ["ok"], []


def write(folder: int, words: list[str], descriptors: list[int]) -> tuple[list[str], list[int]]:
    """Write in place, below the lock that came with the request; durable when answered."""
    held, memory = descriptors
    _refuse_not_ours(held, folder, words[0])
    data = content(memory)
    if os.pwrite(held, data, 0) != len(data):
        raise OSError(errno.EIO, f"{words[0]} took a part only")
    os.ftruncate(held, len(data))  # a foreign hand may have made it longer
    os.fsync(held)
    return ["ok"], []
