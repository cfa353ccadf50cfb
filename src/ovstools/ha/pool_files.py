"""The files of the pool file system, read and written by expendable children."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Union

from ..model.lock_names import FOLDER as LOCKS
from ..model.sealed_block import Missing
from . import pool_child_files
from .pool_io import Done, Failed, Job, PoolIo

FileRead = Union[bytes, Missing, Failed]
#: the largest file that is read: 50 guests' state is 100 kB
MAX_FILE = 16 * 2**20
EVENTS_LIMIT = 4 * 2**20
EVENTS_KEPT = 4
LEFT_BEHIND_S = 86400


def read_files(io: PoolIo, names: Sequence[str], limit_s: float) -> Job[Mapping[str, FileRead]]:
    """Read whole files in one request; for each its content, Missing or Failed.

    Names are relative to the pool file system. Lock files are read without their locks.
    """
    wanted = [_inside(name) for name in names]

    def decode(fields: Sequence[str], descriptors: list[int]) -> Mapping[str, FileRead]:
        data = received(descriptors)
        found: dict[str, FileRead] = {}
        for name, said in zip(wanted, fields[1:]):
            if said == "missing":
                found[name] = Missing()
            elif said.startswith("failed "):
                _, number, text = said.split(" ", 2)
                found[name] = Failed(f"{name}: {text}", int(number))
            else:
                found[name], data = data[: int(said)], data[int(said) :]
        return found

    return io.ask("read", (str(MAX_FILE), *wanted), decode, limit_s)


def list_names(io: PoolIo, folder: str, limit_s: float) -> Job[tuple[str, ...]]:
    """List a folder, sorted; names that begin with a dot are half-written files, left out."""

    def decode(fields: Sequence[str], descriptors: list[int]) -> tuple[str, ...]:
        names = os.fsdecode(received(descriptors)).split("\0")
        return tuple(name for name in names if name and not name.startswith("."))

    return io.ask("list", (_inside(folder),), decode, limit_s)


def replace_file(
    io: PoolIo, name: str, data: bytes, limit_s: float, mode: int = 0o600, under: int | None = None
) -> Job[Done]:
    """Replace a file by rename, durably.

    under: a lock's descriptor. As long as the child lives, be it that it hangs beyond its
    deadline, the lock stays taken: the next holder never sees a late write of ours.
    """
    words = (_writable(name), oct(mode)[2:])
    return _with_data(io, "replace", words, data, limit_s, () if under is None else (under,))


def append_lines(io: PoolIo, name: str, data: bytes, limit_s: float) -> Job[Done]:
    """Append whole lines, durably; a file that is full is rotated. One writer a file."""
    words = (_writable(name), str(EVENTS_LIMIT), str(EVENTS_KEPT))
    return _with_data(io, "append", words, data, limit_s)


def remove_file(io: PoolIo, name: str, limit_s: float) -> Job[Done]:
    """Remove a file, durably; done as well when there is none."""
    return io.ask("remove", (_writable(name),), done, limit_s)


def sweep(io: PoolIo, folder: str, limit_s: float) -> Job[Done]:
    """Remove half-written files of replacements that were killed long ago; for an agent's start.

    Long: a day, which no difference between the servers' clocks can make of a file in use.
    """
    return io.ask("sweep", (_writable(folder), str(LEFT_BEHIND_S)), done, limit_s)


def done(fields: Sequence[str], descriptors: list[int]) -> Done:
    """Read the answer of a request that returns nothing."""
    return Done()


def received(descriptors: list[int]) -> bytes:
    """Return the content that came as the last descriptor, and close that."""
    memory = descriptors.pop()
    try:
        return pool_child_files.content(memory)
    finally:
        os.close(memory)


def _with_data(
    io: PoolIo, verb: str, words: Sequence[str], data: bytes, limit_s: float,
    under: Sequence[int] = (),
) -> Job[Done]:  # fmt: skip
    memory = pool_child_files.in_memory(data)
    try:
        return io.ask(verb, words, done, limit_s, (memory, *under))
    finally:
        os.close(memory)


def _inside(name: str) -> str:
    if not name or name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise ValueError(f"{name!r} is no name below the pool file system")
    return name


def _writable(name: str) -> str:
    if _inside(name).split("/")[0] == LOCKS:
        raise ValueError(f"{name}: lock files are never replaced, appended to or removed")
    return name
