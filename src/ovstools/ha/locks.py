"""Cluster locks: flock(2) on the pool file system, taken by expendable children.

Facts: flock on OCFS2 is cluster-wide, and a dead server's is freed by DLM recovery; opening,
locking and closing can each wait for a whole recovery.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from ..model import lock_names, owner_record
from ..model.owner_record import OwnerRecord, RecordRead
from ..model.sealed_block import Missing
from ..system.child import Pending
from . import pool_child_files
from .pool_files import FileRead, done, read_files, received
from .pool_io import Abandoned, Done, Failed, Job, PoolIo


@dataclass(frozen=True)
class Granted:
    """The lock is ours as long as any copy of descriptor is open; content: the file's, at grant."""

    descriptor: int
    content: bytes


@dataclass(frozen=True)
class Denied:
    """Somebody else has it."""


LockAnswer = Union[Granted, Denied]
LockResult = Union[Pending, Granted, Denied, Failed, Abandoned]
LockWaiter = Job[LockAnswer]


def take(io: PoolIo, name: str, limit_s: float | None, blocking: bool = False) -> LockWaiter:
    """Ask for a lock; blocking: wait for it instead of being denied; limit_s None: for ever."""
    words = (_path(name), "wait" if blocking else "try")
    return io.ask("lock", words, _granted, limit_s)


def release(io: PoolIo, descriptor: int, limit_s: float) -> Job[Done]:
    """Close the descriptor in a child, where it may wait; it is no longer ours on return.

    The lock is free when no other copy is open: the keeper's, or that of a write under way.
    Raises OSError when no child could be had: then descriptor is open as before; ask again.
    """
    job = io.ask("release", (), done, limit_s, (descriptor,), at_end=Done())
    found = job.poll()
    if isinstance(found, Failed):
        raise OSError(found.number, found.reason)
    os.close(descriptor)  # never the last copy: the child waits for one more word
    job.send(b"\1")
    return job


def verify(io: PoolIo, name: str, descriptor: int, limit_s: float) -> Job[Done]:
    """Tell whether a descriptor carries the lock of the file that is at the lock's path now."""
    return io.ask("verify", (_path(name),), done, limit_s, (descriptor,))


def write_block(io: PoolIo, name: str, descriptor: int, block: bytes, limit_s: float) -> Job[Done]:
    """Write a lock's 512 bytes in place and fsync; fails unless the descriptor holds the lock.

    Abandoned means unknown: the write may have happened or happen yet, and as long as it may,
    its child keeps the lock from others, even when descriptor is released.
    """
    if len(block) != owner_record.SIZE:
        raise ValueError(f"{len(block)} bytes")
    memory = pool_child_files.in_memory(block)
    try:
        return io.ask("write", (_path(name),), done, limit_s, (descriptor, memory))
    finally:
        os.close(memory)


def write_record(
    io: PoolIo, guest: str, descriptor: int, record: OwnerRecord, limit_s: float
) -> Job[Done]:
    """Write a guest's owner record: see write_block."""
    block = owner_record.format_record(record)
    return write_block(io, lock_names.guest_lock(guest), descriptor, block, limit_s)


def read_blocks(io: PoolIo, names: Sequence[str], limit_s: float) -> Job[Mapping[str, FileRead]]:
    """Read what lock files hold, without their locks; the answer's keys are relative paths."""
    return read_files(io, [_path(name) for name in names], limit_s)


def record_of(read: FileRead) -> RecordRead:
    """Take what was read of a guest's lock file as an owner record."""
    if isinstance(read, Missing):
        return read
    if isinstance(read, Failed):
        return owner_record.Unreadable(read.reason)
    return owner_record.parse_record(read)


def _granted(fields: Sequence[str], descriptors: list[int]) -> LockAnswer:
    if fields[0] == "denied":
        return Denied()
    content = received(descriptors)
    return Granted(descriptors.pop(), content)


def _path(name: str) -> str:
    return f"{lock_names.FOLDER}/{lock_names.checked(name)}"
