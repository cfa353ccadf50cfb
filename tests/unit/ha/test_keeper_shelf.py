"""The keeper's table, below a systemd that refuses and forgets."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovstools.errors import RefusedError
from ovstools.ha import keeper
from ovstools.ha.keeper_client import KeeperClient
from ovstools.ha.keeper_shelf import Shelf
from ovstools.model.keeper_words import LockState, No, Refusal
from ovstools.system import notify

NAME = "guest-vm1"


class FakeNotifier(notify.Notifier):
    """A systemd that listens, or does not."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.deaf_to: set[str] = set()
        self.open: list[int] = []

    def store(self, name: str, descriptor: int) -> None:
        self._say("store", name)

    def forget(self, name: str) -> None:
        self._say("forget", name)

    def barrier(self) -> int:
        self._say("barrier")
        self.open += os.pipe()
        return self.open[-2]

    def _say(self, verb: str, name: str = "") -> None:
        if verb in self.deaf_to:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        self.said.append(f"{verb} {name}".strip())


@pytest.fixture
def systemd() -> Iterator[FakeNotifier]:
    made = FakeNotifier()
    yield made
    for descriptor in made.open:
        os.close(descriptor)


def locked(tmp_path: Path, name: str = NAME) -> int:
    descriptor = os.open(tmp_path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def is_free(tmp_path: Path) -> bool:
    try:
        os.close(locked(tmp_path))
    except BlockingIOError:
        return False
    return True


def test_stores_before_it_holds(systemd: FakeNotifier, tmp_path: Path) -> None:
    shelf = Shelf(systemd)
    assert isinstance(shelf.put(NAME, locked(tmp_path)), int)
    assert systemd.said == [f"store {NAME}", "barrier"]
    assert shelf.states() == {NAME: LockState.STORING} and shelf.holds_guests()
    for refused in (shelf.get(NAME), shelf.drop(NAME)):
        assert isinstance(refused, Refusal) and refused.why is No.BUSY
    shelf.settle(NAME)
    assert shelf.states() == {NAME: LockState.HELD}
    assert isinstance(shelf.drop(NAME), int)
    assert systemd.said[2:] == [f"forget {NAME}", "barrier"]
    assert shelf.states() == {NAME: LockState.DROPPING} and not is_free(tmp_path)
    shelf.settle(NAME)
    assert shelf.count() == 0 and is_free(tmp_path) and not shelf.holds_guests()


@pytest.mark.parametrize("deaf_to", ["store", "barrier"])
def test_what_systemd_does_not_take_is_not_held(
    systemd: FakeNotifier, tmp_path: Path, deaf_to: str
) -> None:
    systemd.deaf_to = {deaf_to}
    shelf = Shelf(systemd)
    refused = shelf.put(NAME, locked(tmp_path))
    assert isinstance(refused, Refusal) and refused.why is No.SYSTEMD
    assert shelf.count() == 0 and is_free(tmp_path)
    assert systemd.said == ([] if deaf_to == "store" else [f"store {NAME}", f"forget {NAME}"])


def test_drop_that_systemd_does_not_hear_drops_nothing(
    systemd: FakeNotifier, tmp_path: Path
) -> None:
    shelf = Shelf(systemd)
    shelf.put(NAME, locked(tmp_path))
    shelf.settle(NAME)
    systemd.deaf_to = {"forget"}
    assert isinstance(shelf.drop(NAME), Refusal)
    assert shelf.states() == {NAME: LockState.HELD} and not is_free(tmp_path)
    systemd.deaf_to = {"barrier"}
    assert shelf.drop(NAME) is None
    shelf.settle(NAME)
    assert is_free(tmp_path)


def test_takes_all_that_systemd_gives_back_and_the_locked_one_first(tmp_path: Path) -> None:
    unlocked = os.open(tmp_path / NAME, os.O_RDWR | os.O_CREAT)
    mine = locked(tmp_path)
    stranger = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    shelf = Shelf()
    shelf.adopt([(NAME, unlocked), (NAME, mine), ("stored", stranger)])
    assert shelf.states() == {NAME: LockState.HELD, "stored": LockState.LOST}
    assert shelf.get(NAME) == mine
    assert shelf.drop(NAME) is None
    shelf.settle(NAME)
    for closed in (unlocked, mine):
        with pytest.raises(OSError):
            os.fstat(closed)
    os.close(stranger)


def test_refuses_more_than_systemd_would_take(tmp_path: Path) -> None:
    shelf = Shelf(limit=1)
    first = locked(tmp_path)
    assert shelf.put(NAME, first) is None
    refused = shelf.put("guest-vm2", locked(tmp_path, "guest-vm2"))
    assert isinstance(refused, Refusal) and refused.why is No.FULL
    os.close(first)


def test_unit_leaves_room_above_the_limit() -> None:
    from ovstools.ha.keeper_shelf import LIMIT
    from ovstools.system.unit_files import unit_text

    settings = dict(
        line.partition("=")[::2]
        for line in unit_text("ovs-locks.service", "/usr/sbin/ovstools").splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert int(settings["FileDescriptorStoreMax"]) > LIMIT
    assert int(settings["LimitNOFILE"]) > 2 * LIMIT + keeper.MAX_CLIENTS
    assert settings["RefuseManualStop"] == "yes" and settings["Restart"] == "always"
    assert settings["StartLimitIntervalSec"] == "0" and settings["OOMScoreAdjust"] == "-1000"
    assert settings["ExecStart"] == "/usr/sbin/ovstools keeper"
    assert not {"Requires", "BindsTo", "PartOf", "RuntimeDirectory"} & set(settings)


@pytest.mark.processes
def test_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    """The loop in this process: what the tests with real ones cannot see into."""
    path = tmp_path / "run" / "keeper.sock"
    listener = keeper.listen(path)
    said: list[str] = []
    served = keeper.Keeper(listener, Shelf(), say=said.append)
    wakeup, trigger = socket.socketpair()
    served.end_with(wakeup)
    thread = threading.Thread(target=served.serve)
    thread.start()
    client = KeeperClient(str(path), limit_s=15)
    mine = locked(tmp_path)
    client.put(NAME, mine)
    os.close(mine)
    os.close(client.get(NAME))
    with pytest.raises(RefusedError):
        client.drop("guest-vm2")
    assert client.names() == {NAME: LockState.HELD}
    os.close(client.drop(NAME))
    trigger.send(b"x")
    thread.join(15)
    assert not thread.is_alive() and said == [f"holds {NAME}", f"drops {NAME}"]
    for each in (listener, wakeup, trigger):
        each.close()


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, ()),
        ({"LISTEN_PID": "1", "LISTEN_FDS": "2"}, ()),
        ({"LISTEN_PID": "42", "LISTEN_FDS": "0"}, ()),
        ({"LISTEN_PID": "42"}, ()),
    ],
)
def test_inherits_only_what_is_meant_for_it(
    environment: dict[str, str], found: tuple[object, ...]
) -> None:
    assert notify.inherited(environment, 42) == found


@pytest.mark.parametrize("address", ["", "@", "relative", "vsock:2:1"])
def test_no_systemd(address: str) -> None:
    assert notify.notifier({"NOTIFY_SOCKET": address}) is None


@pytest.mark.processes
def test_notifications(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        made = notify.notifier({"NOTIFY_SOCKET": address})
        assert made
        made.ready("well")
        made.store(NAME, heard.fileno())
        made.forget(NAME)
        made.stopping()
        assert [heard.recv(4096).decode() for _ in range(4)] == [
            "READY=1\nSTATUS=well",
            f"FDSTORE=1\nFDNAME={NAME}\nFDPOLL=0",
            f"FDSTOREREMOVE=1\nFDNAME={NAME}",
            "STOPPING=1",
        ]
        barrier = made.barrier()
        os.set_blocking(barrier, False)
        with pytest.raises(BlockingIOError):
            os.read(barrier, 1)
        assert heard.recv(4096) == b"BARRIER=1"  # its descriptor is closed: not asked for
        assert os.read(barrier, 1) == b""
        os.close(barrier)
    with pytest.raises(OSError):
        made.ready()
