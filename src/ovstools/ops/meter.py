"""Tell how far a long work is, every few seconds, on a terminal or in a log."""

from __future__ import annotations

from ..system.host import Host

SAID_EVERY_S = 10.0
MIB = 2**20


class Meter:
    """Tell every few seconds how far a long work is."""

    def __init__(self, host: Host, verb: str, total: int) -> None:
        self._host, self._verb, self._total = host, verb, total
        self._begin = self._said = host.clock.monotonic()
        self._done = 0

    def __call__(self, count: int) -> None:
        """Count bytes."""
        self._done += count
        now = self._host.clock.monotonic()
        if now - self._said >= SAID_EVERY_S:
            self._said = now
            rate = self._done / (now - self._begin)
            left_s = max(0, self._total - self._done) / rate if rate else 0
            self._host.talk.notice(
                f"{self._verb} {self._done // MIB} of {self._total // MIB} MiB, "
                f"{rate / MIB:.0f} MiB/s, {left_s / 60:.0f} min left"
            )
