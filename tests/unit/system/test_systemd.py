"""systemctl: what it is asked and how its answer is read."""

from __future__ import annotations

import pytest

from ovstools.model.command import Command, Result
from ovstools.system import systemd
from ovstools.system.systemd import Unit
from tests.fakes.machine import FakeMachine


@pytest.mark.parametrize(
    "said, unit",
    [
        (
            "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
            Unit("x.service", "loaded", "active", "enabled"),
        ),
        (
            "UnitFileState=\nActiveState=inactive\nLoadState=not-found\n",
            Unit("x.service", "not-found", "inactive", ""),
        ),
        (
            "RefuseManualStop=yes\nLoadState=loaded\nActiveState=active\n",
            Unit("x.service", "loaded", "active", "", refuses_stop=True),
        ),
        ("", Unit("x.service", "not-found", "inactive", "")),
        ("noise\nLoadState=masked\n", Unit("x.service", "masked", "inactive", "")),
    ],
)
def test_reads_a_unit(machine: FakeMachine, said: str, unit: Unit) -> None:
    machine.fails["systemctl"] = Result(0, said)
    assert systemd.look(machine.host(), "x.service") == unit


@pytest.mark.parametrize(
    "load, active, exists, is_active",
    [
        ("loaded", "active", True, True),
        ("loaded", "activating", True, True),
        ("loaded", "reloading", True, True),
        ("loaded", "inactive", True, False),
        ("loaded", "failed", True, False),
        ("loaded", "deactivating", True, False),
        ("masked", "inactive", False, False),
        ("not-found", "inactive", False, False),
        ("bad-setting", "inactive", False, False),
    ],
)
def test_what_the_states_mean(load: str, active: str, exists: bool, is_active: bool) -> None:
    unit = Unit("x", load, active, "")
    assert (unit.exists, unit.is_active) == (exists, is_active)


@pytest.mark.parametrize(
    "command, words",
    [
        (systemd.start("o2cb.service", 9), "systemctl start o2cb.service"),
        (systemd.stop("o2cb.service", 9), "systemctl stop o2cb.service"),
        (systemd.restart("o2cb.service", 9), "systemctl restart o2cb.service"),
        (systemd.enable("o2cb.service"), "systemctl enable o2cb.service"),
        (systemd.disable("o2cb.service"), "systemctl disable o2cb.service"),
        (systemd.reload_units(), "systemctl daemon-reload"),
    ],
)
def test_commands(command: Command, words: str) -> None:
    assert command.shell() == words
    assert command.changes and command.ok == {0}


def test_looking_changes_nothing(machine: FakeMachine) -> None:
    systemd.look(machine.host(), "o2cb.service")
    assert machine.commands == []
    assert systemd.start("x", 9).timeout_s == 9


@pytest.mark.parametrize("said, needs", [("yes", True), ("no", False), ("", False)])
def test_needs_reload(machine: FakeMachine, said: str, needs: bool) -> None:
    machine.fails["systemctl"] = Result(0, f"NeedDaemonReload={said}\n")
    assert systemd.needs_reload(machine.host(), "x.service") is needs
