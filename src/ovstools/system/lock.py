"""The local lock: one ovstools at a time changes this server.

A flock(2) under /run/ovs. The programs that ovstools calls inherit its descriptor, so that
a mkfs which outlives its killed caller still keeps the next ovstools away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import BusyError
from .clock import Clock
from .files import cannot_write

POLL_S = 0.1


@contextlib.contextmanager
def held(path: Path, words: str, wait_s: float, clock: Clock) -> Iterator[int]:
    """Hold the lock at path, and yield its descriptor.

    words (our command line) tell the next one who has it. Raises BusyError, which names the
    holder, when it is not free within wait_s seconds.
    """
    descriptor = _opened(path)
    try:
        _take(descriptor, path, wait_s, clock)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {words}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise cannot_write(path, error) from error


def _take(descriptor: int, path: Path, wait_s: float, clock: Clock) -> None:
    deadline = clock.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if clock.monotonic() >= deadline:
                raise _busy(descriptor, path) from error
        clock.sleep(POLL_S)


def _busy(descriptor: int, path: Path) -> BusyError:
    pid, _, words = os.pread(descriptor, 4096, 0).decode(errors="replace").strip().partition(" ")
    alive = pid.isdigit() and Path(f"/proc/{pid}").exists()
    return BusyError(
        f"another ovstools is at work: pid {pid or 'unknown'}, {words or 'command unknown'}",
        *([] if alive else [f"process {pid} has ended, but a program that it started still runs"]),
        hint=f"wait for it (--lock-wait S), or see who holds it: fuser -v {path}",
    )
