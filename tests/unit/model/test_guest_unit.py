"""Units of process guests: their names, and how their ends are told apart (systemd 252)."""

from __future__ import annotations

import pytest

from ovstools.model.guest_unit import Life, guest_name, parse_units, unit_name
from tests.unit.model.captured import captured


@pytest.mark.parametrize(
    "case, lives",
    [
        ("guests-two", {"p1": Life.RUNS, "p2.a-b+c": Life.RUNS}),
        ("guests-suspended", {"p1": Life.FROZEN}),
        ("guests-off", {"p1": Life.DONE}),
        ("guests-crashed", {"p1": Life.FAILED}),
        ("guests-destroyed", {"p1": Life.STOPPED}),
        # nothing is left but ExecStop= or ExecStopPost=, here a sleep
        ("guests-forgetting", {"p1": Life.STOPPED}),
        ("guests-forgetting-post", {"p1": Life.STOPPED}),
        ("guests-stopping", {"p1": Life.RUNS}),
        ("guests-stopping-post", {"p1": Life.STOPPED}),
        ("guests-crashing", {"p1": Life.FAILED}),
    ],
)
def test_lives(case: str, lives: dict[str, Life]) -> None:
    found = parse_units(captured("systemctl", case))
    assert {name: unit.life for name, unit in found.items()} == lives


@pytest.mark.parametrize(
    "before, after, life",
    [
        ("TasksCurrent=[not set]", "TasksCurrent=0", Life.FAILED),
        ("TasksCurrent=[not set]", "TasksCurrent=1", Life.UNKILLABLE),
        ("ActiveState=failed", "ActiveState=deactivating", Life.RUNS),
        ("ActiveState=failed", "ActiveState=inactive", None),
    ],
)
def test_processes_that_are_left_count(before: str, after: str, life: Life | None) -> None:
    text = captured("systemctl", "guests-crashed")
    assert before in text
    found = parse_units(text.replace(before, after))
    assert (found["p1"].life if found else None) is life


@pytest.mark.parametrize(
    "before, after",
    [
        ("TasksCurrent=1", "TasksCurrent=2"),
        ("TasksCurrent=1", "TasksCurrent=[not set]"),
        ("ControlPID=457", "ControlPID=0"),
        ("ControlPID=457\n", ""),
        ("MainPID=0", "MainPID=448"),
    ],
)
def test_what_may_be_left_while_it_stops_still_runs(before: str, after: str) -> None:
    text = captured("systemctl", "guests-stopping-post")
    assert before in text
    assert parse_units(text.replace(before, after))["p1"].life is Life.RUNS


def test_a_program_that_left_children_still_runs() -> None:
    text = captured("systemctl", "guests-off").replace("TasksCurrent=[not set]", "TasksCurrent=3")
    assert parse_units(text)["p1"].life is Life.RUNS


def test_nothing_is_nobody() -> None:
    assert parse_units("") == {}
    assert parse_units("\n") == {}


@pytest.mark.parametrize(
    "text", ["Id=ovs-guest-a.service\n", "ActiveState=active\nSubState=running\n", "Id=x.service\n"]
)
def test_half_an_answer_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="systemctl show"):
        parse_units(text)


@pytest.mark.parametrize(
    "guest, unit",
    [
        ("web1", "ovs-guest-web1.service"),
        ("a-b.c_d", "ovs-guest-a-b.c_d.service"),
        ("a+b@c", r"ovs-guest-a\x2bb\x40c.service"),
        ("ä b", r"ovs-guest-\xc3\xa4\x20b.service"),
    ],
)
def test_names(guest: str, unit: str) -> None:
    assert unit_name(guest) == unit
    assert guest_name(unit) == guest


def test_a_stranger_is_no_guest() -> None:
    with pytest.raises(ValueError, match="ovs-guest"):
        guest_name("sshd.service")
