"""The keeper as commands see it, below a fake systemd."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovstools.errors import RefusedError, ToolError
from ovstools.ha import locks
from ovstools.ha.keeper_client import KeeperClient
from ovstools.ha.kept_locks import SOCKET, KeptLocks
from ovstools.model.keeper_words import LockState
from tests.fakes.systemd import FakeSystemd

pytestmark = pytest.mark.processes

SOURCES = str(Path(locks.__file__).parents[2])
WORDS = [sys.executable, "-c", "from ovstools.cli.main import ovstools; ovstools()", "keeper"]
NAME = "node-vmserver1"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[FakeSystemd]:
    environment = {"PYTHONPATH": SOURCES, "OVSTOOLS_PATHS__RUN": str(tmp_path)}
    made = FakeSystemd(tmp_path, WORDS, environment)
    made.start()
    yield made
    made.stop()


def is_free(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_what_is_held_can_be_let_go(systemd: FakeSystemd, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    KeeperClient(str(tmp_path / SOCKET)).put(NAME, descriptor)
    os.close(descriptor)
    kept = KeptLocks(str(tmp_path), 30)
    assert kept.names() == {NAME: LockState.HELD}
    assert not is_free(tmp_path / NAME)
    kept.let_go(NAME)
    assert is_free(tmp_path / NAME)
    assert kept.names() == {} and systemd.store == []
    with pytest.raises(RefusedError, match="not held"):
        kept.let_go(NAME)


def test_no_keeper_holds_nothing(tmp_path: Path) -> None:
    kept = KeptLocks(str(tmp_path), 30)
    assert kept.names() == {}
    with pytest.raises(ToolError, match="does not listen"):
        kept.let_go(NAME)


def test_one_that_was_killed_holds_nothing(systemd: FakeSystemd, tmp_path: Path) -> None:
    systemd.kill()
    assert (tmp_path / SOCKET).exists()
    assert KeptLocks(str(tmp_path), 30).names() == {}
