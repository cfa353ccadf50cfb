"""Whole command lines that grow and convert repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.conftest import WWN
from tests.fakes.disk import GIB
from tests.fakes.pool import make_healthy
from tests.fakes.san import MIB, PART, FakeSan


@pytest.fixture
def san(shell: Shell) -> FakeSan:
    """Return the LUN of a healthy server."""
    assert shell.machine is not None
    make_healthy(shell.machine)
    san = FakeSan()
    san.attach(shell.machine)
    return san


def test_grow(shell: Shell, san: FakeSan) -> None:
    answer = shell("ovstools repositories grow /OVS")
    assert (answer.status, answer.out) == (0, "/OVS is already as large as its device: 4096 MiB\n")
    san.size = 8 * GIB
    answer = shell("ovstools repositories grow /OVS")
    assert (answer.status, answer.out) == (0, "/OVS has grown from 4096 MiB to 8191 MiB\n")
    assert "ask sdb for its size" in answer.err
    answer = shell("ovstools repositories grow /OVS --json")
    assert answer.json == {
        "changed": False, "uuid": answer.json["uuid"], "source": "/dev/sdb1",
        "mountpoint": "/OVS", "device_bytes": 8 * GIB - MIB, "size_bytes": 8 * GIB - MIB,
        "waiting_for": [], "status": 0,
    }  # fmt: skip


def test_grow_waits_for_the_other_servers(shell: Shell, san: FakeSan) -> None:
    assert shell.machine is not None
    fs = shell.machine.disk(PART).fs
    assert fs is not None
    fs.slot_map = {0: 0, 1: 1}
    san.size = 8 * GIB
    answer = shell("ovstools repositories grow /OVS")
    assert answer.status == 6
    assert answer.out.splitlines()[1].startswith("on vmserver2.example.com: ovstools repositories")


def test_grow_says_no(shell: Shell, san: FakeSan) -> None:
    assert shell.machine is not None
    for line, status in (
        ("grow", 2),
        ("grow /OVS --slots 0", 2),
        ("grow /OVS --slots many", 2),
        ("grow /OVS --slots 20", 4),
        ("grow nothing", 4),
        ("convert /dev/sdb1 0 local", 2),
        ("convert /dev/sdb1 C root --from OVS", 2),
        ("convert /dev/sdb1 C", 2),
    ):
        assert shell(f"ovstools repositories {line}").status == status, line
    assert shell.machine.commands == []


def test_grow_dry_run(shell: Shell, san: FakeSan) -> None:
    san.size = 8 * GIB
    answer = shell("ovstools repositories grow /OVS --dry-run")
    assert answer.out.splitlines()[1] == "echo 1 > /sys/class/block/sdb/device/rescan"
    assert "when the size is known" in answer.err


def test_convert(shell: Shell) -> None:
    machine = shell.machine
    assert machine is not None
    machine.join_cluster()
    machine.write("/OVS/running_pool/web1/system.img", "data")
    line = 'ovstools repositories convert /dev/sdb1 C "cluster root"'
    answer = shell(line)
    assert answer.status == 4 and "allow it: --format" in answer.err
    answer = shell(f"{line} --format --slots 8 --journal-size 16M --dry-run")
    assert "mv --no-target-directory /OVS /OVS.local" in answer.out
    assert (machine.root / "OVS/running_pool").exists()
    answer = shell(f"{line} --format --slots 8 --journal-size 16M")
    assert answer.status == 0, answer.err
    assert answer.out.splitlines() == [
        "/OVS has all of /OVS: 3 things, 0 MiB, each compared",
        "the old data is kept in /OVS.local; nobody needs it any more",
    ]
    assert (machine.root / "OVS/running_pool/web1/system.img").read_text() == "data"
    again = shell(f"{line} --json")
    assert (again.status, again.json["changed"], again.json["source"]) == (0, False, WWN)


def test_convert_with_root(root_shell: Shell, tmp_path: Path) -> None:
    answer = root_shell(f"ovstools --root {tmp_path} repositories convert /dev/sdb1 C root")
    assert answer.status == 4 and "--root" in answer.err
