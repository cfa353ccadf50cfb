"""The local lock: who has it, how long one waits, and who inherits it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovstools.errors import BusyError, ExitStatus, RefusedError
from ovstools.model.command import Command
from ovstools.system import lock
from ovstools.system.clock import Clock
from ovstools.system.runner import Runner
from ovstools.system.talk import Talk


class FakeClock(Clock):
    """A clock on which the lock's holder lets go after a while."""

    def __init__(self, release_at: float = 1e9) -> None:
        self.now = 100.0
        self.release_at = self.now + release_at
        self.holder = contextlib.ExitStack()

    def monotonic(self) -> float:
        """Return the fake time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        if self.now >= self.release_at:
            self.holder.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "ovs" / "ovstools.lock"


@pytest.fixture
def clock(path: Path) -> Iterator[FakeClock]:
    """Return a clock whose holder has the lock for 3 s."""
    clock = FakeClock(release_at=3)
    clock.holder.enter_context(lock.held(path, "ovs-makerepo /dev/sdb1 C root", 0, Clock()))
    with clock.holder:
        yield clock


def is_free(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_held_and_free_again(path: Path) -> None:
    with lock.held(path, "ovs-makerepo 'a b'", 0, FakeClock()):
        assert not is_free(path)
        assert path.read_text() == f"{os.getpid()} ovs-makerepo 'a b'\n"
    assert is_free(path)
    with contextlib.suppress(ZeroDivisionError), lock.held(path, "x", 0, FakeClock()):
        raise ZeroDivisionError
    assert is_free(path)


def test_nobody_else_may_write_it(path: Path) -> None:
    with lock.held(path, "x", 0, FakeClock()):
        assert path.stat().st_mode & 0o777 == 0o600


def test_shorter_words_leave_nothing_of_longer_ones(path: Path) -> None:
    for words in ("a" * 100, "b"):
        with lock.held(path, words, 0, FakeClock()):
            assert path.read_text() == f"{os.getpid()} {words}\n"


def test_busy_names_the_holder(path: Path, clock: FakeClock) -> None:
    with pytest.raises(BusyError) as caught, lock.held(path, "second", 0, clock):
        pass
    error = caught.value
    assert error.status == ExitStatus.BUSY
    assert f"pid {os.getpid()}" in error.what
    assert "ovs-makerepo /dev/sdb1 C root" in error.what
    assert error.evidence == ()
    assert "--lock-wait" in error.hint and str(path) in error.hint
    assert clock.now == 100, "it did not wait"
    assert "ovs-makerepo" in path.read_text(), "the loser writes nothing"


def test_busy_after_the_holder_has_ended(path: Path, clock: FakeClock) -> None:
    """What it started holds the lock on."""
    path.write_text("4194305 ovs-makerepo x\n")  # above pid_max: nobody has this number
    with pytest.raises(BusyError) as caught, lock.held(path, "second", 0, clock):
        pass
    assert "process 4194305 has ended" in caught.value.evidence[0]


@pytest.mark.parametrize("text", ["", "\n", "junk", "\0\0"])
def test_busy_with_a_holder_that_said_nothing(path: Path, clock: FakeClock, text: str) -> None:
    path.write_text(text)
    with pytest.raises(BusyError), lock.held(path, "second", 0, clock):
        pass


def test_waits_until_the_holder_lets_go(path: Path, clock: FakeClock) -> None:
    with lock.held(path, "second", 10, clock):
        assert clock.now == pytest.approx(103, abs=0.2)
        assert "second" in path.read_text()


def test_waits_no_longer_than_it_may(path: Path, clock: FakeClock) -> None:
    with pytest.raises(BusyError), lock.held(path, "second", 2, clock):
        pass
    assert clock.now == pytest.approx(102, abs=0.2)


def test_follows_no_link(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "victim")
    with pytest.raises(RefusedError, match="cannot write"), lock.held(path, "x", 0, Clock()):
        pass
    assert not (tmp_path / "victim").exists()


def test_where_no_lock_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "lock"
    with pytest.raises(RefusedError, match="cannot write"), lock.held(path, "x", 0, Clock()):
        pass


@pytest.mark.processes
def test_a_program_that_outlives_us_keeps_it(path: Path, tmp_path: Path) -> None:
    with lock.held(path, "first", 0, Clock()) as descriptor:
        runner = Runner(Talk(-1), lambda: frozenset({descriptor}))
        runner.run(Command(("sh", "-c", f"sleep 60 >/dev/null 2>&1 & echo $! > {tmp_path}/pid")))
    assert not is_free(path), "sleep has it still"
    with pytest.raises(BusyError), lock.held(path, "second", 0, FakeClock()):
        pass
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, 9)
    with lock.held(path, "third", 30, Clock()):
        assert "third" in path.read_text()
