"""events/NODE.jsonl: what happened, one JSON line for each event, never changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from . import shape
from .json_form import format_line, parse_json
from .odd import Odd
from .reading import Unreadable

FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z", re.ASCII)


@dataclass(frozen=True)
class Event:
    """What happened on a server; time_s: wall time since 1970, kept to the millisecond.

    parts: what took how many seconds, in the order in which it happened.
    """

    time_s: float
    node: str
    event: str
    guest: str | None = None
    text: str = ""
    proofs: tuple[str, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)


class History(NamedTuple):
    """The events of a file, and its lines that are none."""

    events: tuple[Event, ...]
    damage: tuple[str, ...]


def format_event(event: Event) -> bytes:
    """Return the line; what is empty is left out."""
    values: dict[str, Any] = {
        "time": format_time(event.time_s),
        "node": event.node,
        "event": event.event,
        "guest": event.guest,
        "text": event.text,
        "proofs": list(event.proofs),
        "parts": {name: round(value, 3) for name, value in event.parts.items()},
    }
    return format_line(FORMAT, {key: value for key, value in values.items() if value})


def parse_events(data: bytes) -> tuple[Event, ...]:
    """Read a file's events; lines that are none are passed over."""
    return parse_history(data).events


def parse_history(data: bytes) -> History:
    """Read a file, and say which lines are no events: a crash can cut a line short."""
    events, damage = [], []
    lines = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        read = parse_json(FORMAT, line, _event)
        if isinstance(read, Event):
            events.append(read)
        elif isinstance(read, Unreadable) and number < len(lines):
            damage.append(f"line {number}: {read.reason}")
    return History(tuple(events), tuple(damage))


def format_time(time_s: float) -> str:
    """Spell seconds since 1970 as UTC, to the millisecond."""
    moment = _EPOCH + timedelta(milliseconds=round(time_s * 1000))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def parse_time(value: Any) -> float:
    """Read a moment; the other way round than format_time(). Raises Odd."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Odd("a time as 2026-11-22T14:50:00.000Z", value)
    year, month, day, hour, minute, second, ms = map(int, found.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second, ms * 1000, timezone.utc)
    except ValueError as error:
        raise Odd(f"a time ({error})", value) from None
    return (moment - _EPOCH) // timedelta(milliseconds=1) / 1000


_file = shape.record(
    {
        "time": parse_time,
        "node": shape.node_name,
        "event": shape.text,
        "guest": shape.text,
        "text": shape.text,
        "proofs": shape.list_of(shape.text),
        "parts": shape.table_of(shape.text, shape.number("seconds", least=-shape.MAX_COUNT)),
    },
    ("time", "node", "event"),
    is_open=True,
)


def _event(value: Any) -> Event:
    values = _file(value)
    return Event(time_s=values.pop("time"), **values)
