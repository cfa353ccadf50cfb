"""The clock: seconds and sleep, passed in so that tests need not wait."""

from __future__ import annotations

import time


class Clock:
    """This machine's clock."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def wall(self) -> float:
        """Return the wall time in seconds since 1970: for people; nothing is decided by it."""
        return time.time()
