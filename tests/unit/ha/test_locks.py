"""Cluster locks on a local folder, where several processes exclude one another as servers do."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ovstools.ha import locks, pool_io
from ovstools.ha.locks import Denied, Granted
from ovstools.ha.pool_io import Abandoned, Done, Failed, Job, PoolIo
from ovstools.model.fdinfo import holds_flock
from ovstools.model.owner_record import GuestState, Missing, OwnerRecord, Unreadable
from ovstools.system.child import Pending

pytestmark = pytest.mark.processes

LIMIT_S = 30.0
NAME = "guest-vm1"
RECORD = OwnerRecord("uuid-1", "vmserver1", 0, "boot-1", "inc-1", GuestState.STARTING)


class SettableClock:
    """A clock that tests move."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    (tmp_path / "locks").mkdir()
    return tmp_path


@pytest.fixture
def io(pool: Path) -> Iterator[PoolIo]:
    before = descriptors()
    made = PoolIo(str(pool))
    yield made
    made.children.close()
    until(lambda: made.children.collect() == 0)
    left = {number: what for number, what in descriptors().items() if number not in before}
    assert not left, "the test, or the code, lost descriptors"


def descriptors() -> dict[str, str]:
    found = {}
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return {n: what for n, what in found.items() if not what.startswith("/proc/")}


def until(happens: Callable[[], Any], within_s: float = LIMIT_S) -> None:
    end = time.monotonic() + within_s
    while not happens():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def granted(job: locks.LockWaiter) -> int:
    found = pool_io.wait(job)
    assert isinstance(found, Granted), found
    return found.descriptor


def is_free(pool: Path, name: str = NAME) -> bool:
    """Tell whether nobody holds a lock; a child closes its copy just after it has answered."""
    with (pool / "locks" / name).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_waiting(waiter: locks.LockWaiter) -> bool:
    """Tell whether a waiter's child waits in flock(2)."""
    assert waiter._child
    waits = (line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" in line)
    return str(waiter._child.pid) in {words[5] for words in waits}


def run_python(text: str, *words: str) -> subprocess.Popen[str]:
    """Start another process that uses ovstools, as another server's agent would."""
    return subprocess.Popen(
        [sys.executable, "-c", text, *words], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(locks.__file__).parents[2])},
    )  # fmt: skip


def test_granted_then_denied_then_released(io: PoolIo, pool: Path) -> None:
    mine = granted(locks.take(io, NAME, LIMIT_S))
    assert not os.get_inheritable(mine)
    assert holds_flock(Path(f"/proc/self/fdinfo/{mine}").read_text())
    assert os.stat(pool / "locks" / NAME).st_mode & 0o777 == 0o600
    assert pool_io.wait(locks.take(io, NAME, LIMIT_S)) == Denied()
    assert not is_free(pool)
    assert pool_io.wait(locks.release(io, mine, LIMIT_S)) == Done()
    until(lambda: is_free(pool))


def test_waiter_is_granted_when_the_holder_lets_go(io: PoolIo) -> None:
    mine = granted(locks.take(io, NAME, LIMIT_S))
    waiter = locks.take(io, NAME, None, blocking=True)
    other = locks.take(io, "guest-vm2", LIMIT_S)  # nobody waits for him who waits
    os.close(granted(other))
    assert waiter.poll() == Pending()
    assert waiter.remaining_s() is None
    os.close(mine)
    assert select.select([waiter], [], [], LIMIT_S)[0] == [waiter]
    os.close(granted(waiter))


def test_signal_of_a_packet_ends_no_request(io: PoolIo) -> None:
    """The kernel signals a packet after it has delivered it: while the request is under way."""
    mine = granted(locks.take(io, NAME, LIMIT_S))
    waiter = locks.take(io, NAME, LIMIT_S, blocking=True)
    until(lambda: is_waiting(waiter))
    waiter.send(b"later")
    os.close(mine)
    os.close(granted(waiter))


