"""Whole command lines of ovs-cluster-check, in this process, on a fake machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ovstools.cli import main
from ovstools.cli.commands import load_command
from ovstools.cli.options import Choices
from ovstools.system.host import Host
from ovstools.system.talk import Talk
from tests.fakes.machine import FakeMachine
from tests.fakes.pool import make_healthy

Run = Callable[..., int]


@pytest.fixture
def run(machine: FakeMachine) -> Run:
    """Return what runs a command line on the fake machine and returns its exit status."""

    def make_host(chosen: Choices) -> Host:
        return replace(machine.host(offline=chosen.root is not None), talk=Talk(chosen.level))

    command = load_command("cluster-check")
    return lambda *words: main.run(command, "ovs-cluster-check", words, make_host)


def test_white_paper_step_3(
    run: Run, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    make_healthy(machine)
    assert run("--master", "--alter-fstab") == 0
    said = capsys.readouterr()
    assert (
        "nothing to move: /etc/fstab mounts no device and no export at or below /OVS\n" in said.out
    )
    assert said.out.endswith("cluster root /OVS on /dev/sdb1\n")
    assert said.err == ""


def test_alter_fstab_prints_the_backup(
    run: Run, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.write("/etc/fstab", "/dev/sdz1 /OVS ocfs2 _netdev 0 0\n")
    assert run("--alter-fstab") == 0
    (backup,) = (machine.root / "tmp").iterdir()
    assert f"the original /etc/fstab is kept in /tmp/{backup.name}\n" in capsys.readouterr().out
    assert machine.read("/etc/fstab") == ""


def test_dry_run_changes_nothing(
    run: Run, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.is_root = False
    machine.write("/etc/fstab", "/dev/sdz1 /OVS ocfs2 _netdev 0 0\n")
    assert run("--alter-fstab", "--dry-run") == 0
    assert "-/dev/sdz1 /OVS ocfs2 _netdev 0 0\n" in capsys.readouterr().out
    assert machine.read("/etc/fstab") == "/dev/sdz1 /OVS ocfs2 _netdev 0 0\n"
    assert list((machine.root / "tmp").iterdir()) == []


def test_altering_needs_root_and_checking_does_not(run: Run, machine: FakeMachine) -> None:
    make_healthy(machine)
    machine.is_root = False
    assert run("--alter-fstab") == 4
    assert run() == 0


def test_checking_takes_no_lock(run: Run, machine: FakeMachine) -> None:
    make_healthy(machine)
    assert run() == 0
    assert not (machine.root / "run/ovs/ovstools.lock").exists()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 3),
        (("--json",), 3),
        (("--format", "nagios"), 2),
        (("--propagate",), 2),
        (("--master", "--propagate"), 4),
        (("--format", "xml"), 2),
        (("--explain", "nonsense"), 2),
        (("--explain", "peer-dead"), 0),
        (("--list-checks",), 0),
        (("--timing",), 0),
        (("--all",), 3),
        (("--daemon", "--master"), 2),
        (("--daemon", "--root", "/"), 4),
        (("--fix",), 2),
        (("--watch",), 2),
        (("word",), 2),
    ],
)
def test_exit_status_where_nothing_is_set_up(run: Run, words: tuple[str, ...], status: int) -> None:
    assert run(*words) == status


@pytest.mark.parametrize("words", [("--json",), ("--format", "json")])
def test_json(
    run: Run, machine: FakeMachine, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    make_healthy(machine)
    assert run(*words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["healthy"] is True
    assert answer["status"] == 0


def test_quiet_is_for_cron(
    run: Run, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    make_healthy(machine)
    assert run("-q") == 0
    said = capsys.readouterr()
    assert said.out + said.err == ""


def test_output_replaces_a_file(
    run: Run, machine: FakeMachine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answer"
    file.write_text("old\n")
    assert run("--format", "plain", "--output", str(file)) == 3
    lines = file.read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["not-configured", "unhealthy"]
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".answer")] == []


def test_output_survives_a_refusal(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "answer"
    file.write_text("old\n")
    assert run("--propagate", "--output", str(file)) == 2
    assert file.read_text() == "old\n"
    assert run("--output", str(tmp_path)) == 4


def test_below_another_root(
    run: Run, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    make_healthy(machine)
    machine.write("/etc/hostname", "vmserver1\n")
    assert run("--root", str(machine.root)) == 3
    assert "this server, vmserver1, is not in" in capsys.readouterr().out
    machine.write("/etc/hostname", "vmserver1.example.com\n")
    assert run("--root", str(machine.root)) == 0
    assert "healthy, by its files alone" in capsys.readouterr().out


@pytest.mark.processes
def test_a_check_loads_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys; from ovstools.cli.main import run; "
        "from ovstools.cli.commands import load_command; "
        f"run(load_command('cluster-check'), 'c', ['--json', '--root', {str(tmp_path)!r}]); "
        "print(sorted({'rich', 'sh', 'yaml', 'psutil', 'subprocess'} & set(sys.modules)), "
        "file=sys.stderr)"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=_environment())
    assert done.stderr.strip() == "[]"


def _environment() -> dict[str, str]:
    import os

    source = Path(__file__).resolve().parents[2] / "src"
    return {**os.environ, "PYTHONPATH": str(source)}
