"""Keep unit tests off the machine: no process, no connection, no change outside their folders.

By an audit hook (sys.addaudithook), which sees the calls whatever name they were imported by.
It cannot be removed again, so it looks at a switch.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REFUSED = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.kill",
        "os.killpg",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "pty.spawn",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "subprocess.Popen",
    }
)
#: events that change a path: which of their words are paths, which are descriptors of folders
CHANGES: dict[str, tuple[slice, slice]] = {
    "os.chmod": (slice(1), slice(2, 3)),
    "os.chown": (slice(1), slice(3, 4)),
    "os.link": (slice(1, 2), slice(2, 4)),
    "os.mkdir": (slice(1), slice(2, 3)),
    "os.remove": (slice(1), slice(1, 2)),
    "os.rename": (slice(2), slice(2, 4)),
    "os.rmdir": (slice(1), slice(1, 2)),
    "os.setxattr": (slice(1), slice(0)),
    "os.symlink": (slice(1, 2), slice(2, 3)),
    "os.truncate": (slice(1), slice(0)),
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHECKOUT = Path(__file__).resolve().parent.parent
#: what the test tools themselves write while a test runs
TOOLS_FILES = (f"{CHECKOUT}/.hypothesis", f"{CHECKOUT}/.coverage", "/dev/null")


class TouchedTheMachine(BaseException):
    """A test did for real what it should have faked; no `except Exception` swallows it."""


class _Switch:
    is_installed = False
    #: where files may be changed, while it is on
    folders: tuple[str, ...] = ()


def _hook(event: str, words: tuple[Any, ...]) -> None:
    if not _Switch.folders:
        return
    if event in REFUSED:
        raise TouchedTheMachine(f"{event}{words!r}")
    if event == "open":
        if isinstance(words[2], int) and words[2] & WRITES:
            _refuse_outside(event, words[:1])
    elif event in CHANGES:
        paths, descriptors = CHANGES[event]
        if all(descriptor == -1 for descriptor in words[descriptors]):
            _refuse_outside(event, words[paths])


def _refuse_outside(event: str, paths: tuple[Any, ...]) -> None:
    for path in paths:
        if isinstance(path, (str, bytes, os.PathLike)):
            real = os.path.abspath(os.fsdecode(path))
            if "/__pycache__" not in real and not real.startswith(_Switch.folders):
                raise TouchedTheMachine(f"{event}: {real}")


@contextlib.contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Refuse whatever would touch the machine outside folder, while this lasts."""
    if not _Switch.is_installed:
        sys.addaudithook(_hook)
        _Switch.is_installed = True
    _Switch.folders = (str(folder), *TOOLS_FILES)
    try:
        yield
    finally:
        _Switch.folders = ()
