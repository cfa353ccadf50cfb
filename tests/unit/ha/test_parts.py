"""What took how long in a failover: the parts that the master and the starting server note."""

from __future__ import annotations

from typing import Any

import pytest

from ovstools.ha.actions import AppendEvent
from ovstools.ha.observation import Decision
from ovstools.ha.sim.run import run
from ovstools.ha.sim.schedules import parsed

POWER_CUT: dict[str, Any] = {
    "name": "power cut",
    "nodes": ["n1", "n2", "n3"],
    "guests": {"g": {"node": "n3", "state": "started"}},
    "timeline": [[100, "power-off n3"]],
}


def parts_of(event: str, scenario: dict[str, Any]) -> dict[str, float]:
    """Return the parts of the last such event."""
    outcome = run(parsed(scenario))
    assert outcome.passed
    found = [each["parts"] for each in outcome.events if each["event"] == event]
    assert found, f"no event {event}"
    return dict(found[-1])


def test_the_master_notes_what_it_waited_for() -> None:
    parts = parts_of("ordered", POWER_CUT)
    assert list(parts) == ["silent", "node lock", "read", "order"]
    assert parts["silent"] == pytest.approx(62, abs=3)  # T x 2
    assert parts["node lock"] == pytest.approx(5, abs=1)  # the DLM's recovery
    assert parts["read"] == 0
    assert 0 < parts["order"] < 1


def test_the_server_notes_what_it_did() -> None:
    found: list[dict[str, float]] = []

    def trace(now: float, node: str, decision: Decision) -> None:
        events = [each.action for each in decision.actions if isinstance(each.action, AppendEvent)]
        found.extend(dict(each.parts) for each in events if each.event == "started")

    assert run(parsed(POWER_CUT), trace=trace).passed
    assert len(found) == 2, "the first start, and the failover"
    assert list(found[-1]) == ["accepted", "lock", "certificate", "record", "issued", "start"]
    assert found[-1]["start"] == 2
    ours = sum(seconds for name, seconds in found[-1].items() if name != "start")
    assert 0 < ours < 1


def test_a_loss_is_noted_once() -> None:
    outcome = run(parsed(POWER_CUT))
    for event in ("not live", "node lock", "ordered"):
        assert len([each for each in outcome.events if each["event"] == event]) == 1


def test_a_server_that_comes_back_orders_nothing() -> None:
    scenario = {**POWER_CUT, "timeline": [[100, "power-off n3"], [105, "power-on n3"]]}
    outcome = run(parsed(scenario))
    assert outcome.final["g"] == {"node": "n3", "state": "running"}
