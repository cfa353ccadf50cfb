"""Which servers of a try are live: in the place of the kernel's heartbeat."""

from __future__ import annotations

import contextlib

from ..driver.membership import Members
from .layout import Trial
from .power import owner


class GroupMembership:
    """The servers of a try that have power, or had it less than dead_s ago."""

    def __init__(self, trial: Trial, node: str) -> None:
        self._trial = trial
        self._node = node
        self._last: dict[str, float] = {}
        with contextlib.suppress(OSError, ValueError):
            self._since: float | None = float(trial.power(node).read_text())

    def look(self, now: float) -> Members:
        """Return what is the case now."""
        live = set()
        for node, number in self._trial.numbers.items():
            if owner(self._trial, node) is not None or node == self._node:
                self._last[node] = now
            last = self._last.setdefault(node, now)
            if now - last < self._trial.dead_s:
                live.add(number)
        return Members(frozenset(live), self._since)
