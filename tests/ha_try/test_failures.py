"""What happens to guests when servers, agents and keepers end: all is real but the power."""

from __future__ import annotations

import os
import signal

import pytest

from ovstools.ha.orders import Phase
from tests.ha_try.pool import Pool

pytestmark = pytest.mark.slow

ONE, TWO, THREE = "vmserver1", "vmserver2", "vmserver3"


def no_second_writer(pool: Pool, guest: str) -> None:
    """Hold what the guest wrote against its life: each life counts from 1, without a gap."""
    expected = 1
    before = ""
    for node, count in pool.lines(guest):
        assert count in (expected, 1), f"{guest}: {count} on {node} after {expected - 1} ({before})"
        assert count == 1 or node == before, f"{guest} wrote on {node} in the life of {before}"
        expected, before = count + 1, node


def test_a_power_cut_brings_guests_back_elsewhere(pool: Pool) -> None:
    pool.add("web", ONE)
    pool.add("db", TWO)
    assert (pool.settled("web"), pool.settled("db")) == (ONE, TWO)
    db = pool.running("db")
    pool.power_off(ONE)
    assert pool.settled("web", TWO, THREE) != ONE
    assert pool.running("db") == db, "nothing concerned it"
    started = pool.wait(
        lambda: [e for e in pool.events() if e.event == "started" and e.guest == "web"][1:],
        "the second start is an event",
    )
    assert {"lock", "certificate", "record", "issued", "start"} <= started[0].parts.keys()
    proofs = [e.proofs for e in pool.events() if e.event == "certificate" and e.guest == "web"]
    assert proofs[1][0].startswith(f"{ONE}: dead")
    pool.power_on(ONE)
    pool.wait(lambda: pool.agent_or_none(ONE), "the agent is back")
    pool.wait(lambda: pool.orders().boots.get(ONE), "the server is ready again")
    no_second_writer(pool, "web")


def test_an_agents_end_and_hang_concern_no_guest(pool: Pool) -> None:
    pool.add("web", ONE)
    pool.add("db", TWO)
    assert (pool.settled("web"), pool.settled("db")) == (ONE, TWO)
    guest = pool.running("web")
    pid = pool.signal_agent(ONE, signal.SIGKILL)
    pool.wait(lambda: pool.log(ONE).count("begins as") == 2, "another agent starts")
    assert pool.agent(ONE) != pid
    pool.wait(lambda: pool.orders().master != ONE or pool.orders().epoch > 1, "a master")
    assert pool.running("web") == guest
    hung = pool.signal_agent(ONE, signal.SIGSTOP)
    os.kill(pool.running("db")[TWO], signal.SIGKILL)
    pool.wait(lambda: not pool.running("db"), "it has crashed")
    assert pool.settled("db") == TWO, "the others go on"
    assert pool.running("web") == guest
    pool.signal_agent(ONE, signal.SIGCONT)
    assert pool.agent(ONE) == hung
    pool.signal_agent(ONE, signal.SIGHUP)
    pool.wait(lambda: pool.log(ONE).count("begins as") == 3, "it begins anew")
    assert pool.agent(ONE) == hung, "by another program in the same process"
    pool.signal_agent(ONE, signal.SIGTERM)
    pool.wait(lambda: pool.agent_or_none(ONE) not in (None, hung), "it ends in order")
    assert pool.running("web") == guest
    no_second_writer(pool, "web")


def test_the_master_dies_and_then_its_successor(pool: Pool) -> None:
    pool.add("web", ONE)
    pool.settled("web")
    epoch = pool.orders().epoch
    first = pool.wait(lambda: pool.orders().master, "a master")
    pool.power_off(first)
    second = pool.wait(
        lambda: pool.orders().master not in (None, first) and pool.orders().master, "another master"
    )
    pool.settled("web", *{ONE, TWO, THREE} - {first})
    pool.power_off(second)
    last = ({ONE, TWO, THREE} - {first, second}).pop()
    assert pool.settled("web", last) == last
    pool.wait(lambda: pool.orders().master == last, "the last one is master")
    assert pool.orders().epoch >= epoch + 2
    no_second_writer(pool, "web")


def test_a_cold_start_of_the_whole_pool(pool: Pool) -> None:
    pool.add("web", ONE)
    pool.add("db", TWO, after=[{"guest": "web", "wait": "started", "timeout_s": 30}])
    pool.settled("web")
    pool.settled("db")
    for node in (ONE, TWO, THREE):
        pool.power_off(node)
    for node in (ONE, TWO, THREE):
        pool.power_on(node)
    pool.settled("web")
    pool.settled("db")
    pool.wait(
        lambda: (
            [e.guest for e in pool.events() if e.event == "started"] == ["web", "db", "web", "db"]
        ),
        "each is started once more, in its order",
    )
    no_second_writer(pool, "web")


def test_a_guest_that_ends(pool: Pool) -> None:
    pool.add("web", ONE)
    pool.add("tired", TWO, ["/bin/sleep", "1"])
    pool.add("broken", THREE, ["/bin/false"], max_restart=1, max_relocate=1)
    pool.settled("web")
    before = pool.running("web")[ONE]
    os.kill(before, signal.SIGKILL)
    pool.wait(lambda: pool.running("web").get(ONE) not in (None, before), "started in place")
    entries = pool.wait(
        lambda: (e := pool.orders().entries).get("broken")
        and e["broken"].phase is Phase.ERROR and e,
        "its attempts end in error",
    )  # fmt: skip
    assert entries["broken"].reason
    assert len(set(entries["broken"].failed)) == 2, "one relocation was allowed"
    pool.wait(lambda: pool.orders().entries["tired"].halted, "shut down from inside: stays off")
    assert pool.running("tired") == {}
