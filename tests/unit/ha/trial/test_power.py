"""A try's power: what counts as working, and whose processes a power cut ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ovstools.errors import ToolError
from ovstools.ha.trial import layout, power
from ovstools.ha.trial.layout import Trial
from tests.fakes.machine import FakeClock, FakeMachine


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    """Return a try whose server has the folders, and no power."""
    found = Trial(tmp_path / "t", ("vmserver1",), 1.0)
    found.run("vmserver1").mkdir(parents=True)
    (found.folder / layout.MARKER).write_text(layout.format_marker(found))
    return found


def test_a_server_that_does_not_work_is_no_success(trial: Trial, machine: FakeMachine) -> None:
    trial.log("vmserver1").write_text("long ago\none\ntwo\nno room\n")
    clock = FakeClock(machine)
    begin = clock.monotonic()
    with pytest.raises(ToolError, match="vmserver1 does not work") as failed:
        power.await_up(trial, "vmserver1", clock)
    assert failed.value.evidence == ("one", "two", "no room")
    assert failed.value.hint == f"see {trial.log('vmserver1')}"
    assert 60 <= clock.monotonic() - begin < 70


def test_without_power_nothing_is_there(trial: Trial, machine: FakeMachine) -> None:
    assert power.owner(trial, "vmserver1") is None
    assert power.members(trial, "vmserver1") == []
    assert not power.is_up(trial, "vmserver1", FakeClock(machine))
    assert power.cut(trial, "vmserver1", FakeClock(machine)) is False


@pytest.mark.processes
def test_who_has_the_file_open_is_a_member_and_so_is_its_session(trial: Trial) -> None:
    """By the path that the kernel tells, so also through a symbolic link; a look opens nothing."""
    link = trial.folder.with_name("link")
    link.symlink_to(trial.folder)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as without_it:  # file not inherited
        with trial.life("vmserver1").open("w"):
            found = power.members(Trial(link, trial.nodes, 1.0), "vmserver1")
        assert {os.getpid(), without_it.pid} <= set(found)
        assert without_it.pid in power.session(os.getsid(0))
        assert power.members(trial, "vmserver1") == []
