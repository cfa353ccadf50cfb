"""What a server begins by itself, by what its hypervisors and its keeper say of a guest."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from ovstools.ha import node
from ovstools.ha.agent import Agent
from ovstools.ha.observation import Files, Identity, Observation
from ovstools.ha.orders import Orders
from ovstools.ha.report import Power
from ovstools.ha.rules import Rules
from ovstools.ha.stuck import Stuck
from ovstools.ha.wishes import Policy, Wishes
from ovstools.ha.work import Job, Steps

from .pools import wish


class FakeAgent:
    """What look_after sees of its agent."""

    has_node_lock = True

    def __init__(self, power: Power | None, is_kept: bool) -> None:
        self.identity = Identity("a", "a-1", "1.1", {"a": 0}, 62.0)
        self.rules = Rules()
        self.orders = Orders()
        self.jobs: dict[str, Job] = {}
        self.verified: set[str] = set()
        self.stuck = Stuck(cast(Agent, self))
        self.seen = Observation(
            now=0.0, live=frozenset({0}), steady_since=0.0,
            kept=frozenset({"guest-g"} if is_kept else ()), held=frozenset(),
            guests={} if power is None else {"g": power},
            files=Files(Wishes(Policy(), {"g": wish("g")}), Orders()),
        )  # fmt: skip

    def begin(self, job: Job) -> None:
        """Note which job begins."""
        self.jobs[job.guest] = job

    def event(self, *words: object) -> None:
        """Say nothing."""

    def wake(self, moment: float) -> None:
        """Never be woken."""


@pytest.mark.parametrize(
    ("power", "with_lock", "without"),
    [
        (Power.RUNNING, "repair", "adopt"),
        (Power.PAUSED, "resume", "receive"),
        (Power.STUCK, "resume", "adopt"),
        (Power.MOVING, None, None),
        (Power.MIGRATED, "release", None),
        (Power.CRASHED, "release", None),
        (None, "release", None),
    ],
)
def test_a_job_for_each_power(
    power: Power | None, with_lock: str | None, without: str | None
) -> None:
    for is_kept, wanted in ((True, with_lock), (False, without)):
        agent = FakeAgent(power, is_kept)
        node.look_after(cast(Agent, agent))
        assert [job.verb for job in agent.jobs.values()] == ([wanted] if wanted else [])


@pytest.mark.parametrize("between", ["it is off", "a job"])
def test_each_run_of_a_guest_is_verified_once(between: str) -> None:
    """Its record may say otherwise: another start by hand, or an interrupted migration."""
    agent = FakeAgent(Power.RUNNING, True)
    verbs: list[str] = []

    def look() -> None:
        node.look_after(cast(Agent, agent))
        verbs.extend(job.verb for job in agent.jobs.values())

    look()
    look()  # under way
    agent.jobs.clear()
    look()  # done
    if between == "a job":
        agent.jobs["g"] = Job("g", "migrate", None, cast(Steps, iter(())))
    else:
        agent.seen = replace(agent.seen, guests={})
    look()
    agent.jobs.clear()
    agent.seen = replace(agent.seen, guests={"g": Power.RUNNING})
    look()
    wanted = "migrate" if between == "a job" else "release"
    assert verbs == ["repair", "repair", wanted, "repair"]
