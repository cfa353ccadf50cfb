"""The keeper as a real process below a fake systemd: whatever happens, the locks stay."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ovstools.errors import RefusedError, ToolError
from ovstools.ha import keeper, keeper_client, locks, pool_io
from ovstools.ha.keeper_client import KeeperClient
from ovstools.ha.pool_io import Abandoned, Done, Failed, PoolIo
from ovstools.model.keeper_words import LockState, No, Refusal, Verb, Yes
from ovstools.system import descriptors
from ovstools.system.child import Pending
from tests.fakes.systemd import FakeSystemd

pytestmark = pytest.mark.processes

SOURCES = str(Path(locks.__file__).parents[2])
WORDS = [sys.executable, "-c", "from ovstools.cli.main import ovstools; ovstools()", "keeper"]
NAME = "guest-vm1"
LIMIT_S = 15.0


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[FakeSystemd]:
    environment = {"PYTHONPATH": SOURCES, "OVSTOOLS_PATHS__RUN": str(tmp_path)}
    made = FakeSystemd(tmp_path, WORDS, environment)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(systemd: FakeSystemd, tmp_path: Path) -> KeeperClient:
    return KeeperClient(str(tmp_path / "keeper.sock"), limit_s=LIMIT_S)


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Return what takes a lock; at the end all of them are closed."""
    taken: list[int] = []

    def take(name: str = NAME) -> int:
        taken.append(os.open(tmp_path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        fcntl.flock(taken[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        return taken[-1]

    yield take
    descriptors.close_all(taken)


def is_free(tmp_path: Path, name: str = NAME) -> bool:
    with (tmp_path / name).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def until(happens: Callable[[], Any]) -> None:
    end = time.monotonic() + LIMIT_S
    while not happens():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def given_away(client: KeeperClient, take: Callable[[str], int], name: str = NAME) -> None:
    descriptor = take(name)
    client.put(name, descriptor)
    os.close(descriptor)


def open_descriptors(systemd: FakeSystemd) -> int:
    assert systemd.process
    return len(os.listdir(f"/proc/{systemd.process.pid}/fd"))


Take = Callable[[str], int]


def test_lock_outlives_who_took_it(client: KeeperClient, lock: Take, tmp_path: Path) -> None:
    given_away(client, lock)
    assert not is_free(tmp_path)
    assert client.names() == {NAME: LockState.HELD}
    os.close(client.drop(NAME))
    until(lambda: is_free(tmp_path))
    assert client.names() == {}


def test_get_gives_the_same_lock(client: KeeperClient, lock: Take, tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    io = PoolIo(str(tmp_path))
    found = pool_io.wait(locks.take(io, NAME, LIMIT_S))
    assert isinstance(found, locks.Granted)
    client.put(NAME, found.descriptor)
    os.close(found.descriptor)
    again = client.get(NAME)
    assert not os.get_inheritable(again)
    assert pool_io.wait(locks.verify(io, NAME, again, LIMIT_S)) == Done()
    os.close(again)
    assert pool_io.wait(locks.take(io, NAME, LIMIT_S)) == locks.Denied()
    assert pool_io.wait(locks.release(io, client.drop(NAME), LIMIT_S)) == Done()
    until(lambda: is_free(tmp_path / "locks"))
    io.children.close()
    until(lambda: io.children.collect() == 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_locks_survive_every_restart(
    systemd: FakeSystemd, client: KeeperClient, lock: Take, tmp_path: Path, number: signal.Signals
) -> None:
    given_away(client, lock)
    given_away(client, lock, "node-vmserver1")
    for _ in range(2):
        status = systemd.kill(number)
        assert status == (-9 if number == signal.SIGKILL else 0)
        assert not is_free(tmp_path)
        with pytest.raises(ToolError, match="does not listen"):
            client.names()
        systemd.start()
        assert client.names() == {NAME: LockState.HELD, "node-vmserver1": LockState.HELD}
    os.close(client.drop(NAME))
    until(lambda: is_free(tmp_path))
    assert not is_free(tmp_path, "node-vmserver1")
    assert [name for name, _ in systemd.store] == ["node-vmserver1"]


def test_put_is_acknowledged_only_when_systemd_has_it(
    systemd: FakeSystemd, client: KeeperClient, lock: Take, tmp_path: Path
) -> None:
    systemd.listens.clear()
    call = client.call(Verb.PUT, NAME, lock(NAME))
    until(lambda: client.names().get(NAME) is LockState.STORING)
    assert call.poll() == Pending()
    for verb, why in ((Verb.GET, No.BUSY), (Verb.DROP, No.BUSY), (Verb.PUT, No.HELD)):
        passed = lock("guest-vm2") if verb is Verb.PUT else None
        other = client.call(verb, NAME, passed)
        assert select.select([other], [], [], LIMIT_S)[0]
        found = other.poll()
        assert isinstance(found, Refusal) and found.why is why
    systemd.listens.set()
    assert select.select([call], [], [], LIMIT_S)[0]
    assert call.poll() == Yes()
    assert client.names()[NAME] is LockState.HELD


def test_killed_before_the_acknowledgement(
    systemd: FakeSystemd, client: KeeperClient, lock: Take, tmp_path: Path
) -> None:
    """The client knows nothing, and learns from list; the lock is held or free, never lost."""
    systemd.listens.clear()
    mine = lock(NAME)
    call = client.call(Verb.PUT, NAME, mine)
    until(lambda: client.names().get(NAME) is LockState.STORING)
    systemd.kill()
    assert select.select([call], [], [], LIMIT_S)[0]
    assert isinstance(call.poll(), Failed)
    systemd.listens.set()
    until(lambda: len(systemd.store) == 1)
    systemd.start()
    assert client.names() == {NAME: LockState.HELD}
    os.close(mine)
    assert not is_free(tmp_path)


def test_client_killed_before_the_acknowledgement(
    systemd: FakeSystemd, client: KeeperClient, lock: Take, tmp_path: Path
) -> None:
    systemd.listens.clear()
    short = KeeperClient(str(tmp_path / "keeper.sock"), limit_s=0)
    assert isinstance(short.call(Verb.PUT, NAME, lock(NAME)).poll(), Abandoned)
    until(lambda: NAME in client.names())
    systemd.listens.set()
    until(lambda: client.names()[NAME] is LockState.HELD)


def test_refusals(client: KeeperClient, lock: Take, tmp_path: Path) -> None:
    mine = lock(NAME)
    client.put(NAME, mine)
    (tmp_path / "guest-vm2").touch()
    unlocked = os.open(tmp_path / "guest-vm2", os.O_RDWR)
    for name, descriptor, text in (
        (NAME, mine, "held already"),
        ("guest-vm2", unlocked, "no exclusive flock"),
        ("guest-vm3", mine, "not that of the lock file"),
    ):
        with pytest.raises(RefusedError, match=text):
            client.put(name, descriptor)
    os.close(unlocked)
    for ask in (client.get, client.drop):
        with pytest.raises(RefusedError, match="not held"):
            ask("guest-vm9")
    call = client.call(Verb.PUT, "guest-vm4")
    assert select.select([call], [], [], LIMIT_S)[0]
    found = call.poll()
    assert isinstance(found, Refusal) and found.why is No.MALFORMED
    assert client.names() == {NAME: LockState.HELD}


def test_unlinked_lock_file_is_refused(client: KeeperClient, lock: Take, tmp_path: Path) -> None:
    mine = lock(NAME)
    (tmp_path / NAME).unlink()
    with pytest.raises(RefusedError, match="not that of the lock file"):
        client.put(NAME, mine)


def test_lost_lock_is_kept_and_said(client: KeeperClient, lock: Take) -> None:
    mine = lock(NAME)
    client.put(NAME, mine)
    fcntl.flock(mine, fcntl.LOCK_UN)
    assert client.names() == {NAME: LockState.LOST}


def test_many_names_come_in_pages(client: KeeperClient, lock: Take) -> None:
    names = [f"guest-{number:04}" + "x" * 200 for number in range(300)]
    for name in names:
        given_away(client, lock, name)
    assert list(client.names()) == names


def raw(tmp_path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(str(tmp_path / "keeper.sock"))
    return connection


def test_garbage_never_kills_it(
    systemd: FakeSystemd, client: KeeperClient, lock: Take, tmp_path: Path
) -> None:
    given_away(client, lock)
    before = open_descriptors(systemd)
    chance = random.Random(7)
    for turn in range(300):
        with raw(tmp_path) as connection:
            words = chance.choice([b"", b"put ", b"put guest-", b"list ", b"get guest-vm1"])
            packet = words + chance.randbytes(chance.choice([0, 1, 20, 600, 5000]))
            files = [os.open("/dev/null", os.O_RDONLY) for _ in range(turn % 7)]
            with contextlib.suppress(OSError):
                descriptors.send(connection, packet or b"x", files)
            descriptors.close_all(files)
    until(lambda: open_descriptors(systemd) <= before)
    assert client.names() == {NAME: LockState.HELD}


def test_slow_clients_hold_up_nobody(
    systemd: FakeSystemd, client: KeeperClient, lock: Take, tmp_path: Path
) -> None:
    for number in range(50):
        given_away(client, lock, f"guest-{number:03}" + "x" * 200)
    before = open_descriptors(systemd)
    idle = [raw(tmp_path) for _ in range(keeper.MAX_CLIENTS + 5)]
    greedy = raw(tmp_path)
    greedy.setblocking(False)
    with contextlib.suppress(OSError):
        for _ in range(2000):  # asks, and never reads
            greedy.send(b"list")
    begin = time.monotonic()
    assert len(client.names()) == 50
    assert time.monotonic() - begin < 30
    for each in (*idle, greedy):
        each.close()
    until(lambda: open_descriptors(systemd) <= before)


def test_socket_is_for_its_owner_alone(systemd: FakeSystemd, tmp_path: Path) -> None:
    assert (tmp_path / "keeper.sock").stat().st_mode & 0o777 == 0o600
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_second_keeper_is_refused(systemd: FakeSystemd, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": SOURCES, "OVSTOOLS_PATHS__RUN": str(tmp_path)}
    done = subprocess.run(WORDS, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 5
    assert "keeper" in done.stderr


def test_without_systemd(tmp_path: Path, lock: Take) -> None:
    environment = {**os.environ, "PYTHONPATH": SOURCES, "OVSTOOLS_PATHS__RUN": str(tmp_path)}
    environment.pop("NOTIFY_SOCKET", None)
    with subprocess.Popen(WORDS, env=environment, stderr=subprocess.DEVNULL) as process:
        client = KeeperClient(str(tmp_path / "keeper.sock"), limit_s=LIMIT_S)
        until((tmp_path / "keeper.sock").exists)
        given_away(client, lock)
        assert not is_free(tmp_path)
        os.close(client.drop(NAME))
        given_away(client, lock)
        process.terminate()
        assert process.wait(30) == 0
    assert is_free(tmp_path)


def test_no_descriptor_is_lost(
    systemd: FakeSystemd, client: KeeperClient, lock: Take, tmp_path: Path
) -> None:
    given_away(client, lock)
    os.close(client.drop(NAME))
    gc.collect()  # what an earlier test left is not to go in between
    here, there = len(os.listdir("/proc/self/fd")), open_descriptors(systemd)
    for _ in range(20):
        given_away(client, lock)
        os.close(client.get(NAME))
        client.names()
        os.close(client.drop(NAME))
    assert len(os.listdir("/proc/self/fd")) == here
    until(lambda: open_descriptors(systemd) <= there)
    assert systemd.store == []


def test_no_keeper_is_a_clear_failure(tmp_path: Path) -> None:
    client = KeeperClient(str(tmp_path / "keeper.sock"))
    with pytest.raises(ToolError, match="does not listen") as caught:
        client.put(NAME, 0)
    assert keeper_client.WAY_OUT in caught.value.hint


def test_listen_refuses_to_replace_what_is_no_socket(tmp_path: Path) -> None:
    (tmp_path / "keeper.sock").write_text("mine")
    with pytest.raises(RefusedError, match="no socket"):
        keeper.listen(tmp_path / "keeper.sock")
    assert (tmp_path / "keeper.sock").read_text() == "mine"
