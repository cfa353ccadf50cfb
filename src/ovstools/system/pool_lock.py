"""The pool's locks (locks/config, locks/master) for commands that hold one for a moment.

flock(2) on the pool file system, which the DLM makes cluster-wide. The files are created once
and never replaced: a grant counts only when the path still leads to the locked file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import BusyError
from . import files
from .clock import Clock

POLL_S = 0.1


@contextlib.contextmanager
def held(path: Path, wait_s: float, clock: Clock) -> Iterator[None]:
    """Hold a lock of the pool. Raises BusyError when it is not free within wait_s seconds."""
    deadline = clock.monotonic() + wait_s
    while (descriptor := _taken(path)) is None:
        if clock.monotonic() >= deadline:
            raise BusyError(
                "another ovstools is changing the pool, perhaps on another server",
                f"its lock: {path}",
                hint="wait for it, and run the command again",
            )
        clock.sleep(POLL_S)
    try:
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether anybody holds the lock, here or on another server."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _taken(path: Path) -> int | None:
    """Return the locked file's descriptor, or None."""
    try:
        files.make_folder(path.parent.parent, 0o700)
        files.make_folder(path.parent, 0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise files.cannot_write(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there, mine = os.stat(path), os.fstat(descriptor)
        if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
