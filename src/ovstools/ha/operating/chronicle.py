"""The events of all servers, merged by time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..forms.event import Event, History, parse_history
from ..pool_files import EVENTS_KEPT, list_names, read_files
from ..pool_io import Failed
from .failover import ORDERED
from .session import Session

FOLDER, ENDING = "events", ".jsonl"
#: parts of an event `ordered` that are not ours, after the server was declared dead (ha/losses.py)
RECOVERY = ("node lock", "read")


class Chronicle(NamedTuple):
    """What happened, oldest first; damage: lines that are no events."""

    events: tuple[Event, ...]
    damage: tuple[str, ...]


def read(session: Session, since_s: float | None = None) -> Chronicle:
    """Read the events since a moment (seconds since 1970); None: all that are kept.

    A server's older files are read only as far as they are needed. Raises as Session.view().
    """
    names_there = session.done(list_names(session.io, FOLDER, session.limit_s))
    listed = frozenset(names_there)
    servers = sorted(name[: -len(ENDING)] for name in listed if name.endswith(ENDING))
    events: list[Event] = []
    damage: list[str] = []
    for age in range(EVENTS_KEPT + 1):
        names = {node: _name(node, age) for node in servers if _name(node, age) in listed}
        found = _histories(session, names)
        for node, history in found.items():
            events += history.events
            damage += [f"{FOLDER}/{names[node]}: {text}" for text in history.damage]
        servers = [node for node in names if _goes_back(found.get(node), since_s)]
    kept = (event for event in events if since_s is None or event.time_s >= since_s)
    return Chronicle(tuple(sorted(kept, key=lambda event: event.time_s)), tuple(damage))


def _name(node: str, age: int) -> str:
    return f"{node}{ENDING}" + (f".{age}" if age else "")


def _goes_back(history: History | None, since_s: float | None) -> bool:
    """Tell whether the next older file may have events since the moment."""
    if history is None or since_s is None or not history.events:
        return True
    return history.events[0].time_s >= since_s


def _histories(session: Session, names: Mapping[str, str]) -> Mapping[str, History]:
    if not names:
        return {}
    paths = {f"{FOLDER}/{name}": node for node, name in names.items()}
    found = session.done(read_files(session.io, list(paths), session.limit_s))
    histories = {}
    for path, node in paths.items():
        read = found[path]
        if isinstance(read, Failed):
            raise session.refusal(read)
        if isinstance(read, bytes):
            histories[node] = parse_history(read)
    return histories


def usual_recovery_s(events: Sequence[Event], default_s: float, dead_s: float) -> float:
    """Return what passes, by the events, between a death's limit, dead_s, and the first order.

    The locks and files of the dead server, for which everybody waits: the median.
    """
    ordered = (event.parts for event in events if event.event == ORDERED)
    return _median((_recovery_s(parts, dead_s) for parts in ordered
                    if parts.keys() >= set(RECOVERY)), default_s)  # fmt: skip


def _recovery_s(parts: Mapping[str, float], dead_s: float) -> float:
    """Sum up; a recovery for which the master itself stood still is part of the silence."""
    late_s = max(0.0, parts.get("silent", 0.0) - dead_s)
    return late_s + sum(map(parts.__getitem__, RECOVERY))


def usual_start_s(events: Sequence[Event], default_s: float) -> float:
    """Return what the start of a guest takes, by the events: the median."""
    return _median((event.parts["start"] for event in events if "start" in event.parts), default_s)


def _median(values: Iterable[float], default: float) -> float:
    found = sorted(values)
    return found[len(found) // 2] if found else default
