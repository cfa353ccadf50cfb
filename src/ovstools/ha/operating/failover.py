"""What each part of a failover took: pieced together from what master and new server noted.

The master's event `ordered` has the parts until its order is on storage, the new server's event
`started` those from when it first saw the order. Each is measured on one monotonic clock; only
what lies between the two is told by the wall clocks of two servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..forms.event import Event

ORDERED, STARTED = "ordered", "started"
#: parts before our own share begins: heartbeat limit, DLM recovery, the file system's
BEFORE = {"silent", "node lock", "read"}
#: what follows it: the guest's own start
AFTER = {"start"}
SEEN = "order seen"
_ORDER = re.compile(r"order \((\d+), (\d+)\)(?:: (?P<source>\S+) is lost)?", re.ASCII)


@dataclass(frozen=True)
class Failover:
    """One guest's way to another server; parts: name, seconds, and whether it is our share.

    Our share (design): from the later of the last lock granted and the first successful read of
    the pool file system, to the start command issued.
    """

    guest: str
    source: str
    node: str
    started: Event
    parts: tuple[tuple[str, float, bool], ...]

    @property
    def own_s(self) -> float:
        """Return our own share."""
        return sum(seconds for _, seconds, is_own in self.parts if is_own)

    @property
    def total_s(self) -> float:
        """Return the whole, from the last sign of life of the old server."""
        return sum(seconds for _, seconds, _ in self.parts)


def failovers(events: Sequence[Event]) -> tuple[Failover, ...]:
    """Find the failovers in events, which are sorted by time."""
    return tuple(_found(events))


def _found(events: Sequence[Event]) -> Iterator[Failover]:
    ordered: dict[tuple[str, str], tuple[Event, str]] = {}
    for event in events:
        match = _ORDER.match(event.text)
        if event.guest is None or match is None or not event.parts:
            continue
        key = (event.guest, f"{match[1]}.{match[2]}")
        if event.event == ORDERED and match["source"]:
            ordered[key] = (event, match["source"])
        elif event.event == STARTED and key in ordered:
            before, source = ordered[key]
            yield Failover(event.guest, source, event.node, event, _parts(before, event))


def _parts(ordered: Event, started: Event) -> tuple[tuple[str, float, bool], ...]:
    between = started.time_s - sum(started.parts.values()) - ordered.time_s
    found = [(name, seconds, name not in BEFORE) for name, seconds in ordered.parts.items()]
    found.append((SEEN, max(0.0, between), True))
    found += [(name, seconds, name not in AFTER) for name, seconds in started.parts.items()]
    return tuple(found)
