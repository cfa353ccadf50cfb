"""The pool file system's content, and how each agent sees the others' reports."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ...model.owner_record import Missing, RecordRead
from ..orders import Orders
from ..report import Report, Seen
from ..wishes import Wishes

#: how often an agent raises its report's sequence number
BEAT_S = 2.0


@dataclass
class Writer:
    """When an agent was able to raise its report's sequence number."""

    since: float = 0.0
    until: float | None = 0.0


@dataclass
class Store:
    """Files as values; a write replaces a value."""

    wishes: Wishes = field(default_factory=Wishes)
    orders: Orders = field(default_factory=Orders)
    reports: dict[str, Report] = field(default_factory=dict)
    writers: dict[str, Writer] = field(default_factory=dict)
    records: dict[str, RecordRead] = field(default_factory=dict)
    epoch: int = 0

    def record(self, guest: str) -> RecordRead:
        """Return the content of a guest's lock file."""
        return self.records.get(guest, Missing())

    def seen(self, now: float, reader_since: float) -> dict[str, Seen]:
        """Return all reports as an agent sees them that has read since then."""
        found = {}
        for name, report in self.reports.items():
            writer = self.writers[name]
            last = now if writer.until is None else writer.until
            moved = last - max(reader_since, writer.since) >= BEAT_S
            found[name] = Seen(report, int(last), last, moved)
        return found

    def change_policy(self, **changes: Any) -> None:
        """Edit pool.yaml."""
        self.change(policy=replace(self.wishes.policy, **changes))

    def change(self, **changes: Any) -> None:
        """Replace operator files."""
        self.wishes = replace(self.wishes, **changes)
