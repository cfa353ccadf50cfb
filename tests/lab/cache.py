"""Things that take long to make: made once, written aside, renamed when complete."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union

from .errors import LabError
from .process import run
from .progress import Progress

KEEP = 3
LATELY_S = 1800


def digest(*parts: Union[str, bytes, Path]) -> str:
    """Name what a thing is made from; a Path counts with its content, a folder with all of it."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            total.update(_content(part))
        else:
            total.update(part.encode() if isinstance(part, str) else part)
        total.update(b"\0")
    return total.hexdigest()[:16]


def _content(path: Path) -> bytes:
    if path.is_file():
        return path.read_bytes()
    total = hashlib.sha256()
    for found in sorted(path.rglob("*")) if path.is_dir() else []:
        if found.is_file() and "__pycache__" not in found.parts and ".egg-info" not in str(found):
            total.update(str(found.relative_to(path)).encode() + b"\0" + found.read_bytes())
    return total.digest()


@contextmanager
def locked(path: Path, progress: Progress, timeout_s: float) -> Iterator[None]:
    """Hold an exclusive lock on `path`; the kernel frees it however this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + timeout_s
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                owner = os.pread(handle, 100, 0).decode(errors="replace").strip() or "unknown"
                if time.monotonic() > deadline:
                    raise LabError(f"{path} is held by process {owner}") from None
                if not told:
                    progress.say(f"Waiting for process {owner}, which holds {path}")
                    told = True
                time.sleep(0.1)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Give a folder to fill; it becomes `final` only when the body succeeds."""
    aside = final.with_name(f"{final.name}.partial-{os.getpid()}")
    remove(aside)
    aside.mkdir(parents=True)
    try:
        yield aside
        remove(final)
        aside.rename(final)
    finally:
        remove(aside)


def remove(folder: Path) -> None:
    """Delete a tree, but never what is mounted inside it."""
    if folder.exists():
        run(["rm", "-rf", "--one-file-system", "--", folder], timeout_s=300)


def prune(folder: Path, keep: int = KEEP, lately_s: float = LATELY_S) -> None:
    """Delete all but the `keep` last used entries, and what a killed build left behind.

    What was used lately stays: somebody may be reading it without a lock.
    """
    if not folder.is_dir():
        return
    entries = [path for path in folder.iterdir() if ".partial-" not in path.name]
    entries.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    begin = time.time() - lately_s
    unused = [path for path in entries[keep:] if path.stat().st_mtime < begin]
    for path in [*unused, *folder.glob("*.partial-*")]:
        remove(path)


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a disk image without filling its holes."""
    run(["cp", "--reflink=auto", "--sparse=always", "--", source, target], timeout_s=120)
