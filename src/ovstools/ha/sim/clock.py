"""Simulated time: what happens when."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any


class Clock:
    """An event queue; events of one moment happen in the order in which they were put there."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = count()

    def after(self, seconds: float, call: Callable[..., None], *arguments: Any) -> None:
        """Call something so many seconds from now."""
        heapq.heappush(self._heap, (self.now + seconds, next(self._count), call, arguments))

    def at(self, moment: float, call: Callable[..., None], *arguments: Any) -> None:
        """Call something at that moment, or now if it has passed."""
        heapq.heappush(self._heap, (max(moment, self.now), next(self._count), call, arguments))

    @property
    def next_at(self) -> float | None:
        """Return when the next event happens; None: never."""
        return self._heap[0][0] if self._heap else None

    def advance(self) -> None:
        """Let the next event happen."""
        self.now, _, call, arguments = heapq.heappop(self._heap)
        call(*arguments)
