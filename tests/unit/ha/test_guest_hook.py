"""The libvirt hook with a real keeper and real locks, on a folder as pool file system."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ovstools.errors import ToolError
from ovstools.ha import guest_hook, keeper, pool_place
from ovstools.ha.deadline import Deadline
from ovstools.ha.forms.event import parse_events
from ovstools.ha.forms.orders import format_orders
from ovstools.ha.forms.report import Sheet, format_report
from ovstools.ha.guest_hook import Request
from ovstools.ha.hook_sight import HookSight
from ovstools.ha.hook_start import HookStart
from ovstools.ha.keeper_client import KeeperClient
from ovstools.ha.keeper_shelf import Shelf
from ovstools.ha.observation import Identity
from ovstools.ha.orders import Orders
from ovstools.ha.report import Local, Power, Report
from ovstools.model.owner_record import GuestState, OwnerRecord, format_record, parse_record
from ovstools.settings import Limits, Paths, Settings
from ovstools.system.clock import Clock
from ovstools.system.host import Host
from tests.fakes.machine import NODES, FakeMachine

pytestmark = pytest.mark.processes

ME, TWO, THREE = (node.name for node in NODES)
BOOT, UUID = "boot-of-now", "B" * 32
OFF = OwnerRecord("uuid-1", TWO, 1, "boot-2", "inc-2", GuestState.STOPPED, sequence=7)
THERE = replace(OFF, state=GuestState.RUNNING)
OURS = OwnerRecord("uuid-1", ME, 0, "an-earlier-boot", "inc-1", GuestState.RUNNING)
LIST = {"format": 1, "guests": {"web1": {"uuid": "uuid-of-file", "hypervisor": "qemu:///system"}}}


class Pool:
    """vmserver1 with its keeper, its own node lock in it, and the pool's files."""

    def __init__(self, machine: FakeMachine, folder: Path) -> None:
        self.machine = machine
        self.folder = folder
        self.clock = Clock()
        for name in ("locks", "nodes", "guests", "events"):
            (folder / name).mkdir(parents=True)
        machine.join_cluster()
        machine.write("/proc/sys/kernel/random/boot_id", f"{BOOT}\n")
        machine.write("/etc/ovs/repositories", f"@{UUID} /dev/sdb1\n")
        machine.write("/run/ovs/guests.json", json.dumps(LIST))
        self.live(0, 1, 2)
        self.be_steady()
        self.path = machine.root / "run/ovs/keeper.sock"
        self.shelf = Shelf()
        self._ends: list[int] = []

    def host(self, limit_s: float = 5.0) -> Host:
        settings = Settings(paths=Paths(pool=str(self.folder)), limits=Limits(hook_s=limit_s))
        return replace(self.machine.host(settings=settings), clock=self.clock)

    def live(self, *numbers: int) -> None:
        self.machine.write("/sys/kernel/debug/o2hb/livenodes", " ".join(map(str, numbers)))

    def be_steady(self, since_s: float = 1000.0) -> None:
        region = f"/sys/kernel/config/cluster/ocfs2/heartbeat/{UUID}"
        self.machine.write(f"{region}/dev", "sdb1\n")
        inode = os.stat(self.machine.root / region.lstrip("/")).st_ino
        data = {"region": f"{UUID}.{inode}", "since": self.clock.monotonic() - since_s}
        self.machine.write("/run/ovs/steady.json", json.dumps(data))

    def record(self, record: OwnerRecord | None) -> None:
        self.lock_file("guest-web1").write_bytes(format_record(record) if record else b"")

    def lock_file(self, name: str) -> Path:
        path = self.folder / "locks" / name
        path.touch()
        return path

    def take(self, name: str) -> int:
        descriptor = os.open(self.lock_file(name), os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._ends.append(descriptor)
        return descriptor

    def keep(self, name: str) -> None:
        KeeperClient(str(self.path)).put(name, self.take(name))
        os.close(self._ends.pop())

    def report(self, node: str, boot: str, sequence: int = 1, **words: Any) -> None:
        report = Report(node, boot, node_lock=True, asked=True, **words)
        data = format_report(Sheet(report, sequence, "inc"))
        new = self.folder / "nodes" / f".{node}.new"
        new.write_bytes(data)
        new.replace(self.folder / "nodes" / f"{node}.json")

    @contextlib.contextmanager
    def agent(self, node: str, boot: str, **words: Any) -> Iterator[None]:
        """Let a server's agent report again and again."""
        ends = threading.Event()

        def beat() -> None:
            sequence = 1
            while not ends.wait(0.1):
                sequence += 1
                self.report(node, boot, sequence, **words)

        self.report(node, boot, **words)
        thread = threading.Thread(target=beat)
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()

    def orders(self, *dead: str) -> None:
        orders = Orders(1, 1, ME, {}, frozenset(dead), {ME: BOOT})
        (self.folder / "orders.json").write_bytes(format_orders(orders))

    def ask(self, operation: str = "prepare", guest: str = "web1", driver: str = "qemu",
            limit_s: float = 5.0) -> int:  # fmt: skip
        return guest_hook.run(self.host(limit_s), Request(driver, guest, operation))

    def refusal(self, **words: Any) -> str:
        with pytest.raises(ToolError) as error:
            self.ask(**words)
        assert error.value.what.startswith("web1 is not started here: ")
        assert error.value.hint
        return error.value.what

    def kept(self) -> set[str]:
        return set(KeeperClient(str(self.path)).names())

    def is_free(self) -> bool:
        """Tell whether another server could take the guest's lock; a child may just let it go."""
        for _ in range(100):
            try:
                os.close(self.take("guest-web1"))
                self._ends.pop()
                return True
            except BlockingIOError:
                time.sleep(0.02)
        return False

    def now(self) -> OwnerRecord:
        found = parse_record(self.lock_file("guest-web1").read_bytes())
        assert isinstance(found, OwnerRecord)
        return found

    def close(self) -> None:
        for descriptor in self._ends:
            os.close(descriptor)


@pytest.fixture
def pool(machine: FakeMachine, tmp_path: Path) -> Iterator[Pool]:
    made = Pool(machine, tmp_path / "pool")
    served = keeper.Keeper(keeper.listen(made.path), made.shelf)
    wakeup, trigger = socket.socketpair()
    served.end_with(wakeup)
    thread = threading.Thread(target=served.serve, daemon=True)
    thread.start()
    made.keep(f"node-{ME}")
    yield made
    trigger.send(b"x")
    thread.join(5)
    wakeup.close()
    trigger.close()
    made.close()


def without_pool(pool: Pool) -> None:
    pool.folder.rename(pool.folder.with_name("gone"))


# ---------------------------------------------------------------- others are left alone


@pytest.mark.parametrize("guest", ["other", "../web1", "web 1", "x" * 300, ""])
def test_guests_that_are_not_under_ha_touch_nothing(pool: Pool, guest: str) -> None:
    without_pool(pool)
    pool.path.unlink()
    assert pool.ask(guest=guest) == 0


@pytest.mark.parametrize("operation", ["start", "started", "stopped", "release", "reconnect"])
def test_nothing_else_is_asked(pool: Pool, operation: str) -> None:
    without_pool(pool)
    assert pool.ask(operation=operation) == 0


def test_a_server_without_a_pool(pool: Pool) -> None:
    (pool.machine.root / "run/ovs/guests.json").unlink()
    pool.machine.write("/etc/ovs/repositories", "")
    without_pool(pool)
    assert pool.ask() == 0


@pytest.mark.parametrize("text", [None, "", "{}", '{"format": 2, "guests": {}}', "[1]"])
def test_without_the_list_the_pool_is_asked(pool: Pool, text: str | None) -> None:
    path = pool.machine.root / "run/ovs/guests.json"
    path.unlink() if text is None else path.write_text(text)
    assert pool.ask() == 0  # no such guest
    (pool.folder / "guests/web1.yaml").touch()
    pool.record(THERE)
    assert "may run elsewhere" in pool.refusal()
    without_pool(pool)
    assert "gone" not in pool.refusal()


# ---------------------------------------------------------------- pass


def test_the_keeper_has_the_lock(pool: Pool) -> None:
    pool.keep("guest-web1")
    without_pool(pool)
    assert pool.ask() == 0


def test_a_guest_that_is_off(pool: Pool) -> None:
    pool.record(OFF)
    pool.machine.write(f"/run/ovs/{'guests.json'}", json.dumps(LIST))
    assert pool.ask() == 0
    assert pool.kept() == {f"node-{ME}", "guest-web1"}
    now = pool.now()
    assert (now.owner, now.owner_number, now.boot_id) == (ME, 0, BOOT)
    assert (now.state, now.order, now.sequence) == (GuestState.STARTING, None, 8)
    assert now.guest_uuid == "uuid-1" and now.is_by_hand
    (event,) = parse_events((pool.folder / f"events/{ME}.hook.jsonl").read_bytes())
    assert (event.event, event.guest, event.text) == ("certificate", "web1", "started by hand")
    assert event.proofs == (f"{TWO}: released: the record says stopped",)
    assert pool.ask() == 0  # libvirt failed after that, and tries again


def test_a_server_that_has_booted_anew(pool: Pool) -> None:
    """Its agent must report before our eyes: an old report proves nothing."""
    pool.record(THERE)
    with pool.agent(TWO, "boot-3"):
        assert pool.ask() == 0
    assert pool.now().owner == ME


def test_a_server_that_is_dead(pool: Pool) -> None:
    pool.record(THERE)
    pool.live(0, 2)
    pool.orders(TWO)
    assert pool.ask() == 0
    assert pool.now().owner == ME


@pytest.mark.parametrize(
    "record", [OURS, replace(OURS, boot_id=BOOT), replace(OURS, state=GuestState.STARTING)]
)
def test_our_own(pool: Pool, record: OwnerRecord) -> None:
    pool.record(record)
    assert pool.ask() == 0
    assert pool.now().boot_id == BOOT


def test_what_ran_before_our_boot_is_not_here(pool: Pool) -> None:
    pool.record(OURS)
    assert pool.ask(driver="lxc") == 0


# ---------------------------------------------------------------- migrations


def test_a_guest_that_is_sent_here(pool: Pool) -> None:
    pool.record(replace(THERE, state=GuestState.MIGRATING, target=ME))
    pool.take("guest-web1")  # the source has it
    assert "held elsewhere; its record names" in pool.refusal()
    assert pool.ask(operation="migrate") == 0
    assert pool.ask() == 0
    assert "held elsewhere" in pool.refusal()  # once: the second start is none
    assert "guest-web1" not in pool.kept()


def test_a_note_is_good_for_a_minute(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    pool.record(replace(THERE, state=GuestState.MIGRATING, target=ME))
    pool.take("guest-web1")
    path = pool.machine.root / "run/ovs/arriving/web1"
    for moment in (pool.clock.monotonic() - 61, pool.clock.monotonic() + 61):
        pool.ask(operation="migrate")
        path.write_text(f"{moment}\n")
        assert "held elsewhere" in pool.refusal()
    path.write_text("no number")
    assert "held elsewhere" in pool.refusal()


@pytest.mark.parametrize(
    "record", [THERE, replace(THERE, state=GuestState.MIGRATING, target=THREE)]
)
def test_a_migration_that_nobody_recorded(pool: Pool, record: OwnerRecord) -> None:
    pool.record(record)
    pool.take("guest-web1")
    pool.ask(operation="migrate")
    assert "held elsewhere" in pool.refusal()


# ---------------------------------------------------------------- refuse


@pytest.mark.parametrize(
    "record, reason",
    [
        (THERE, f"{TWO} is live, and its agent does not report"),
        (replace(THERE, state=GuestState.MIGRATING, target=THREE), "is live"),
        (None, "is live"),
    ],
)
def test_what_may_run_elsewhere(pool: Pool, record: OwnerRecord | None, reason: str) -> None:
    pool.record(record)
    assert reason in pool.refusal()
    assert pool.is_free() and "guest-web1" not in pool.kept()
    if record is not None:
        assert pool.now() == record


def test_a_torn_record_names_all(pool: Pool) -> None:
    pool.lock_file("guest-web1").write_bytes(b"torn")
    assert "may run elsewhere" in pool.refusal()
    assert pool.lock_file("guest-web1").read_bytes() == b"torn"


@pytest.mark.parametrize(
    "words, reason",
    [
        ({"boot": "boot-2"}, "in the boot that the record names"),
        ({"boot": "boot-3", "guests": {"web1": Local(Power.RUNNING, False)}}, "without a lock"),
        ({"boot": "boot-3", "guests": {"web1": Local(Power.CRASHED, True)}}, f"is on {TWO}"),
    ],
)
def test_what_the_other_reports(pool: Pool, words: dict[str, Any], reason: str) -> None:
    pool.record(THERE)
    with pool.agent(TWO, **words):
        refusal = pool.refusal()
    assert reason in refusal


def test_an_old_report_proves_nothing(pool: Pool) -> None:
    pool.record(THERE)
    pool.report(TWO, "boot-3")
    assert "its agent does not report" in pool.refusal()


class Revoking(HookSight):
    """Sees the dead server alive again when the record has been written."""

    looks = 0
    revived: Callable[[], None]

    def look(self, limit_s: float) -> str:
        self.looks += 1
        if self.looks == 2:
            self.revived()
        return super().look(limit_s)


def test_a_certificate_that_lapses_while_the_record_is_written(pool: Pool) -> None:
    pool.record(THERE)
    pool.live(0, 2)
    pool.orders(TWO)
    host = pool.host()
    identity, place = pool_place.identity(host), pool_place.find(host)
    assert isinstance(identity, Identity) and isinstance(place, pool_place.PoolPlace)
    io = place.io(pool.clock)
    sight = Revoking(host, io, identity, frozenset({f"node-{ME}"}))
    sight.revived = lambda: pool.live(0, 1, 2)
    start = HookStart(host, io, sight, "web1", "", Deadline(pool.clock, 5.0))
    with pytest.raises(ToolError, match="may run elsewhere"):
        start.run()
    assert pool.now() == replace(THERE, sequence=THERE.sequence + 2)
    assert pool.is_free() and "guest-web1" not in pool.kept()


def test_a_copy_that_was_moved_by_hand(pool: Pool) -> None:
    pool.record(OFF)
    pool.report(THREE, "boot-1", guests={"web1": Local(Power.RUNNING, False)})
    assert f"web1 is on {THREE}, without a lock" in pool.refusal()


def test_another_that_is_started_at_the_same_time(pool: Pool) -> None:
    """Its libvirt shows it while its hook asks for the lock that we have."""
    pool.record(OFF)
    pool.report(THREE, "boot-1", guests={"web1": Local(Power.MOVING, False)})
    assert pool.ask() == 0 and "guest-web1" in pool.kept()


@pytest.mark.parametrize("lacks", ["node lock", "steadiness", "livenodes", "the master's boot"])
def test_a_death_that_is_not_proven(pool: Pool, lacks: str) -> None:
    pool.record(THERE)
    pool.live(0, 2)
    pool.orders(*([] if lacks == "node lock" else [TWO]))
    if lacks == "steadiness":
        pool.be_steady(10.0)
    elif lacks == "livenodes":
        pool.live()
    elif lacks == "the master's boot":
        orders = Orders(1, 1, ME, {}, frozenset({TWO}), {ME: "another"})
        (pool.folder / "orders.json").write_bytes(format_orders(orders))
    assert "may run elsewhere" in pool.refusal()
    assert pool.now() == THERE and pool.is_free()


def test_another_driver_says_nothing_of_ours(pool: Pool) -> None:
    pool.record(replace(OURS, boot_id=BOOT))
    assert "our own hypervisors have not said" in pool.refusal(driver="lxc")


def test_a_lock_that_is_held_elsewhere(pool: Pool) -> None:
    pool.record(THERE)
    pool.take("guest-web1")
    assert f"its lock is held elsewhere; its record names {TWO}, running" in pool.refusal()


def test_without_our_node_lock(pool: Pool) -> None:
    pool.record(OFF)
    os.close(KeeperClient(str(pool.path)).drop(f"node-{ME}"))
    assert "has not joined the pool" in pool.refusal()
    assert pool.now() == OFF


def test_without_a_keeper(pool: Pool) -> None:
    pool.record(OFF)
    pool.path.unlink()
    assert "the keeper does not listen" in pool.refusal()
    assert pool.now() == OFF


@pytest.mark.parametrize("record, left", [(OFF, replace(OFF, sequence=9)), (None, None)])
def test_what_the_keeper_does_not_take_is_undone(
    pool: Pool, record: OwnerRecord | None, left: OwnerRecord | None
) -> None:
    pool.shelf._limit = 1
    if record is None:
        pool.machine.join_cluster(NODES[0])
    pool.record(record)
    assert "the keeper refused" in pool.refusal()
    assert pool.is_free()
    if left is not None:
        assert pool.now() == left
    else:
        assert (pool.now().state, pool.now().guest_uuid) == (GuestState.STOPPED, "uuid-of-file")


def test_without_a_pool_file_system(pool: Pool) -> None:
    without_pool(pool)
    assert "No such file" in pool.refusal()


def test_without_a_cluster(pool: Pool) -> None:
    pool.machine.kernel.stop_o2cb()
    assert "o2cb is not online" in pool.refusal()


def test_no_answer_means_no(pool: Pool) -> None:
    pool.record(OFF)
    with pytest.raises(ToolError, match=r"the (keeper|pool) did not answer within 0\.0"):
        pool.ask(limit_s=0.001)
    assert pool.is_free() and "guest-web1" not in pool.kept()


def test_a_keeper_that_hangs(pool: Pool) -> None:
    pool.path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
        silent.bind(str(pool.path))
        silent.listen()
        begin = time.monotonic()
        with pytest.raises(ToolError, match="the keeper did not answer"):
            pool.ask(limit_s=0.3)
        assert time.monotonic() - begin < 30
