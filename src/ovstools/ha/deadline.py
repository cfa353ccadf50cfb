"""A moment by which everything must be done, for what waits one thing after the other."""

from __future__ import annotations

from ..errors import ToolError
from ..system.clock import Clock


class Deadline:
    """So many seconds from now."""

    def __init__(self, clock: Clock, limit_s: float) -> None:
        self.clock = clock
        self._limit_s = limit_s
        self._end = clock.monotonic() + limit_s

    def left_s(self, reserve_s: float = 0.0) -> float:
        """Return the seconds left, less a reserve for what comes then.

        Raises ToolError when there are none.
        """
        left_s = self._end - reserve_s - self.clock.monotonic()
        if left_s <= 0:
            raise ToolError(f"the pool did not answer within {self._limit_s:g} s")
        return left_s

    def has(self, seconds: float) -> bool:
        """Tell whether so many are left."""
        return self._end - self.clock.monotonic() >= seconds
