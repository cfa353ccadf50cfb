"""Live nodes, and since when our heartbeat is steady."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovstools.ha.driver.membership import KernelMembership, Members
from ovstools.system.host import Host
from ovstools.system.runner import Runner
from ovstools.system.talk import Talk

UUID = "0123456789ABCDEF0123456789ABCDEF"
DEAD_S = 14.0


class Kernel:
    """The files that the kernel would show."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host = Host(Runner(Talk(-1)), root=root)
        self.region = root / "sys/kernel/config/cluster/ocfs2/heartbeat" / UUID
        self.debug = root / "sys/kernel/debug/o2hb"
        self.region.mkdir(parents=True)
        (self.debug / UUID).mkdir(parents=True)
        self.say("0 1 2")
        self.beat_ms(900)

    def say(self, live: str) -> None:
        (self.debug / "livenodes").write_text(f"{live}\n")

    def beat_ms(self, elapsed: int) -> None:
        (self.debug / UUID / "elapsed_time_in_ms").write_text(f"{elapsed}\n")

    def agent(self, number: int = 1) -> KernelMembership:
        return KernelMembership(self.host, UUID, number, DEAD_S)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_steady_from_the_first_look_on(kernel: Kernel) -> None:
    agent = kernel.agent()
    assert agent.look(100.0) == Members(frozenset({0, 1, 2}), 100.0)
    kernel.say("1 2")
    assert agent.look(130.0) == Members(frozenset({1, 2}), 100.0)


def test_another_life_of_the_agent_knows_since_when(kernel: Kernel) -> None:
    kernel.agent().look(100.0)
    assert kernel.agent().look(130.0).steady_since == 100.0


def test_a_region_that_was_started_anew_is_not_steady_for_as_long(kernel: Kernel) -> None:
    agent = kernel.agent()
    agent.look(100.0)
    kernel.region.rename(kernel.root / "old")
    assert agent.look(110.0).steady_since is None
    kernel.region.mkdir()
    assert agent.look(120.0).steady_since == 120.0


@pytest.mark.parametrize("live", ["", "0 2"])
def test_not_live_ourselves(kernel: Kernel, live: str) -> None:
    agent = kernel.agent()
    agent.look(100.0)
    kernel.say(live)
    found = agent.look(110.0)
    assert found.steady_since is None
    assert found.live == (frozenset({0, 2}) if live else None)


def test_a_late_heartbeat_is_not_steady(kernel: Kernel) -> None:
    agent = kernel.agent()
    agent.look(100.0)
    kernel.beat_ms(int(DEAD_S * 500) + 1)
    assert agent.look(110.0).steady_since is None
    kernel.beat_ms(1000)
    assert agent.look(112.0).steady_since == 112.0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"region": 1}'])
def test_a_broken_memory_is_none(kernel: Kernel, text: str) -> None:
    (kernel.root / "run/ovs").mkdir(parents=True)
    (kernel.root / "run/ovs/steady.json").write_text(text)
    assert kernel.agent().look(100.0).steady_since == 100.0
