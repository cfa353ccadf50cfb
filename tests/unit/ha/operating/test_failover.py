"""What each part of a failover took, from the events of two servers."""

from __future__ import annotations

import pytest

from ovstools.errors import UsageError
from ovstools.ha.forms.event import Event
from ovstools.ha.operating.chronicle import usual_recovery_s, usual_start_s
from ovstools.ha.operating.failover import failovers
from ovstools.ha.operating.history import parse_since


def ordered(at_s: float, order: str = "(2, 9)", guest: str = "web") -> Event:
    """Return the master's word."""
    text = f"order {order}: n3 is lost, start on n2"
    parts = {"silent": 62.0, "node lock": 4.0, "read": 0.5, "order": 0.1}
    return Event(at_s, "n1", "ordered", guest, text, (), parts)


def started(at_s: float, order: str = "(2, 9)", guest: str = "web") -> Event:
    """Return the new server's word."""
    parts = {"accepted": 0.1, "lock": 0.1, "certificate": 0.1, "record": 0.1, "issued": 0.0,
             "start": 2.0}  # fmt: skip
    return Event(at_s, "n2", "started", guest, f"order {order}", (), parts)


def test_our_share_is_from_lock_and_read_to_the_start_command() -> None:
    (found,) = failovers([ordered(100.0), started(102.7)])
    assert (found.guest, found.source, found.node) == ("web", "n3", "n2")
    assert found.own_s == pytest.approx(0.1 + 0.3 + 0.4), "order, seen, accepted to issued"
    assert found.total_s == pytest.approx(66.5 + 0.8 + 2.0)
    assert [name for name, _, is_own in found.parts if not is_own] == [
        "silent", "node lock", "read", "start",
    ]  # fmt: skip


def test_clocks_that_differ_give_no_negative_part() -> None:
    (found,) = failovers([ordered(100.0), started(50.0)])
    assert min(seconds for _, seconds, _ in found.parts) == 0.0


@pytest.mark.parametrize(
    "events",
    [
        [started(102.0)],
        [ordered(100.0)],
        [ordered(100.0), started(102.0, "(2, 8)")],
        [ordered(100.0), started(102.0, guest="db")],
        [started(99.0), ordered(100.0)],
        [Event(1.0, "n1", "ordered", "web", "no order"), started(2.0)],
    ],
)
def test_what_does_not_belong_together_is_none(events: list[Event]) -> None:
    assert failovers(events) == ()


def test_two_failovers_of_one_guest() -> None:
    events = [ordered(1.0), started(4.0), ordered(10.0, "(3, 1)"), started(14.0, "(3, 1)")]
    assert len(failovers(events)) == 2


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", 910.0), ("2m", 880.0), ("0.5h", -800.0), ("1d", -85400.0),
        ("1970-01-01T00:10:00Z", 600.0), ("1970-01-01T00:10:00+00:00", 600.0),
    ],
)  # fmt: skip
def test_since(text: str, moment: float) -> None:
    assert parse_since(text, 1000.0) == moment


def test_since_nonsense() -> None:
    with pytest.raises(UsageError, match="is no time"):
        parse_since("yesterday", 1000.0)


def test_the_usual_start_is_the_median() -> None:
    events = [Event(1.0, "n", "started", "w", parts={"start": s}) for s in (1.0, 9.0, 2.0)]
    assert usual_start_s(events, 5.0) == 2.0
    assert usual_start_s([], 5.0) == 5.0


def test_the_usual_recovery_is_that_of_locks_and_files() -> None:
    parts = {"silent": 60.0, "order": 0.2}
    events = [
        Event(1.0, "n", "ordered", "w", parts={**parts, "node lock": s, "read": 0.5})
        for s in (1.0, 9.0, 2.0)
    ]
    events.append(Event(1.0, "n", "ordered", "w", parts=parts))
    assert usual_recovery_s(events, 5.0, 62.0) == 2.5
    assert usual_recovery_s(events, 5.0, 53.0) == 9.5
    assert usual_recovery_s([], 5.0, 62.0) == 5.0