def test_abandoned_waiter_never_holds_the_lock(pool: Path) -> None:
    clock = SettableClock()
    io = PoolIo(str(pool), clock)  # type: ignore[arg-type]
    mine = granted(locks.take(io, NAME, None))
    waiter = locks.take(io, NAME, 5, blocking=True)
    clock.now = 4.9
    assert waiter.poll() == Pending()
    clock.now = 5
    assert waiter.poll() == Abandoned(5)
    assert waiter.poll() == Abandoned(5)
    assert waiter.fileno() == -1
    os.close(mine)
    until(lambda: io.children.collect() == 0)
    until(lambda: is_free(pool))
    io.children.close()
    until(lambda: io.children.collect() == 0)


def test_answer_that_came_beats_the_deadline(pool: Path) -> None:
    clock = SettableClock()
    io = PoolIo(str(pool), clock)  # type: ignore[arg-type]
    waiter = locks.take(io, NAME, 5)
    assert select.select([waiter], [], [], LIMIT_S)[0]
    clock.now = 6
    found = waiter.poll()
    assert isinstance(found, Granted)
    os.close(found.descriptor)
    io.children.close()
    until(lambda: io.children.collect() == 0)


def test_grant_that_nobody_takes_dies_with_the_socket(io: PoolIo, pool: Path) -> None:
    """As with a parent that is killed between the grant and its receipt."""
    waiter = locks.take(io, NAME, LIMIT_S)
    assert select.select([waiter], [], [], LIMIT_S)[0]
    assert not is_free(pool)
    assert waiter._child
    waiter._child.abandon()
    until(lambda: is_free(pool))
    waiter.fail("test")


