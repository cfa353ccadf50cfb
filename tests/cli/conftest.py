"""Whole command lines, in this process, on a fake machine."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ovstools.cli import main
from ovstools.cli.commands import load_command
from ovstools.cli.options import Choices
from ovstools.settings import Settings
from ovstools.system.host import Host
from ovstools.system.talk import Talk
from tests.fakes.ha_pool import HaMachine, HaPool
from tests.fakes.machine import FakeMachine


@dataclass(frozen=True)
class Answer:
    """What a command line left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one JSON document on standard output."""
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs command lines on a machine; None: on the files that --root names."""

    machine: FakeMachine | None
    capsys: pytest.CaptureFixture[str]
    settings: Settings | None = None

    def __call__(self, line: str) -> Answer:
        """Run a line such as `ovs-makerepo /dev/sdb1 C root`."""
        name, *words = shlex.split(line)
        command = main.group if name == "ovstools" else load_command(name[len("ovs-") :])
        self.capsys.readouterr()
        status = main.run(command, name, words, self._make_host if self.machine else None)
        return Answer(int(status), *self.capsys.readouterr())

    def _make_host(self, chosen: Choices) -> Host:
        assert self.machine is not None
        host = self.machine.host(chosen.root is not None, self.settings)
        return replace(host, talk=Talk(chosen.level))


@pytest.fixture
def shell(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return what runs command lines on vmserver1."""
    return Shell(machine, capsys)


@pytest.fixture
def shells(
    machines: Callable[[int], FakeMachine], capsys: pytest.CaptureFixture[str]
) -> Callable[[int], Shell]:
    """Return what makes vmserver N+1's shell; all share one LUN."""
    return lambda number: Shell(machines(number), capsys)


@pytest.fixture
def root_shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return what runs command lines with --root, without any fake."""
    return Shell(None, capsys)


@pytest.fixture
def pool(tmp_path: Path) -> HaPool:
    """Return a pool of three servers under HA, seen from vmserver1."""
    root = tmp_path / "vmserver1"
    root.mkdir()
    return HaPool(HaMachine(root))


@pytest.fixture
def at_pool(pool: HaPool, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return what runs command lines on vmserver1 of the pool under HA."""
    return Shell(pool.machine, capsys, pool.settings)
