"""Whole command lines of hb-ctl, offlinerepo, repositories, services and the installers."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ovstools.cli import main
from ovstools.cli.commands import COMMANDS, load_command
from ovstools.cli.options import Choices
from ovstools.model.command import Command, Result
from ovstools.system import lock
from ovstools.system.clock import Clock
from ovstools.system.host import Host
from ovstools.system.talk import Talk
from tests.conftest import WWN
from tests.fakes.machine import FakeMachine
from tests.fakes.repositories import WWN2, listed_pool

Run = Callable[[str], int]
SECOND = "B" * 32


@pytest.fixture
def pool(machine: FakeMachine) -> FakeMachine:
    listed_pool(machine)
    return machine


@pytest.fixture
def run(machine: FakeMachine) -> Run:
    """Return what runs a command line on the fake machine and returns its exit status."""

    def make_host(chosen: Choices) -> Host:
        host = replace(machine.host(), talk=Talk(chosen.level))
        return host if chosen.root is None else replace(host, root=Path(chosen.root), offline=True)

    def run_words(line: str) -> int:
        name, *words = shlex.split(line)
        historic = name.removeprefix("ovs-") if name.startswith("ovs-") else None
        command = load_command(historic) if historic else main.group
        return main.run(command, name, words, make_host)

    return run_words


# --------------------------------------------------------------------- hb-ctl


@pytest.mark.parametrize(
    "line",
    [
        "ovs-hb-ctl -K -d /dev/sdb1",  # the white paper's words
        "ovs-hb-ctl -K -d /dev/sdb1 ovs",
        "ovs-hb-ctl stop /dev/sdb1",
        "ovstools hb-ctl stop /dev/sdb1",
        "ovstools --json hb-ctl -K -d /dev/sdb1",
    ],
)
def test_every_spelling_stops_the_heartbeat(pool: FakeMachine, run: Run, line: str) -> None:
    pool.kernel.start_region(pool.uuid("/dev/sdb1"))
    assert run(line) == 0
    assert pool.kernel.refs == {}
    assert run(line) == 0


def test_hb_ctl_status(pool: FakeMachine, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ovs-hb-ctl status /dev/sdb1") == 3
    assert run("ovs-hb-ctl -S -d /dev/sdb1") == 0
    capsys.readouterr()
    assert run("ovs-hb-ctl status --json /dev/sdb1") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["active"], said["refs"], said["status"]) == (True, 1, 0)
    assert run("ovs-hb-ctl -I -d /dev/sdb1") == 0
    assert capsys.readouterr().out == f"{pool.uuid('/dev/sdb1')}: 1 refs\n"


@pytest.mark.parametrize(
    "line, status",
    [
        ("ovs-hb-ctl", 2),
        ("ovs-hb-ctl -K", 2),
        ("ovs-hb-ctl -S -K -d /dev/sdb1", 2),
        ("ovs-hb-ctl -P -d /dev/sdb1 -n 8", 2),
        ("ovs-hb-ctl -K -d /dev/nosuch", 4),
        ("ovs-hb-ctl -h", 0),
        ("ovs-offlinerepo", 2),
        ("ovs-offlinerepo a b c", 2),
        ("ovs-offlinerepo nothing", 4),
        ("ovstools repositories", 2),
        ("ovstools repositories mount", 2),
        ("ovstools repositories start --wait -1", 2),
        ("ovstools services", 2),
    ],
)
def test_statuses(pool: FakeMachine, run: Run, line: str, status: int) -> None:
    assert run(line) == status
    assert pool.commands == []


def test_needs_root(pool: FakeMachine, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    pool.is_root = False
    for line in ("ovs-hb-ctl -K -d /dev/sdb1", "ovstools services stop", "ovs-offlinerepo /OVS"):
        assert run(line) == 4
        assert "needs root" in capsys.readouterr().err
    assert run("ovstools repositories list") == 0
    assert run("ovstools services start --dry-run") == 0


# --------------------------------------------------------------- repositories


def test_a_days_work(pool: FakeMachine, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ovstools repositories status") == 3
    assert run("ovstools repositories start") == 0
    assert run("ovstools repositories status") == 0
    assert run("ovs-offlinerepo /OVS") == 4
    assert run(f"ovs-offlinerepo -d {SECOND} {WWN2}") == 0
    assert run("ovstools repositories stop") == 0
    assert pool.commands == [
        f"mount -t ocfs2 {WWN} /OVS",
        f"mount -t ocfs2 {WWN2} /OVS/{SECOND}",
        f"umount /OVS/{SECOND}",
        "umount /OVS",
    ]
    assert "hint: take these offline first" in capsys.readouterr().err


def test_list_is_for_awk_and_for_programs(
    pool: FakeMachine, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ovstools repositories list") == 0
    header, root, other = capsys.readouterr().out.splitlines()
    assert header.split()[0] == "STATE" and other.split()[:2] == ["unmounted", SECOND]
    assert root.split()[2] == "@" and root.endswith("cluster root")
    assert run("ovstools repositories list --json") == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["cluster_root"] for row in said["repositories"]] == [True, False]


def test_quiet_says_nothing_but_the_answer(
    pool: FakeMachine, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ovstools -q repositories start") == 0
    said = capsys.readouterr()
    assert said.err == "" and said.out == "2 repositories mounted\n"


def test_dry_run_prints_the_commands(
    pool: FakeMachine, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ovstools repositories start --dry-run") == 0
    assert f"\nmount -t ocfs2 {WWN} /OVS\n" in capsys.readouterr().out
    assert pool.commands == []
    assert run("ovstools repositories start --json --dry-run") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["dry_run"] and "mount -t ocfs2" in said["steps"][0]["change"]


def test_one_failure_is_status_1_in_json_too(
    pool: FakeMachine, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    pool.disk("/dev/sdc1").beating = {0}
    assert run("ovstools repositories start --json") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["error"] == "1 of 2 could not be mounted" and said["status"] == 1


def test_a_restart_that_cannot_mount_again_is_status_1(
    pool: FakeMachine, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ovstools repositories start") == 0
    pool.disk("/dev/sdb1").beating = {0}
    assert run("ovstools repositories restart") == 1  # not 4: it was unmounted
    assert "as node 0, the number of this server" in capsys.readouterr().err


# ------------------------------------------------------------------- services


def test_services(pool: FakeMachine, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    pool.kernel.stop_o2cb()
    assert run("ovstools services status") == 3
    assert run("ovstools services start") == 0
    assert len(pool.kernel.refs) == 2
    assert "ovs-agent.service is not installed: skipped" in capsys.readouterr().err
    assert run("ovstools services status") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["o2cb", "ok"]
    pool.add_process(99, "bash", "/OVS")
    assert run("ovstools services stop") == 4
    assert "bash (pid 99) has /OVS" in capsys.readouterr().err
    shutil.rmtree(pool.root / "proc/99")
    assert run("ovstools services stop") == 0
    assert run("ovstools services status --json") == 3


def test_systemd_starts_the_unit_for_the_holder_of_the_lock(
    pool: FakeMachine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`services` holds the local lock while systemd runs `repositories start` for it."""
    pool.kernel.units["ovsrepositories.service"] = ["loaded", "inactive", "enabled"]
    inner: list[int] = []
    original = pool.run

    def systemd(command: Command) -> Result:
        words = command.shell()
        for verb in ("start", "stop"):
            if words == f"systemctl {verb} ovsrepositories.service":
                inner.append(run(f"ovstools repositories {verb}"))
        return original(command)

    monkeypatch.setattr(pool, "run", systemd)
    assert run("ovstools services start") == 0
    assert run("ovstools services stop") == 0
    assert inner == [0, 0]