AGENT = """
import sys, time
from ovstools.ha import locks, pool_io
io = pool_io.PoolIo(sys.argv[1])
job = locks.take(io, "guest-vm1", None, blocking=sys.argv[2] == "wait")
if sys.argv[3] == "receive":
    found = pool_io.wait(job)
print(job._child.pid if job._child else 0, *[c.pid for c in io.children._idle], flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("when", ["receive", "no"])
def test_killed_agent_leaves_no_lock_and_no_child(io: PoolIo, pool: Path, when: str) -> None:
    agent = run_python(AGENT, str(pool), "try", when)
    assert agent.stdout
    children = [int(word) for word in agent.stdout.readline().split() if word != "0"]
    until(lambda: (pool / "locks" / NAME).exists() and not is_free(pool))
    agent.kill()
    agent.wait()
    agent.stdout.close()
    until(lambda: is_free(pool))
    until(lambda: not any(map(is_ours, children)))


def test_killed_agent_takes_its_waiters_with_it(io: PoolIo, pool: Path) -> None:
    mine = granted(locks.take(io, NAME, LIMIT_S))
    agent = run_python(AGENT, str(pool), "wait", "no")
    assert agent.stdout
    waiting, *_ = (int(word) for word in agent.stdout.readline().split())
    until(lambda: is_ours(waiting) and "flock" in wchan(waiting))
    agent.kill()
    agent.wait()
    agent.stdout.close()
    until(lambda: not is_ours(waiting))
    os.close(mine)
    until(lambda: is_free(pool))


def wchan(pid: int) -> str:
    """Say where a process waits; on kernels that do not tell, any wait in a system call."""
    text = Path(f"/proc/{pid}/syscall").read_text()
    return "flock" if text.split()[0] in ("73", "32") else text  # x86-64 and arm64: flock


def is_ours(pid: int) -> bool:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state != "Z" and "pool_child" in Path(f"/proc/{pid}/cmdline").read_text()
    return False


def test_killed_child_is_a_failure_and_no_lock(io: PoolIo, pool: Path) -> None:
    mine = granted(locks.take(io, NAME, LIMIT_S))
    waiter = locks.take(io, NAME, LIMIT_S, blocking=True)
    assert waiter._child
    os.kill(waiter._child.pid, signal.SIGKILL)
    found = pool_io.wait(waiter)
    assert isinstance(found, Failed) and "ended" in found.reason
    os.close(mine)
    until(lambda: is_free(pool))


def test_one_child_serves_who_wants_no_spare(pool: Path) -> None:
    io = PoolIo(str(pool), children=pool_io.Children(spares=0))
    for _ in range(2):
        os.close(granted(locks.take(io, NAME, LIMIT_S)))
        assert len(io.children._idle) == 1
    io.children.close()
    until(lambda: io.children.collect() == 0)


def test_dead_idle_child_is_replaced(io: PoolIo) -> None:
    os.close(granted(locks.take(io, NAME, LIMIT_S)))
    idle = list(io.children._idle)
    assert len(idle) == 2  # the one that answered, and the spare
    for each in idle:
        os.kill(each.pid, signal.SIGKILL)
    for each in idle:
        assert select.select([each.socket], [], [], LIMIT_S)[0]
    os.close(granted(locks.take(io, NAME, LIMIT_S)))


def test_stopped_child_is_abandoned_and_the_next_goes_on(pool: Path) -> None:
    """A child in uninterruptible sleep: here one that is stopped, which SIGKILL does end."""
    clock = SettableClock()
    io = PoolIo(str(pool), clock)  # type: ignore[arg-type]
    os.close(granted(locks.take(io, NAME, None)))
    for each in io.children._idle:
        os.kill(each.pid, signal.SIGSTOP)
    job = locks.take(io, NAME, 2)
    clock.now = 2
    assert isinstance(job.poll(), Abandoned)
    io.children.close()
    os.close(granted(locks.take(io, NAME, None)))
    io.children.close()
    until(lambda: io.children.collect() == 0)


def test_too_many_hanging_children_are_no_reason_for_more(
    io: PoolIo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(io.children, "collect", lambda: None)
    monkeypatch.setattr(io.children, "_stuck", [None] * pool_io.MAX_STUCK)
    found = locks.take(io, NAME, LIMIT_S).poll()
    assert isinstance(found, Failed) and "still hang" in found.reason
    monkeypatch.undo()


def test_replaced_lock_file_is_not_taken_for_the_lock(io: PoolIo, pool: Path) -> None:
    """Who waited for the old file holds nothing, and goes for the one that is at the path."""
    path = pool / "locks" / NAME
    mine = granted(locks.take(io, NAME, LIMIT_S))
    waiter = locks.take(io, NAME, LIMIT_S, blocking=True)
    assert waiter._child
    pid = waiter._child.pid
    until(lambda: "flock" in wchan(pid))
    path.unlink()
    path.touch()
    os.close(mine)
    theirs = granted(waiter)
    assert os.fstat(theirs).st_ino == path.stat().st_ino
    assert not is_free(pool)
    os.close(theirs)


def test_verify_finds_a_replaced_file_and_a_lost_lock(io: PoolIo, pool: Path) -> None:
    mine = granted(locks.take(io, NAME, LIMIT_S))
    assert pool_io.wait(locks.verify(io, NAME, mine, LIMIT_S)) == Done()
    (pool / "locks" / NAME).rename(pool / "old")
    found = pool_io.wait(locks.verify(io, NAME, mine, LIMIT_S))
    assert isinstance(found, Failed) and "another file" in found.reason
    (pool / "old").rename(pool / "locks" / NAME)
    fcntl.flock(mine, fcntl.LOCK_UN)
    found = pool_io.wait(locks.verify(io, NAME, mine, LIMIT_S))
    assert isinstance(found, Failed) and "not locked" in found.reason
    os.close(mine)


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_refuses_what_is_no_regular_file(io: PoolIo, pool: Path, kind: str) -> None:
    path = pool / "locks" / NAME
    if kind == "link":
        (pool / "target").touch()
        path.symlink_to(pool / "target")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    found = pool_io.wait(locks.take(io, NAME, LIMIT_S))
    assert isinstance(found, Failed)


@pytest.mark.parametrize("name", ["", "guest-", "guest-a/b", "guest-..", "../x", "guest-\n", "x"])
def test_refuses_odd_names(io: PoolIo, name: str) -> None:
    with pytest.raises(ValueError):
        locks.take(io, name, LIMIT_S)


def test_refuses_the_folder_below_a_missing_mount(pool: Path) -> None:
    io = PoolIo(str(pool), device=os.stat("/proc").st_dev)
    found = pool_io.wait(locks.take(io, NAME, LIMIT_S))
    assert isinstance(found, Failed) and "not mounted" in found.reason
    assert not (pool / "locks" / NAME).exists()
    io.children.close()
    until(lambda: io.children.collect() == 0)
    right = PoolIo(str(pool), device=os.stat(pool).st_dev)
    os.close(granted(locks.take(right, NAME, LIMIT_S)))
    right.children.close()
    until(lambda: right.children.collect() == 0)


def test_only_the_holder_writes_the_record(io: PoolIo, pool: Path) -> None:
    path = pool / "locks" / NAME
    found = pool_io.wait(locks.take(io, NAME, LIMIT_S))
    assert isinstance(found, Granted) and found.content == b""
    mine, inode = found.descriptor, path.stat().st_ino
    assert pool_io.wait(locks.write_record(io, "vm1", mine, RECORD, LIMIT_S)) == Done()
    assert path.stat().st_ino == inode and path.stat().st_size == 512
    stranger = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    refused = pool_io.wait(locks.write_record(io, "vm1", stranger, RECORD, LIMIT_S))
    assert isinstance(refused, Failed) and "not locked by us" in refused.reason
    os.close(stranger)
    assert read(io) == RECORD
    os.close(mine)
    again = pool_io.wait(locks.take(io, NAME, LIMIT_S))
    assert isinstance(again, Granted)
    assert locks.record_of(again.content) == RECORD
    os.close(again.descriptor)


def read(io: PoolIo) -> object:
    found = pool_io.wait(locks.read_blocks(io, [NAME], LIMIT_S))
    assert isinstance(found, dict)
    return locks.record_of(found[f"locks/{NAME}"])


def test_reads_of_records_need_no_lock_and_never_guess(io: PoolIo, pool: Path) -> None:
    assert read(io) == Missing()
    (pool / "locks" / NAME).touch()
    assert read(io) == Missing()
    (pool / "locks" / NAME).write_bytes(b"\0" * 512)
    assert isinstance(read(io), Unreadable)
    (pool / "locks" / NAME).unlink()
    (pool / "locks" / NAME).mkdir()
    assert isinstance(read(io), Unreadable)


def test_write_under_way_keeps_the_lock(io: PoolIo, pool: Path) -> None:
    """A write that hangs beyond everything must not reach the file under the next holder."""
    mine = granted(locks.take(io, NAME, LIMIT_S))
    for each in io.children._idle:
        os.kill(each.pid, signal.SIGSTOP)
    job = locks.write_record(io, "vm1", mine, RECORD, LIMIT_S)
    assert job._child
    writer = job._child.pid
    assert pool_io.wait(stop_skipping_release(io, mine)) == Done()
    assert not is_free(pool)
    os.kill(writer, signal.SIGCONT)
    assert pool_io.wait(job) == Done()
    until(lambda: is_free(pool))
    assert read(io) == RECORD


def stop_skipping_release(io: PoolIo, descriptor: int) -> Job[Done]:
    """Release through a fresh child, as the idle ones are stopped."""
    for each in io.children._idle:
        each.abandon()
    io.children._stuck += io.children._idle
    io.children._idle = []
    return locks.release(io, descriptor, LIMIT_S)


CONTENDER = """
import sys
from ovstools.ha import locks, pool_io
from ovstools.model.owner_record import *
io = pool_io.PoolIo(sys.argv[1])
for turn in range(int(sys.argv[3])):
    found = pool_io.wait(locks.take(io, "guest-vm1", None, blocking=True))
    before = locks.record_of(found.content)
    number = before.sequence + 1 if isinstance(before, OwnerRecord) else 1
    mine = OwnerRecord("u", sys.argv[2], 0, "b", "i", GuestState.RUNNING, sequence=number)
    assert pool_io.wait(locks.write_record(io, "vm1", found.descriptor, mine, 30)) == pool_io.Done()
    pool_io.wait(locks.release(io, found.descriptor, 30))
"""


def test_processes_exclude_one_another(io: PoolIo, pool: Path) -> None:
    """Each adds one to the record, by read and write: without exclusion, some would be lost."""
    contenders = [run_python(CONTENDER, str(pool), f"server{n}", "20") for n in range(3)]
    assert [each.wait(60) for each in contenders] == [0, 0, 0]
    for each in contenders:
        assert each.stdout
        each.stdout.close()
    found = read(io)
    assert isinstance(found, OwnerRecord)
    assert found.sequence == 60
