"""The quarantine itself: what a unit test cannot do by accident."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ovstools.model.command import Command
from ovstools.system.runner import Runner
from ovstools.system.talk import Talk
from tests.quarantine import TouchedTheMachine

OUTSIDE = "/var/tmp/ovstools-quarantine"
HARMLESS = {
    "subprocess": lambda: subprocess.run(["true"], check=True),
    "system": lambda: os.system("true"),
    "fork": lambda: os._exit(0) if os.fork() == 0 else None,
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "runner": lambda: Runner(Talk()).run(Command(("true",))),
    "signal": lambda: os.kill(os.getpid(), 0),
    "resolver": lambda: socket.getaddrinfo("localhost", None),
    "connect": lambda: socket.socket().connect(("127.0.0.1", 9)),
    "unix": lambda: socket.socket(socket.AF_UNIX).connect(OUTSIDE),
    "write": lambda: Path(OUTSIDE).write_text("x"),
    "append": lambda: os.open(OUTSIDE, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
    "mkdir": lambda: Path(OUTSIDE).mkdir(),
    "remove": lambda: Path(OUTSIDE).unlink(missing_ok=True),
    "rename": lambda: Path(OUTSIDE).rename(f"{OUTSIDE}-2"),
    "symlink": lambda: Path(OUTSIDE).symlink_to("/"),
}


@pytest.mark.parametrize("act", HARMLESS.values(), ids=HARMLESS)
def test_refuses(act: Callable[[], object]) -> None:
    with pytest.raises(TouchedTheMachine):
        act()


def test_lets_a_test_work_in_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text(Path("/proc/self/comm").read_text())
    (tmp_path / "d").symlink_to("/etc")
    (tmp_path / "d").rename(tmp_path / "e")
    shutil.rmtree(tmp_path / "a")
    assert os.listdir(tmp_path) == ["e"]


@pytest.mark.processes
def test_lets_marked_tests_start_processes() -> None:
    assert subprocess.run(["true"]).returncode == 0