def test_work_needs_the_lock(pool: FakeMachine, run: Run) -> None:
    with lock.held(pool.root / "run/ovs/ovstools.lock", "another", 0, Clock()):
        assert run("ovstools repositories start") == 5
        assert run("ovstools repositories stop") == 0  # nothing to do
        assert run("ovstools repositories list") == 0
        assert run("ovs-offlinerepo /OVS") == 5
    assert pool.commands == []


# ----------------------------------------------------------------- installers


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run as PATH's ovstools, which has the historic commands beside it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("ovstools", "ovs-makerepo"):
        (folder / name).touch(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(sys, "argv", ["ovstools"])
    return folder


def test_install_links(machine: FakeMachine, run: Run, checkout: Path) -> None:
    assert run("ovstools install-links") == 0
    folder = machine.root / "usr/lib/ovs"
    assert len(list(folder.iterdir())) == 5
    assert (folder / "ovs-makerepo").readlink() == checkout / "ovs-makerepo"
    assert run("ovstools install-links --dir /opt/ovs") == 0
    assert (machine.root / "opt/ovs/ovs-hb-ctl").is_symlink()
    assert run("ovstools install-links --remove") == 0
    assert list(folder.iterdir()) == []
    (folder / "ovs-hb-ctl").touch()
    assert run("ovstools install-links") == 4


def test_install_units(machine: FakeMachine, run: Run, checkout: Path, tmp_path: Path) -> None:
    assert run("ovstools install-units") == 0
    unit = machine.read("/etc/systemd/system/ovsrepositories.service")
    assert f"ExecStart={checkout}/ovstools repositories start --lock-wait 60\n" in unit
    assert machine.kernel.units["ovsrepositories.service"] == ["loaded", "active", "enabled"]
    assert run("ovstools install-units --remove") == 0
    image = tmp_path / "image"
    image.mkdir()
    machine.commands.clear()
    assert run(f"ovstools --root {image} install-units") == 0
    assert (image / "etc/systemd/system/multi-user.target.wants").is_dir()
    assert machine.commands == []


@pytest.mark.parametrize("name", ["hb-ctl", "offlinerepo", "repositories", "services"])
def test_the_help_begins_with_the_line_of_the_list(name: str) -> None:
    command = load_command(name)
    assert (command.help or "").splitlines()[0] == COMMANDS[name][2]
