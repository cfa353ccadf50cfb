"""Every scenario below tests/scenarios passes: expectations and invariants."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovstools.ha.sim.parse import parse_scenarios
from ovstools.ha.sim.run import run
from ovstools.ha.sim.scenario import Scenario

FOLDER = Path(__file__).resolve().parents[2] / "scenarios"
SCENARIOS = [
    scenario
    for path in sorted(FOLDER.glob("*.yaml"))
    for scenario in parse_scenarios(path.read_text(), path.name)
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario) -> None:
    assert run(scenario).breaches == ()


def test_names_are_unique_and_each_says_what_it_proves() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)
    assert [scenario.name for scenario in SCENARIOS if not scenario.proves] == []
