"""events/NODE.jsonl and requests/UID.json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.ha.forms.event import (
    Event,
    format_event,
    format_time,
    parse_events,
    parse_history,
)
from ovstools.ha.forms.reading import Unreadable
from ovstools.ha.forms.request import Request, format_request, parse_request
from ovstools.ha.wishes import Ask

NAMES = st.text("aZ09_.+-", max_size=6).map(lambda text: f"n{text}")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
#: to the millisecond, 1970 to 9999
TIMES = st.integers(0, 253402300799999).map(lambda ms: ms / 1000)
EVENTS = st.builds(
    Event, TIMES, NAMES, TEXTS.filter(bool), st.none() | NAMES, TEXTS,
    st.lists(TEXTS).map(tuple), st.dictionaries(TEXTS, st.integers(-9999, 9999).map(float)),
)  # fmt: skip
REQUESTS = st.builds(
    Request, st.just("4f-1"), st.sampled_from(["migrate", "clone"]), NAMES | st.just(""),
    NAMES | st.just(""), TEXTS, TIMES,
)  # fmt: skip
STARTED = Event(
    1795359000.25, "a", "started", "web1", "order (3, 9)", ("a: dead",),
    {"heartbeat": 62.0004, "dlm": 5.25},
)  # fmt: skip
LINE = (
    b'{"format": 1, "time": "2026-11-22T14:50:00.250Z", "node": "a", "event": "started", '
    b'"guest": "web1", "text": "order (3, 9)", "proofs": ["a: dead"], '
    b'"parts": {"heartbeat": 62.0, "dlm": 5.25}}\n'
)


@given(st.lists(EVENTS, max_size=4))
def test_what_is_written_comes_back(events: list[Event]) -> None:
    data = b"".join(map(format_event, events))
    assert data.count(b"\n") == len(events)
    assert parse_events(data) == tuple(events)


def test_form() -> None:
    """One line, keys in the order of reading, parts in the order in which they happened."""
    assert format_event(STARTED) == LINE
    (read,) = parse_events(LINE)
    assert list(read.parts) == ["heartbeat", "dlm"]


@pytest.mark.parametrize("length", range(len(LINE)))
def test_a_torn_last_line_is_passed_over(length: int) -> None:
    (whole,) = parse_events(LINE)
    history = parse_history(LINE + LINE[:length])
    assert history.events == ((whole, whole) if length == len(LINE) - 1 else (whole,))
    assert history.damage == ()


def test_a_damaged_line_costs_no_other() -> None:
    """The line that a crash has cut short is closed by the next one that is appended."""
    history = parse_history(LINE + LINE[:30] + b"\n" + b"\n" + LINE)
    assert len(history.events) == 2
    (damage,) = history.damage
    assert damage.startswith("line 2: expected JSON (Unterminated string starting at)")


def changed(line: bytes, **changes: Any) -> bytes:
    """Return a line with other values."""
    return json.dumps({**json.loads(line), **changes}).encode() + b"\n"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"time": "2026-11-22 14:50:00"}, "time: expected a time as 2026-11-22T14:50:00.000Z"),
        ({"time": "2026-13-22T14:50:00.250Z"}, "time: expected a time (month must be in 1..12"),
        ({"time": 3}, "time: expected a time as"),
        ({"node": ""}, "node: expected the name of a server"),
        ({"parts": {"dlm": "5"}}, "parts.dlm: expected seconds"),
        ({"proofs": "dead"}, "proofs: expected a list"),
        ({"format": 2}, "format 2; this ovstools knows up to 1"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], reason: str) -> None:
    history = parse_history(changed(LINE, **changes))
    assert not history.events
    assert reason in history.damage[0]


def test_keys_that_are_not_known_are_passed_over() -> None:
    assert parse_events(changed(LINE, weather="fine")) == parse_events(LINE)


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (0.9996, "1970-01-01T00:00:01.000Z"),
        (1795359000.25, "2026-11-22T14:50:00.250Z"),
    ],
)
def test_times(time_s: float, text: str) -> None:
    assert format_time(time_s) == text


# ---------------------------------------------------------------- requests


@given(REQUESTS)
def test_requests_come_back(request: Request) -> None:
    assert parse_request(format_request(request), "4f-1") == request


def test_what_the_master_decides_by() -> None:
    request = Request("4f-1", "migrate", "web1", "b", "a.example.com", 0.0)
    assert request.ask == Ask("4f-1", "migrate", "web1", "b")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uid": "4f-2"}, "uid: expected 4f-1, as the file's name, found '4f-2'"),
        ({"uid": "../x"}, "uid: expected up to 64 letters"),
        ({"verb": "rm -rf"}, "verb: expected a verb"),
        ({"guest": "../x"}, "guest: expected the name of a guest"),
        ({"node": None}, "node: expected the name of a server"),
        ({"force": True}, "expected one of the keys uid, verb"),
        ({"format": 2}, "format 2"),
    ],
)
def test_odd_requests(changes: dict[str, Any], reason: str) -> None:
    request = Request("4f-1", "migrate", "web1", "b", "a.example.com", 0.0)
    read = parse_request(changed(format_request(request), **changes), "4f-1")
    assert isinstance(read, Unreadable)
    assert reason in read.reason
