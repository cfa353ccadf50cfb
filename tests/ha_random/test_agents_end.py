"""An agent that is killed at any moment around the end of a guest."""

from __future__ import annotations

import pytest

from ovstools.ha.sim.parse import parse_scenarios
from ovstools.ha.sim.run import run

pytestmark = pytest.mark.slow

SCENARIO = """
nodes: [n1, n2]
guests: {{g: {{node: n1, state: started}}}}
timeline: [{events}, [{kill}, {how} n1]]
expect: {{final: {{g: {{state: {state}}}}}}}
"""


@pytest.mark.parametrize("how", ["restart-daemon", "kill-daemon"])
@pytest.mark.parametrize("after_ms", range(0, 400, 5))
@pytest.mark.parametrize(
    ("events", "state"),
    [
        ("[300, halt g]", "stopped"),
        ("[300, destroy g]", "stopped"),
        ("[300, crash g]", "running"),
        ("[200, halt g], [300, start g]", "running"),
        # it ends differently now, and what was said of it before does not count
        ("[200, halt g], [250, start g], [300, crash g]", "running"),
    ],
)
def test_how_a_guest_ended_is_not_forgotten(
    events: str, state: str, after_ms: int, how: str
) -> None:
    kill = 300 + after_ms / 1000
    text = SCENARIO.format(events=events, kill=kill, how=how, state=state)
    (scenario,) = parse_scenarios(text, "killed")
    assert run(scenario).breaches == ()
