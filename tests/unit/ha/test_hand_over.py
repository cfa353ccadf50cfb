"""`pool master NODE`: who stands back, for how long, and what the present master answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from ovstools.ha.agent import Agent
from ovstools.ha.hand_over import HAND_OVER_S, HandOver
from ovstools.ha.observation import Files, Identity, Observation
from ovstools.ha.orders import Orders
from ovstools.ha.view import Condition
from ovstools.ha.wishes import ASK_MASTER, ASK_START, Ask, Wishes

from .pools import view

NUMBERS = {"a": 0, "b": 1, "c": 2}
TO_B, TO_C = Ask("1", ASK_MASTER, "", "b"), Ask("2", ASK_MASTER, "", "c")


def seen(now: float, asks: tuple[Ask, ...], answers: dict[str, str], live: str) -> Observation:
    """Return what an agent sees."""
    return Observation(
        now=now,
        live=frozenset(NUMBERS[name] for name in live),
        steady_since=0.0,
        kept=frozenset(),
        held=frozenset(),
        guests={},
        files=Files(Wishes(asks=asks), Orders(answers=answers)),
    )


class FakeAgent:
    """What a hand-over sees of its agent."""

    def __init__(self, node: str) -> None:
        self.identity = Identity(node, "1", "1.1", NUMBERS, 62.0)
        self.seen = seen(0.0, (), {}, "abc")
        self.woken: list[float] = []

    def wake(self, moment: float) -> None:
        """Note when it wants to be called."""
        self.woken.append(moment)


def hand_over(
    node: str, asks: tuple[Ask, ...], now: float = 100.0, since: float | None = None,
    answers: dict[str, str] | None = None, live: str = "abc",
) -> tuple[HandOver, FakeAgent]:  # fmt: skip
    """Return an agent's view of a hand-over that it first saw at `since`."""
    agent = FakeAgent(node)
    found = HandOver(cast(Agent, agent))
    for moment in (now if since is None else since, now):
        agent.seen = seen(moment, asks, answers or {}, live)
        found.look()
    return found, agent


@pytest.mark.parametrize(
    ("node", "asks", "more", "expected"),
    [
        ("a", (), {}, False),
        ("a", (TO_B,), {}, True),
        ("a", (TO_B,), {"answers": {"1": "accepted"}}, True),
        ("a", (TO_B,), {"answers": {"1": "done: b is the master"}}, False),
        ("a", (TO_B,), {"answers": {"1": "refused: b is dead"}}, False),
        ("b", (TO_B,), {}, False),
        ("b", (TO_B, TO_C), {}, True),
        ("c", (TO_B, TO_C), {}, False),
        ("a", (TO_B,), {"live": "ac"}, False),
        ("a", (TO_B,), {"since": 100.0 - HAND_OVER_S + 1}, True),
        ("a", (TO_B,), {"since": 100.0 - HAND_OVER_S}, False),
        ("a", (TO_B._replace(verb=ASK_START),), {}, False),
        ("a", (TO_B._replace(node="z"),), {}, False),
    ],
)
def test_who_stands_back(
    node: str, asks: tuple[Ask, ...], more: dict[str, Any], expected: bool
) -> None:
    found, agent = hand_over(node, asks, **more)
    assert found.is_for_another() is expected
    assert bool(agent.woken) is expected, "whoever stands back is to stand in line again"


def test_without_sight_nobody_stands_back() -> None:
    found, agent = hand_over("a", (TO_B,))
    agent.seen = replace(agent.seen, files=None)
    assert not found.is_for_another()


@pytest.mark.parametrize(
    ("asks", "more", "answers"),
    [
        ((TO_B,), {}, {"1": "accepted"}),
        ((TO_B, TO_C), {}, {"1": "refused: a later request names c", "2": "accepted"}),
        ((TO_B._replace(node="a"),), {}, {"1": "done: a is the master"}),
        ((TO_B._replace(node="z"),), {}, {"1": "refused: there is no server z"}),
        ((TO_B,), {"conditions": {"b": Condition.SILENT}}, {"1": "refused: b is silent"}),
        ((TO_B,), {"since": 0.0}, {"1": "accepted"}),
        (
            (TO_B,), {"since": 0.0, "answers": {"1": "accepted"}},
            {"1": "failed: b has not taken the role within 15 s"},
        ),
        ((TO_B,), {"answers": {"1": "done", "7": "x"}}, {"1": "done", "7": "x"}),
    ],
)  # fmt: skip
def test_what_the_master_answers(
    asks: tuple[Ask, ...], more: dict[str, Any], answers: dict[str, str]
) -> None:
    before = more.get("answers", {})
    found, _ = hand_over("a", asks, since=more.get("since"), answers=before)
    judged = view((), {}, asks, conditions=more.get("conditions"))
    assert found.answers(judged, before) == answers


def test_the_role_goes_when_the_answer_is_on_storage() -> None:
    found, _ = hand_over("a", (TO_B,))
    assert found.leads_away({}) is None
    assert found.leads_away({"1": "accepted"}) == "b"
    assert found.leads_away({"1": "done"}) is None
