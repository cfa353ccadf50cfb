"""Markers and space of mounted file systems, and storage that does not answer."""

from __future__ import annotations

import pytest

from ovstools.model.command import Result
from ovstools.system import filesystems
from ovstools.system.filesystems import Space
from tests.fakes.machine import FakeMachine


def test_marker(machine: FakeMachine) -> None:
    host = machine.host()
    assert filesystems.read_marker(host, "/OVS") is None
    machine.write("/OVS/.ovsrepo", "nonsense")
    assert filesystems.read_marker(host, "/OVS") is None
    machine.write("/OVS/.ovsrepo", f"UUID={'A' * 32}\nDESCRIPTION=root\nSHARED=C\n")
    marker = filesystems.read_marker(host, "/OVS")
    assert marker is not None and marker.description == "root"


@pytest.mark.parametrize(
    "result, space",
    [
        (
            Result(0, "   1B-blocks       Used\n10737418240  367001600\n"),
            Space(10737418240, 367001600),
        ),
        (Result(0, "   1B-blocks       Used\n-  -\n"), None),
        (Result(0, ""), None),
        (Result(137, "", ""), None),
    ],
)
def test_space(machine: FakeMachine, result: Result, space: Space | None) -> None:
    machine.fails["df"] = result
    assert filesystems.read_space(machine.host(), "/OVS") == space


def test_both_have_a_short_limit() -> None:
    assert filesystems.cat("/OVS/.ovsrepo").timeout_s == filesystems.df("/OVS").timeout_s == 10
