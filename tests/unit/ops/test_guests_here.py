"""Guests, their keeper and their agent in the way of an unmount: who refuses, and who lets go."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest

from ovstools.errors import RefusedError, ToolError
from ovstools.model.keeper_words import LockState
from ovstools.model.owner_record import GuestState, OwnerRecord, format_record
from ovstools.ops import guests_here, offlinerepo, repositories, services
from ovstools.ops.plan import Plan
from ovstools.system import pool_fs
from tests.fakes.machine import NODES, FakeMachine
from tests.fakes.repositories import listed_pool, listed_pool_on_nfs

Act = Callable[[], Plan]
SECOND = "B" * 32
AGENT, KEEPER = "ovs-agent.service", "ovs-locks.service"
BOOT = "5ee31a5e-0ab1-4dd2-9a4b-6bc0ab7e8d44"
ME, OTHER = NODES[0].name, NODES[1].name
RECORD = OwnerRecord("uuid-1", ME, 0, BOOT, "inc-1", GuestState.RUNNING)


@pytest.fixture(params=["disk", "nfs"])
def pool(machine: FakeMachine, request: pytest.FixtureRequest) -> FakeMachine:
    """Everything runs, without guests: the agent has its node lock in the keeper."""
    if request.param == "nfs":
        listed_pool_on_nfs(machine)
    else:
        listed_pool(machine)
    for name in ("ovsrepositories.service", KEEPER, AGENT):
        machine.kernel.units[name] = ["loaded", "inactive", "enabled"]
    machine.carry_out(lambda host: services.plan(host, services.Request("start")))
    (machine.root / locks(machine)[1:]).mkdir(parents=True)
    machine.write("/proc/sys/kernel/random/boot_id", f"{BOOT}\n")
    machine.keeper.hold(f"node-{ME}")
    machine.commands.clear()
    return machine


def locks(machine: FakeMachine) -> str:
    """Return the folder of the locks: below /OVS, or in the heartbeat file of an NFS root."""
    found = pool_fs.find(machine.host())
    assert found is not None
    assert found.folder == ("/run/ovs/poolfs" if machine.nfs.loops() else "/OVS/.ovs")
    return f"{found.folder}/locks"


def changes(machine: FakeMachine) -> list[str]:
    """Return the commands that an NFS root does not have more of."""
    more = ("umount /run/ovs/poolfs", "losetup ")
    return [each for each in machine.commands if not each.startswith(more)]


def stop_services(machine: FakeMachine, guests: str | None = None) -> Plan:
    return machine.carry_out(lambda host: services.plan(host, services.Request("stop", guests)))


def stop_repositories(machine: FakeMachine) -> Plan:
    return machine.carry_out(lambda host: repositories.plan(host, repositories.Request("stop")))


def take_root_offline(machine: FakeMachine) -> Plan:
    return machine.carry_out(lambda host: offlinerepo.plan(host, offlinerepo.Request("/OVS")))


def write_record(machine: FakeMachine, record: OwnerRecord, name: str = "web1") -> None:
    machine.write(f"{locks(machine)}/guest-{name}", format_record(record).decode())


# ---------------------------------------------------------------- who is here


@pytest.mark.parametrize(
    "record, is_here",
    [
        (RECORD, True),
        (replace(RECORD, state=GuestState.STARTING), True),
        (replace(RECORD, state=GuestState.STOPPED), False),
        (replace(RECORD, boot_id="of-an-earlier-boot"), False),
        (replace(RECORD, owner=OTHER), False),
        (replace(RECORD, state=GuestState.MIGRATING, target=OTHER), True),
        (replace(RECORD, owner=OTHER, state=GuestState.MIGRATING, target=ME), True),
    ],
)
def test_a_record_without_a_lock(pool: FakeMachine, record: OwnerRecord, is_here: bool) -> None:
    write_record(pool, record)
    found = guests_here.look(pool.host())
    assert found == ({"web1": "its owner record says that it runs here"} if is_here else {})


def test_what_is_no_record_is_no_guest(pool: FakeMachine) -> None:
    (pool.root / locks(pool)[1:] / "guest-web1").write_bytes(b"\xff" * 512)
    pool.write(f"{locks(pool)}/guest-web2", "")
    pool.write(f"{locks(pool)}/guest-web3", "torn")
    write_record(pool, RECORD, "../odd")
    assert guests_here.look(pool.host()) == {}


@pytest.mark.parametrize("state", LockState)
def test_a_lock_counts_in_every_state(pool: FakeMachine, state: LockState) -> None:
    pool.keeper.hold("guest-web2", state)
    assert guests_here.look(pool.host()) == {"web2": "its lock is held here"}


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("act", [stop_services, stop_repositories, take_root_offline])
def test_guests_are_named_and_nothing_is_done(
    pool: FakeMachine, act: Callable[[FakeMachine], Plan]
) -> None:
    if act is take_root_offline:
        pool.kernel.umount(f"/OVS/{SECOND}")
    pool.keeper.hold("guest-web2")
    write_record(pool, RECORD)
    with pytest.raises(RefusedError) as error:
        act(pool)
    assert error.value.evidence[:2] == (
        "guest web1: its owner record says that it runs here",
        "guest web2: its lock is held here",
    )
    assert "--drain" in error.value.hint and pool.commands == []
    assert f"node-{ME}" in pool.keeper.names()


def test_guests_and_processes_are_named_together(pool: FakeMachine) -> None:
    pool.kernel.units[AGENT][1] = "inactive"
    pool.keeper.hold("guest-web1")
    pool.add_process(4321, "qemu", "/OVS/x.img", r"machine-qemu\x2d1\x2dweb1.scope")
    with pytest.raises(RefusedError) as error:
        stop_repositories(pool)
    assert error.value.evidence == (
        "guest web1: its lock is held here",
        f"systemd (pid 1, init.scope) has {locks(pool)}/guest-web1",
        f"ovstools (pid 800, ovs-locks.service) has {locks(pool)}/guest-web1",
        r"qemu (pid 4321, guest web1, machine-qemu\x2d1\x2dweb1.scope) has /OVS/x.img",
    )


@pytest.mark.parametrize("how", ["drain", "stop-guests"])
def test_nobody_moves_or_stops_guests_yet(pool: FakeMachine, how: str) -> None:
    pool.keeper.hold("guest-web1")
    with pytest.raises(RefusedError, match=f"does not take --{how}") as error:
        stop_services(pool, how)
    assert error.value.evidence == ("guest web1: its lock is held here",)
    assert pool.commands == []


def test_without_guests_there_is_nobody_to_move(pool: FakeMachine) -> None:
    stop_services(pool, "drain")
    assert pool.kernel.refs == {}


@pytest.mark.parametrize("act", [stop_services, stop_repositories])
def test_a_keeper_that_does_not_answer_is_no_keeper_without_guests(
    pool: FakeMachine, act: Callable[[FakeMachine], Plan]
) -> None:
    pool.keeper.trouble = ToolError("the keeper did not answer within 5.0 s")
    with pytest.raises(ToolError, match="did not answer"):
        act(pool)
    assert pool.commands == []


@pytest.mark.parametrize("act", [stop_repositories, take_root_offline])
def test_the_agent_is_named(pool: FakeMachine, act: Callable[[FakeMachine], Plan]) -> None:
    if act is take_root_offline:
        pool.kernel.umount(f"/OVS/{SECOND}")
    with pytest.raises(RefusedError) as error:
        act(pool)
    assert error.value.evidence == ("ovs-agent.service runs: the agent of guest HA",)
    assert "ovstools services stop" in error.value.hint and pool.commands == []


# ---------------------------------------------------------------- what lets go


def test_services_stop_drops_what_the_agent_leaves_behind(pool: FakeMachine) -> None:
    pool.keeper.hold(f"node-{OTHER}")  # a dead server's, of the master
    stop_services(pool)
    assert changes(pool)[:2] == [f"systemctl stop {AGENT}", f"umount /OVS/{SECOND}"]
    assert pool.keeper.names() == {}
    assert pool.kernel.units[KEEPER][1] == "active"


@pytest.mark.parametrize("act", [stop_repositories, take_root_offline])
def test_so_do_the_others_when_no_agent_runs(
    pool: FakeMachine, act: Callable[[FakeMachine], Plan]
) -> None:
    pool.kernel.units[AGENT][1] = "failed"
    if act is take_root_offline:
        pool.kernel.umount(f"/OVS/{SECOND}")
    act(pool)
    assert pool.keeper.names() == {}
    assert pool.commands[-1] == "umount /OVS"


def test_another_repository_needs_nothing_of_that(pool: FakeMachine) -> None:
    pool.keeper.hold("guest-web1")
    pool.carry_out(lambda host: offlinerepo.plan(host, offlinerepo.Request(SECOND)))
    assert pool.commands == [f"umount /OVS/{SECOND}"]
    assert set(pool.keeper.names()) == {f"node-{ME}", "guest-web1"}


def test_the_agents_own_files_are_no_use(pool: FakeMachine) -> None:
    """Its children end a moment after it; they are waited for."""
    pool.add_process(700, "python3", f"{locks(pool)}/master", AGENT)
    pool.clock.later.append((1002.0, lambda: shutil.rmtree(pool.root / "proc/700")))
    stop_services(pool)
    assert pool.kernel.refs == {}


def test_children_that_hang_are_named(pool: FakeMachine) -> None:
    pool.add_process(700, "python3", f"{locks(pool)}/master", AGENT)
    with pytest.raises(ToolError, match="children of it still use") as error:
        stop_services(pool)
    assert error.value.evidence[0] == (
        f"python3 (pid 700, ovs-agent.service) has {locks(pool)}/master"
    )
    assert pool.commands == [f"systemctl stop {AGENT}"]


def test_the_keeper_takes_a_moment_to_lift_its_guard(pool: FakeMachine) -> None:
    pool.kernel.guarded = {"ovsrepositories.service", "ocfs2.service", "o2cb.service"}
    pool.clock.later.append((1003.0, pool.kernel.guarded.clear))
    stop_services(pool)
    assert pool.kernel.refs == {}


def test_a_guard_that_stays_is_named_before_anything_is_unmounted(pool: FakeMachine) -> None:
    pool.kernel.guarded = {"ocfs2.service"}
    with pytest.raises(ToolError, match=r"refuses to stop ocfs2\.service"):
        stop_services(pool)
    assert pool.commands == [f"systemctl stop {AGENT}"]


def test_a_guest_that_is_started_meanwhile_is_not_pulled_off(pool: FakeMachine) -> None:
    def start() -> None:
        if pool.commands[-1:] == [f"systemctl stop {AGENT}"]:
            pool.keeper.hold("guest-web1")

    pool.before["systemctl"] = start
    with pytest.raises(ToolError, match="guest-web1 was taken meanwhile"):
        stop_services(pool)
    assert pool.commands == [f"systemctl stop {AGENT}"]
    assert "guest-web1" in pool.keeper.names()


def test_what_only_systemd_holds_is_in_use(pool: FakeMachine) -> None:
    """The keeper was just killed: its store has the locks, and it lists nothing."""
    pool.kernel.units[AGENT][1] = "inactive"
    pool.keeper.forget_for_now()
    with pytest.raises(RefusedError) as error:
        stop_repositories(pool)
    assert f"systemd (pid 1, init.scope) has {locks(pool)}/node-{ME}" in error.value.evidence
