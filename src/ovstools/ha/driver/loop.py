"""The event loop of a process that never waits for storage: tasks, timers, and what is readable.

A task is a generator that yields what it waits for (a request to a child, a program, a pause)
and is sent the result. One thread, so that between two yields nothing changes under a task.
"""

from __future__ import annotations

import heapq
import itertools
import select
from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar, Union

from ...system.child import Pending
from ...system.clock import Clock

Returned = TypeVar("Returned")
#: a task yields jobs or pauses, and returns something for whoever started it
Task = Generator[Union["Waitable", "Pause"], Any, Returned]

NAP_S = 0.02  #: between two looks at a job that has nothing to wait for but its deadline


class Waitable(Protocol):
    """A job under way: ha/pool_io.Job, ha/keeper_client.Call, system/program.Program."""

    def fileno(self) -> int:
        """Return what becomes readable with the result; -1: there is nothing to wait for."""

    def poll(self) -> Any:
        """Return the result, or Pending."""

    def remaining_s(self) -> float | None:
        """Return how long until its deadline; None: it has none."""


class Pause:
    """Let so many seconds pass; the result is None."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Loop:
    """Runs tasks, timers and callbacks, in the order in which they become due."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._jobs: list[tuple[Waitable, Task[Any], Callable[[Any], None]]] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._readable: dict[int, Callable[[], None]] = {}
        self._count = itertools.count()

    def start(self, task: Task[Returned], then: Callable[[Returned], None] | None = None) -> None:
        """Run a task to its first yield; then is called with what it returns in the end."""
        self._advance(task, None, then or (lambda returned: None))

    def at(self, moment: float, call: Callable[[], None]) -> None:
        """Call at a moment of the clock, or soon after."""
        heapq.heappush(self._timers, (moment, next(self._count), call))

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call so many seconds from now."""
        self.at(self.clock.monotonic() + seconds, call)

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call whenever a descriptor is readable, until forget()."""
        self._readable[descriptor] = call

    def forget(self, descriptor: int) -> None:
        """Do not watch a descriptor any more."""
        self._readable.pop(descriptor, None)

    def run_once(self) -> None:
        """Wait until something is due, and do all that is."""
        ready = self._wait()
        for descriptor in ready:
            call = self._readable.get(descriptor)
            if call is not None:
                call()
        now = self.clock.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        waiting, self._jobs = self._jobs, []
        for position, (job, task, then) in enumerate(waiting):
            found = job.poll()
            if isinstance(found, Pending):
                self._jobs.append(waiting[position])
            else:
                self._advance(task, found, then)

    def _advance(self, task: Task[Any], sent: Any, then: Callable[[Any], None]) -> None:
        try:
            wanted = task.send(sent)
        except StopIteration as ended:
            then(ended.value)
            return
        if isinstance(wanted, Pause):
            self.after(wanted.seconds, lambda: self._advance(task, None, then))
        else:
            self._jobs.append((wanted, task, then))

    def _wait(self) -> list[int]:
        poll = select.poll()
        for descriptor in self._readable:
            poll.register(descriptor, select.POLLIN)
        limits = [self._timers[0][0] - self.clock.monotonic()] if self._timers else []
        for job, _, _ in self._jobs:
            descriptor = job.fileno()
            left_s = job.remaining_s()
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
            else:
                limits.append(0.0 if left_s is None else min(left_s, NAP_S))
            if left_s is not None:
                limits.append(left_s)
        limit_ms = None if not limits else max(0.0, min(limits)) * 1000
        # One millisecond more: poll(2) rounds down, and would be woken in vain
        return [each for each, _ in poll.poll(None if limit_ms is None else int(limit_ms) + 1)]
