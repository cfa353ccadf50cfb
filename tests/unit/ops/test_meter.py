"""How far a long work is, on a fake clock."""

from __future__ import annotations

from ovstools.ops.meter import MIB, Meter
from tests.fakes.machine import FakeMachine


def test_it_is_told_every_ten_seconds(machine: FakeMachine) -> None:
    meter = Meter(machine.host(), "copied", 6000 * MIB)
    for _ in range(25):
        machine.clock.now += 1
        meter(100 * MIB)
    assert machine.said.getvalue().splitlines() == [
        "ovstools: copied 1000 of 6000 MiB, 100 MiB/s, 1 min left",
        "ovstools: copied 2000 of 6000 MiB, 100 MiB/s, 1 min left",
    ]


def test_more_than_was_counted_is_no_trouble(machine: FakeMachine) -> None:
    meter = Meter(machine.host(), "copied", 0)
    machine.clock.now += 60
    meter(MIB)
    assert "0 min left" in machine.said.getvalue()
