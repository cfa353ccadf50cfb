"""OCFS2 volumes through debugfs.ocfs2, which exits 0 whatever happens."""

from __future__ import annotations

import pytest

from ovstools.errors import ParseError, RefusedError
from ovstools.model.command import Result
from ovstools.settings import Limits, Settings
from ovstools.system import ocfs2
from tests.fakes.machine import FakeMachine
from tests.unit.model.captured import captured

DEVICE = "/dev/sdb1"


def says(machine: FakeMachine, case: str, stderr: str = "") -> FakeMachine:
    """Let debugfs.ocfs2 print a captured text."""
    machine.fails["debugfs.ocfs2"] = Result(0, captured("debugfs.ocfs2", case), stderr)
    return machine


def test_looks_without_changing() -> None:
    command = ocfs2.debugfs(DEVICE, "stats -h")
    assert command.argv == ("debugfs.ocfs2", "-R", "stats -h", DEVICE)
    assert not command.changes


@pytest.mark.parametrize(
    "case, stack, suits",
    [
        ("stats-classic", "classic o2cb", True),
        ("stats-local-heartbeat", "o2cb", True),
        ("stats-pcmk", "pcmk", False),
        ("stats-mount-local", "classic o2cb", False),
        ("stats-heartbeat-device", None, False),
    ],
)
def test_reads_a_volume(machine: FakeMachine, case: str, stack: str | None, suits: bool) -> None:
    volume = ocfs2.read_volume(says(machine, case).host(), DEVICE)
    assert stack in (None, volume.stack)
    assert volume.suits(volume.cluster_name or "ocfs2") is suits


@pytest.mark.parametrize("case", ["stats-missing", "stats-not-ocfs2"])
def test_a_volume_that_cannot_be_read_is_refused(machine: FakeMachine, case: str) -> None:
    text = captured("debugfs.ocfs2", case)
    machine.fails["debugfs.ocfs2"] = Result(0, "", text)
    with pytest.raises(RefusedError, match="the superblock of /dev/sdb1 cannot be read") as caught:
        ocfs2.read_volume(machine.host(), DEVICE)
    assert caught.value.evidence == tuple(text.splitlines()[-2:])
    assert "fsck.ocfs2 -n /dev/sdb1" in caught.value.hint


def test_a_root_folder_without_entries_is_unfinished(machine: FakeMachine) -> None:
    assert not ocfs2.is_unfinished(says(machine, "ls-root").host(), DEVICE)
    machine.run_format(DEVICE).fs.is_finished = False  # type: ignore[union-attr]
    del machine.fails["debugfs.ocfs2"]
    assert ocfs2.is_unfinished(machine.host(), DEVICE)


def test_a_root_folder_that_cannot_be_read_is_not_called_unfinished(machine: FakeMachine) -> None:
    """It would be formatted again."""
    machine.fails["debugfs.ocfs2"] = Result(0, "", "ls: I/O error on channel\n")
    with pytest.raises(RefusedError, match="root folder of /dev/sdb1 cannot be read") as caught:
        ocfs2.is_unfinished(machine.host(), DEVICE)
    assert caught.value.evidence == ("ls: I/O error on channel",)


def test_marker(machine: FakeMachine) -> None:
    fs = machine.run_format(DEVICE).fs
    assert fs is not None
    assert ocfs2.read_marker(machine.host(), DEVICE) is None
    (fs.folder / ".ovsrepo").write_text(f"VERSION=1\nUUID={fs.uuid}\nDESCRIPTION=root\nSHARED=C\n")
    marker = ocfs2.read_marker(machine.host(), DEVICE)
    assert marker is not None and (marker.uuid, marker.shared) == (fs.uuid, "C")


def test_heartbeat_area(machine: FakeMachine) -> None:
    slots = ocfs2.read_heartbeat(says(machine, "hb-four-nodes").host(), DEVICE)
    assert len(slots) == 4
    assert ocfs2.read_heartbeat(says(machine, "hb-empty").host(), DEVICE) == ()
    machine.fails["debugfs.ocfs2"] = Result(0, "", "hb: error\n")
    with pytest.raises(ParseError):
        ocfs2.read_heartbeat(machine.host(), DEVICE)


def test_moving_nodes_are_seen_in_one_sample(machine: FakeMachine) -> None:
    disk = machine.run_format(DEVICE)
    assert disk.fs is not None
    disk.fs.heartbeat = {0: 7, 1: 8, 2: 9}
    disk.beating = {1}
    host = machine.host(settings=Settings(limits=Limits(heartbeat_sample_s=5)))
    assert ocfs2.moving_nodes(host, DEVICE) == {1}
    assert machine.clock.now == 1005
