"""`ovstools vm history`: what happened, merged from all servers, and what each failover took."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ...errors import RefusedError, UsageError
from ..forms.event import Event, format_time
from . import chronicle
from .answer import Answer
from .failover import Failover, failovers
from .session import Session

_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.ASCII)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def look(session: Session, guest: str | None, since: str | None) -> Answer:
    """Show the events of all servers, of one guest or of all."""
    since_s = None if since is None else parse_since(since, session.host.clock.wall())
    found = chronicle.read(session, since_s)
    moves = {id(each.started): each for each in failovers(found.events)}
    events = [event for event in found.events if guest is None or event.guest == guest]
    if guest is not None and not events:
        _demand_known(session, guest, since_s)
    lines: list[str] = []
    for event in events:
        lines.append(_line(event))
        took = moves.get(id(event))
        if took is not None:
            lines += [f"    {line}" for line in _told(took)]
    lines += [f"cannot be read: {text}" for text in found.damage]
    shown = [moves[id(event)] for event in events if id(event) in moves]
    data: dict[str, Any] = {
        "events": [_data(event) for event in events],
        "failovers": [_failover_data(each) for each in shown],
        "damage": list(found.damage),
    }
    return Answer(tuple(lines) or ("nothing has happened",), data)


def _demand_known(session: Session, guest: str, since_s: float | None) -> None:
    """Refuse a name that is no guest's, and never was as far as events are kept."""
    known = session.view().wishes.guests
    if guest in known:
        return
    if since_s is not None and any(e.guest == guest for e in chronicle.read(session).events):
        return
    raise RefusedError(
        f"there is no guest {guest} under HA, and no event of one",
        f"guests: {' '.join(sorted(known)) or 'none'}",
    )


def parse_since(text: str, now_s: float) -> float:
    """Read 90s, 15m, 2h, 3d (back from now), or a date with or without time. Raises UsageError."""
    span = _SPAN.fullmatch(text)
    if span:
        return now_s - float(span[1]) * _UNITS[span[2]]
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise UsageError(
            f"--since {text!r} is no time", hint="90s, 15m, 2h, 3d, or 2026-11-22T14:50"
        ) from None


def _line(event: Event) -> str:
    guest = f" {event.guest}" if event.guest else ""
    text = f": {event.text}" if event.text else ""
    return f"{format_time(event.time_s)}  {event.node}  {event.event}{guest}{text}"


def _told(took: Failover) -> Iterable[str]:
    yield (
        f"failover of {took.guest} from {took.source} to {took.node}: {took.total_s:.3f} s, "
        f"our own share {took.own_s:.3f} s"
    )
    width = max(len(name) for name, _, _ in took.parts)
    for name, seconds, is_own in took.parts:
        yield f"  {name.ljust(width)}  {seconds:8.3f} s{'  ours' if is_own else ''}"


def _data(event: Event) -> dict[str, Any]:
    return {
        "time": format_time(event.time_s),
        "node": event.node,
        "event": event.event,
        "guest": event.guest,
        "text": event.text,
        "proofs": list(event.proofs),
        "parts": dict(event.parts),
    }


def _failover_data(took: Failover) -> dict[str, Any]:
    return {
        "guest": took.guest,
        "from": took.source,
        "to": took.node,
        "started": format_time(took.started.time_s),
        "parts": [
            {"name": name, "seconds": round(seconds, 3), "ours": is_own}
            for name, seconds, is_own in took.parts
        ],
        "own_s": round(took.own_s, 3),
        "total_s": round(took.total_s, 3),
    }
