"""Guests paused on an I/O error: when their server resumes them, how often, and when not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import pytest

from ovstools.ha.actions import ReadRecord, Result, ResumeGuest
from ovstools.ha.agent import Agent
from ovstools.ha.failures import pause_s
from ovstools.ha.observation import Files, Identity, Observation
from ovstools.ha.orders import Orders
from ovstools.ha.report import Power
from ovstools.ha.stuck import TRIES, Stuck, resume
from ovstools.ha.wishes import STOPPED, Policy, Wish, Wishes
from ovstools.model.owner_record import GuestState, Missing, OwnerRecord

from .pools import wish

RECORD = OwnerRecord("g", "a", 0, "a-1", "1", GuestState.RUNNING)


class FakeAgent:
    """What the attempts see of their agent."""

    def __init__(self, guest: Wish | None = None, policy: Policy | None = None) -> None:
        self.identity = Identity("a", "a-1", "1.1", {"a": 0}, 62.0)
        guests = {"g": guest or wish("g")}
        self.seen = Observation(
            now=0.0, live=frozenset({0}), steady_since=0.0, kept=frozenset({"guest-g"}),
            held=frozenset(), guests={"g": Power.STUCK},
            files=Files(Wishes(policy or Policy(), guests), Orders()),
        )  # fmt: skip
        self.woken: list[float] = []
        self.events: list[tuple[str, str]] = []

    def wake(self, moment: float) -> None:
        """Note when it wants to be called."""
        self.woken.append(moment)

    def event(self, event: str, guest: str, text: str) -> None:
        """Note an event."""
        self.events.append((event, text))

    def at(self, now: float, **changes: Any) -> None:
        """Let time pass."""
        self.seen = replace(self.seen, now=now, **changes)


def attempts(stuck: Stuck, agent: FakeAgent, moments: Iterable[float]) -> list[float]:
    """Return the moments at which the guest is resumed."""
    found = []
    for now in moments:
        agent.at(now)
        if stuck.attempt("g") is not None:
            found.append(now)
    return found


def made(**values: Any) -> tuple[Stuck, FakeAgent]:
    """Return an agent's attempts."""
    agent = FakeAgent(**values)
    return Stuck(cast(Agent, agent)), agent


def test_pauses_grow_and_attempts_end() -> None:
    stuck, agent = made()
    found = attempts(stuck, agent, range(0, 100_000, 5))
    assert len(found) == TRIES
    pauses = [later - sooner for sooner, later in zip(found, found[1:])]
    assert pauses == [pause_s(count) for count in range(1, TRIES)]
    assert agent.woken[0] == 5.0 or agent.woken, "it must be called when the pause is over"


def test_who_ran_long_enough_begins_anew() -> None:
    stuck, agent = made()
    assert attempts(stuck, agent, [0, 5, 14]) == [0, 5]
    agent.at(20)
    stuck.runs("g")
    assert attempts(stuck, agent, [20 + 119]) == [139]
    assert attempts(stuck, agent, [140, 158]) == [], "the third pause is not over"
    agent.at(160)
    stuck.runs("g")
    agent.at(200)
    stuck.runs("g")
    assert attempts(stuck, agent, [280, 285]) == [280, 285]


def test_storage_that_was_away_begins_anew() -> None:
    stuck, agent = made()
    assert attempts(stuck, agent, [0, 1]) == [0]
    stuck.forget()
    assert attempts(stuck, agent, [2, 3]) == [2]
    for number, mounted in enumerate((frozenset("A"), frozenset[str](), frozenset("A"))):
        agent.at(3 + number / 10, repositories=mounted)
        stuck.look()
    assert attempts(stuck, agent, [4]) == [4]


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ({"policy": Policy(ha=False)}, {}),
        ({"guest": wish("g", state=STOPPED)}, {}),
        ({"guest": wish("g", repository="A")}, {"repositories": frozenset()}),
        ({}, {"stopping": "reboot"}),
        ({}, {"files": None}),
        ({}, {"files": Files(Wishes(), Orders())}),
    ],
)
def test_when_it_is_not_resumed(values: dict[str, Any], changes: dict[str, Any]) -> None:
    stuck, agent = made(**values)
    agent.at(0.0, **changes)
    assert stuck.attempt("g") is None


@pytest.mark.parametrize(
    ("read", "is_resumed"),
    [
        (RECORD, True),
        (replace(RECORD, state=GuestState.STARTING), True),
        (replace(RECORD, state=GuestState.STOPPED), False),
        (replace(RECORD, owner="b", owner_number=1), False),
        (Missing(), False),
    ],
)
def test_only_with_a_record_that_names_us(read: object, is_resumed: bool) -> None:
    agent = FakeAgent()
    steps = resume(cast(Agent, agent), "g", 1)
    assert next(steps) == ReadRecord("g")
    try:
        action = steps.send(Result(1, True, read))
    except StopIteration:
        assert not is_resumed
    else:
        assert is_resumed
        assert action == ResumeGuest("g")


def test_the_last_attempt_that_fails_is_a_finding() -> None:
    for count, ok, event in ((1, True, "resumed"), (1, False, None), (TRIES, False, "finding")):
        agent = FakeAgent()
        steps = resume(cast(Agent, agent), "g", count)
        next(steps)
        steps.send(Result(1, True, RECORD))
        with pytest.raises(StopIteration):
            steps.send(Result(2, ok, "no"))
        assert [name for name, _ in agent.events] == ([event] if event else [])
