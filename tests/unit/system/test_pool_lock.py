"""The pool's locks, as commands hold them for a moment."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from ovstools.errors import BusyError
from ovstools.system import pool_lock
from ovstools.system.clock import Clock


class Hours(Clock):
    """Time passes only in sleep."""

    now = 0.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def test_held_and_let_go(tmp_path: Path) -> None:
    path = tmp_path / ".ovs" / "locks" / "config"
    assert not pool_lock.is_held(path)
    with pool_lock.held(path, 1, Hours()):
        assert pool_lock.is_held(path)
        with pytest.raises(BusyError, match="changing the pool"), pool_lock.held(path, 1, Hours()):
            pass
    assert not pool_lock.is_held(path)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700


def test_a_shared_look_does_not_disturb_the_next_holder(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "master"
    with pool_lock.held(path, 0, Hours()):
        pass
    descriptor = os.open(path, os.O_RDWR)
    try:
        assert not pool_lock.is_held(path)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert pool_lock.is_held(path)
    finally:
        os.close(descriptor)


def test_a_file_that_was_replaced_is_no_lock(tmp_path: Path) -> None:
    """Whoever waits for the old file, and gets it, holds nothing."""
    path = tmp_path / "locks" / "config"

    with pool_lock.held(path, 0, Hours()):
        pass
    descriptor = os.open(path, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    path.unlink()
    with pool_lock.held(path, 1, Hours()):
        assert path.exists()
    os.close(descriptor)
