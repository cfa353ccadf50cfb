"""The pool's copy of its configuration when two servers change it in the same moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ovstools.errors import OvsError
from ovstools.model.pool_config import parse_config
from ovstools.ops import cluster_configure
from ovstools.ops.plan import Plan
from ovstools.system.host import Host
from tests.fakes.machine import FakeMachine
from tests.unit.ops.test_catch_up import ADD, COPY, add, make

__all__ = ["make"]


def adds_once(other: Callable[[], None], node: str = ADD) -> Callable[[Host], Plan]:
    """Return what plans to add a node, and lets another server go first."""

    def planned(host: Host) -> Plan:
        plan = cluster_configure.plan(host, cluster_configure.Request(add=node))
        other()
        return plan

    return planned


def test_the_same_change_on_two_servers_at_once(make: Callable[[int], FakeMachine]) -> None:
    """As `--add` asks for: on each server the same words."""
    one, two = make(0), make(1)
    two.carry_out(adds_once(lambda: add(one)))
    assert two.read("/etc/ocfs2/cluster.conf") == one.read("/etc/ocfs2/cluster.conf")
    assert parse_config(one.read(COPY), COPY).generation == 1


def test_another_change_at_the_same_time_is_not_lost(make: Callable[[int], FakeMachine]) -> None:
    one, two = make(0), make(1)
    with pytest.raises(OvsError, match="changed by somebody else just now"):
        two.carry_out(adds_once(lambda: add(one), "vmserver5.example.com=192.168.100.104"))
    assert "vmserver4" in one.read(COPY) and "vmserver5" not in one.read(COPY)
