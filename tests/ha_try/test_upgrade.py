"""A rolling upgrade with guests running: agents of an older format beside newer ones."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.ha_try.pool import Pool

pytestmark = pytest.mark.slow

ONE, TWO, THREE = "vmserver1", "vmserver2", "vmserver3"
NEWER = """
from ovstools.ha.forms import orders, report
orders.FORMAT = report.FORMAT = 2
"""


def upgrade(pool: Pool, node: str) -> None:
    """Restart a server's agent, as a package's upgrade does."""
    lives = pool.log(node).count("begins as")
    pool.signal_agent(node, signal.SIGTERM)
    pool.wait(lambda: pool.log(node).count("begins as") == lives + 1, f"{node} begins anew")


def is_passive(pool: Pool, node: str) -> bool:
    return "this ovstools knows up to 1" in pool.log(node).splitlines()[-1]


def test_nothing_stops_and_older_agents_are_passive(pool: Pool, program: Path) -> None:
    homes = {"web": ONE, "db": TWO, "dns": THREE}
    for guest, home in homes.items():
        pool.add(guest, home)
    for guest, home in homes.items():
        assert pool.settled(guest) == home
    before = {guest: pool.running(guest) for guest in homes}
    marker = "name = os.path.basename"
    program.write_text(program.read_text().replace(marker, f"{NEWER}{marker}"))
    upgrade(pool, TWO)
    pool.wait(lambda: is_passive(pool, ONE) and is_passive(pool, THREE), "the others are passive")
    assert {guest: pool.running(guest) for guest in homes} == before
    upgrade(pool, ONE)
    upgrade(pool, THREE)
    pool.add("late", THREE)
    assert pool.settled("late") == THREE, "the pool goes on"
    assert {guest: pool.running(guest) for guest in homes} == before
    assert not any(is_passive(pool, node) for node in pool.trial.nodes)
