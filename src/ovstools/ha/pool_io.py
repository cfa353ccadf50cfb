"""Reach the pool file system without ever waiting for it: expendable children and their jobs.

A job is one request to one child: give fileno() to the event loop, call poll() when it is
readable or its deadline has passed. Idle children are kept and used again, and a spare is always
started ahead, so that a request costs no start of a program.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, Union

from ..system import child, descriptors
from ..system.child import Child, Pending
from ..system.clock import Clock
from . import pool_child

SCRIPT = str(Path(pool_child.__file__).resolve())
MAX_IDLE = 4
#: children past their deadline that still hang: with so many, asking once more makes no sense
MAX_STUCK = 64
Answer = TypeVar("Answer")
Decode = Callable[[Sequence[str], "list[int]"], Answer]


@dataclass(frozen=True)
class Failed:
    """The request failed; number is the errno, 0 for others."""

    reason: str
    number: int = 0


@dataclass(frozen=True)
class Abandoned:
    """The deadline has passed: whatever the child still achieves is closed or dies with it."""

    after_s: float


@dataclass(frozen=True)
class Done:
    """It is done, and durable."""


class Children:
    """The children of one process: idle ones, and those that were given up but have not ended.

    spares: how many are started ahead.
    """

    def __init__(self, spares: int = 1) -> None:
        self._spares = spares
        self._idle: list[Child] = []
        self._stuck: list[Child] = []

    def take(self) -> Child:
        """Return a child that waits for a request. Raises OSError when none can be had."""
        self.collect()
        if len(self._stuck) >= MAX_STUCK:
            raise OSError(0, f"{len(self._stuck)} earlier requests still hang")
        while self._idle:
            taken = self._idle.pop()
            if not _has_word(taken):  # an idle one has nothing to say but its end
                break
            self.abandon(taken)
        else:
            taken = self._new()
        if len(self._idle) < self._spares:
            with contextlib.suppress(OSError):
                self._idle.append(self._new())
        return taken

    def give_back(self, taken: Child) -> None:
        """Take back a child that has answered."""
        if len(self._idle) < MAX_IDLE:
            self._idle.append(taken)
        else:
            self.abandon(taken)

    def abandon(self, taken: Child) -> None:
        """Let go of a child, and collect it when it ends."""
        taken.abandon()
        self._stuck.append(taken)

    def collect(self) -> int:
        """Collect the children that have ended; return how many were given up and still hang."""
        self._stuck = [each for each in self._stuck if not each.is_gone()]
        return len(self._stuck)

    def close(self) -> None:
        """Let go of the idle ones."""
        while self._idle:
            self.abandon(self._idle.pop())

    def _new(self) -> Child:
        return child.spawn_script(SCRIPT, (pool_child.PROTOCOL,))


class Job(Generic[Answer]):
    """A request that is under way; poll() until it is no longer Pending."""

    def __init__(
        self, taken: Child | None, children: Children, clock: Clock, limit_s: float | None,
        decode: Decode[Answer], at_end: Answer | None = None,
    ) -> None:  # fmt: skip
        self._child = taken
        self._children = children
        self._clock = clock
        self._begin = clock.monotonic()
        self._limit_s = limit_s
        self._decode = decode
        self._at_end = at_end
        self._result: Union[Pending, Answer, Failed, Abandoned] = Pending()

    def fileno(self) -> int:
        """Return what becomes readable with the answer; -1 when there is nothing to wait for."""
        return self._child.socket.fileno() if self._child else -1

    def poll(self) -> Union[Pending, Answer, Failed, Abandoned]:
        """Return the answer, or Pending; does not wait. An answer that is there beats its deadline.

        Descriptors in the answer are the caller's from the first time on that it is returned.
        """
        if self._child:
            self._receive(self._child)
        if self._child and self._limit_s is not None:
            after_s = self._clock.monotonic() - self._begin
            if after_s >= self._limit_s:
                self._finish(Abandoned(after_s), self._children.abandon)
        return self._result

    def abandon(self) -> Union[Answer, Failed, Abandoned]:
        """Give it up now. The answer may just have come: then that is returned, to be undone."""
        found = self.poll()
        if isinstance(found, Pending):
            found = Abandoned(self._clock.monotonic() - self._begin)
            self._finish(found, self._children.abandon)
        return found

    def send(self, packet: bytes) -> None:
        """Say one more word to the child, where a request has two."""
        if self._child:
            try:
                self._child.socket.send(packet)
            except OSError as error:
                self.fail(f"the child cannot be told: {error.strerror}", error.errno or 0)

    def fail(self, reason: str, number: int = 0) -> None:
        """End it without the child's answer."""
        self._finish(Failed(reason, number), self._children.abandon)

    def remaining_s(self) -> float | None:
        """Return how long until its deadline; None: it has none, or is over."""
        if self._child is None or self._limit_s is None:
            return None
        return max(0.0, self._begin + self._limit_s - self._clock.monotonic())

    def _receive(self, taken: Child) -> None:
        try:
            packet, received = descriptors.receive(taken.socket, pool_child.MAX_REQUEST)
        except BlockingIOError:
            return
        except ConnectionResetError:  # it ended before it read the request
            packet, received = b"", []
        word, *rest = os.fsdecode(packet).split("\0")
        if word == "failed":
            self._finish(Failed(rest[1], int(rest[0])), self._children.give_back)
        elif word:
            self._finish(self._decode([word, *rest], received), self._children.give_back)
        elif self._at_end is not None:
            self._finish(self._at_end, self._children.abandon)
        else:
            self.fail("the child ended without an answer")

    def _finish(
        self, result: Union[Answer, Failed, Abandoned], then: Callable[[Child], None]
    ) -> None:
        self._result = result
        if self._child:
            taken, self._child = self._child, None
            then(taken)


class PoolIo:
    """Requests to the pool file system at root.

    device: its st_dev, as mountinfo has it (os.makedev): without it, a pool file system that is
    not mounted would be taken for the folder below, where every server gets every lock.
    """

    def __init__(
        self, root: str, clock: Clock | None = None, device: int | None = None,
        children: Children | None = None,
    ) -> None:  # fmt: skip
        self._root = root
        self._device = "" if device is None else str(device)
        self.clock = clock or Clock()
        self.children = children or Children()

    def is_same(self, other: PoolIo) -> bool:
        """Tell whether both lead to the same mount."""
        return (self._root, self._device) == (other._root, other._device)

    def ask(
        self, verb: str, words: Sequence[str], decode: Decode[Answer], limit_s: float | None,
        passed: Sequence[int] = (), at_end: Answer | None = None,
    ) -> Job[Answer]:  # fmt: skip
        """Send a request to a child; limit_s: seconds until it is given up, None: never.

        The descriptors passed are copied; the caller keeps its own. at_end: what the child's end
        without an answer means, when not failure.
        """
        taken, reason = None, OSError()
        packet = os.fsencode("\0".join((verb, self._root, self._device, *words)))
        try:
            taken = self.children.take()
            descriptors.send(taken.socket, packet, passed)
        except OSError as error:
            reason = error
        job = Job(taken, self.children, self.clock, limit_s, decode, at_end)
        if reason.args:
            job.fail(f"no child took the request: {reason.strerror}", reason.errno or 0)
        return job


def wait(job: Job[Answer]) -> Union[Answer, Failed, Abandoned]:
    """Wait for a job, for those that have no event loop."""
    while True:
        found = job.poll()
        if not isinstance(found, Pending):
            return found
        select.select([job], [], [], job.remaining_s())


def _has_word(taken: Child) -> bool:
    return bool(select.select([taken.socket], [], [], 0)[0])
