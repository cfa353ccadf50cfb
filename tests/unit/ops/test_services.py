"""services start, stop and status: the order, and what is verified or refused."""

from __future__ import annotations

import pytest

from ovstools.errors import ExitStatus, RefusedError, ToolError
from ovstools.model.command import Result
from ovstools.ops import repositories, service_status
from ovstools.ops import services as ops
from ovstools.ops.plan import Plan
from tests.conftest import WWN
from tests.fakes.machine import FakeMachine
from tests.fakes.repositories import WWN2, listed_pool

SECOND = "B" * 32
O2CB, OCFS2 = "o2cb.service", "ocfs2.service"
REPOSITORIES, KEEPER, AGENT = "ovsrepositories.service", "ovs-locks.service", "ovs-agent.service"


@pytest.fixture
def pool(machine: FakeMachine) -> FakeMachine:
    """All units installed; everything down."""
    listed_pool(machine)
    machine.kernel.stop_o2cb()
    for name in (REPOSITORIES, KEEPER, AGENT):
        machine.kernel.units[name] = ["loaded", "inactive", "enabled"]
    machine.kernel.units[OCFS2][1] = "inactive"
    return machine


@pytest.fixture
def running(pool: FakeMachine) -> FakeMachine:
    act(pool)
    pool.commands.clear()
    return pool


def act(machine: FakeMachine, action: str = "start") -> Plan:
    return machine.carry_out(lambda host: ops.plan(host, ops.Request(action)))


UP = [
    f"systemctl start {O2CB}",
    f"systemctl start {OCFS2}",
    f"mount -t ocfs2 {WWN} /OVS",
    f"mount -t ocfs2 {WWN2} /OVS/{SECOND}",
    f"systemctl start {REPOSITORIES}",
    f"systemctl start {KEEPER}",
    f"systemctl start {AGENT}",
]
DOWN = [
    f"systemctl stop {AGENT}",
    f"umount /OVS/{SECOND}",
    "umount /OVS",
    f"systemctl stop {REPOSITORIES}",
    f"systemctl stop {OCFS2}",
    f"systemctl stop {O2CB}",
]


def test_start_in_order(pool: FakeMachine) -> None:
    plan = act(pool)
    assert pool.commands == UP
    assert plan.report.lines == ("all services are running",)


def test_stop_in_exactly_the_reverse_order(running: FakeMachine) -> None:
    act(running, "stop")
    assert running.commands == DOWN
    assert running.host().names("/sys/kernel/config/cluster") == ()


def test_again_is_already_so(running: FakeMachine) -> None:
    assert act(running).report.lines == ("all services are already running",)
    assert running.commands == []
    act(running, "stop")
    running.commands.clear()
    assert act(running, "stop").report.lines == ("all services are already stopped",)
    assert running.commands == []


@pytest.mark.slow
@pytest.mark.parametrize("action", ["start", "stop"])
def test_killed_anywhere_the_next_run_finishes(pool: FakeMachine, action: str) -> None:
    other = "stop" if action == "start" else "start"
    act(pool)
    for steps in range(16):
        act(pool, other)
        if action == "stop":
            pool.keeper.hold("node-vmserver1")
        pool.killed_after(steps, lambda host: ops.plan(host, ops.Request(action)))
        act(pool, action)
        assert len(pool.kernel.refs) == (2 if action == "start" else 0), steps
        assert pool.keeper.names() == {}, steps
        states = {name: unit[1] for name, unit in pool.kernel.units.items()}
        assert states.pop(KEEPER) == "active"  # it refuses to be stopped
        assert set(states.values()) == {"active" if action == "start" else "inactive"}, steps


def test_what_is_up_is_left_up(pool: FakeMachine) -> None:
    pool.kernel.start_o2cb()
    pool.kernel.mount(pool.disk("/dev/sdb1"), WWN, "/OVS")
    act(pool)
    assert pool.commands == [UP[1], *UP[3:]]


def test_active_with_nothing_online_is_restarted(pool: FakeMachine) -> None:
    pool.kernel.units[O2CB][1] = "active"
    act(pool)
    assert pool.commands[0] == f"systemctl restart {O2CB}"


def test_start_refuses_while_o2cb_is_not_enabled(pool: FakeMachine) -> None:
    text = pool.read("/etc/default/o2cb").replace("ENABLED=true", "ENABLED=false")
    pool.write("/etc/default/o2cb", text)
    with pytest.raises(RefusedError, match="o2cb is not enabled") as error:
        act(pool)
    assert error.value.evidence == ("/etc/default/o2cb: O2CB_ENABLED=false",)
    assert "ovs-cluster-configure" in error.value.hint and pool.commands == []


def test_oracle_linux_enables_it_itself(pool: FakeMachine) -> None:
    text = pool.read("/etc/default/o2cb")
    pool.write("/etc/sysconfig/o2cb", text.replace("ENABLED=true", "ENABLED=false"))
    act(pool)
    assert pool.commands == UP


def test_start_refuses_without_a_cluster(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="in no cluster"):
        act(machine)
    machine.join_cluster()
    machine.kernel.stop_o2cb()
    del machine.kernel.units[O2CB]
    with pytest.raises(RefusedError, match="no o2cb service"):
        act(machine)


def test_a_start_that_lies_is_found_out(pool: FakeMachine) -> None:
    pool.fails["systemctl"] = Result(0, "LoadState=loaded\nActiveState=inactive\n")
    with pytest.raises(ToolError, match="no cluster online"):
        act(pool)


def test_without_units_it_is_done_directly(running: FakeMachine) -> None:
    for name in (REPOSITORIES, KEEPER, AGENT):
        running.kernel.units[name] = ["not-found", "inactive", ""]
    plan = act(running, "stop")
    assert running.commands == [DOWN[1], DOWN[2], *DOWN[4:]]
    assert any("ovstools install-units" in notice for notice in plan.notices)
    assert f"{AGENT} is not installed: skipped" in plan.notices
    running.commands.clear()
    plan = act(running)
    assert running.commands == UP[:4]
    assert any("ovstools install-units" in notice for notice in plan.notices)


# ----------------------------------------------------------------------- stop


@pytest.mark.parametrize("path", ["/OVS/vm", f"/OVS/{SECOND}/vm", "/mnt/other/vm", "/dlm/ovm/lock"])
def test_stop_refuses_before_anything_while_an_ocfs2_is_used(
    running: FakeMachine, path: str
) -> None:
    running.kernel.add_mount("8:65", "/mnt/other", "ocfs2", "/dev/sde1")
    running.kernel.add_mount("0:50", "/dlm", "ocfs2_dlmfs", "ocfs2_dlmfs")
    running.add_process(4321, "qemu", path)
    with pytest.raises(RefusedError, match="in use") as error:
        act(running, "stop")
    assert error.value.evidence == (f"qemu (pid 4321) has {path}",)
    assert running.commands == []


def test_stop_unmounts_what_is_not_listed_itself(running: FakeMachine) -> None:
    running.add_disk("/dev/sde1", "8:65")
    disk = running.run_format("/dev/sde1")
    (running.root / "mnt").mkdir()
    running.kernel.mount(disk, "/dev/sde1", "/mnt")
    act(running, "stop")
    assert running.commands == [*DOWN[:4], "umount /mnt", *DOWN[4:]]


def test_stop_unmounts_first_what_is_on_a_repository(running: FakeMachine) -> None:
    running.add_disk("/dev/sde1", "8:65")
    disk = running.run_format("/dev/sde1")
    (running.root / "OVS/iso").mkdir()
    running.kernel.mount(disk, "/dev/sde1", "/OVS/iso")
    act(running, "stop")
    assert running.commands == [DOWN[0], "umount /OVS/iso", *DOWN[1:]]


@pytest.mark.parametrize("mounted", [True, False])
def test_stop_refuses_while_a_region_is_held(pool: FakeMachine, mounted: bool) -> None:
    if mounted:
        act(pool)
    else:
        pool.kernel.start_o2cb()
    uuid = pool.uuid("/dev/sdb1")
    pool.kernel.start_region(uuid)
    pool.commands.clear()
    with pytest.raises(RefusedError, match=f"region {uuid} is held") as error:
        act(pool, "stop")
    assert error.value.hint.endswith(f"ovs-hb-ctl stop {uuid}")
    assert pool.commands == []


def test_global_regions_end_with_o2cb(pool: FakeMachine) -> None:
    pool.kernel.start_o2cb()
    uuid = pool.uuid("/dev/sdb1")
    pool.kernel.start_region(uuid)
    pool.write("/sys/kernel/config/cluster/ocfs2/heartbeat/mode", "global\n")
    pool.before["systemctl"] = lambda: pool.kernel.refs.clear()
    act(pool, "stop")
    assert pool.commands == [f"systemctl stop {O2CB}"]


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_a_cluster_that_systemd_does_not_know_of(running: FakeMachine, state: str) -> None:
    running.kernel.units[O2CB][1] = state
    act(running, "stop")
    assert running.commands[-1] == "o2cb unregister-cluster ocfs2"
    assert running.host().names("/sys/kernel/config/cluster") == ()


def test_a_stop_that_lies_is_found_out(pool: FakeMachine) -> None:
    pool.kernel.start_o2cb()
    pool.kernel.stop_o2cb = lambda: Result(0)  # type: ignore[method-assign]
    with pytest.raises(ToolError, match="the kernel still has cluster ocfs2"):
        act(pool, "stop")


def test_nothing_is_killed_that_was_mounted_meanwhile(running: FakeMachine) -> None:
    def mount() -> None:
        if running.commands[-1:] == [f"systemctl stop {REPOSITORIES}"]:
            running.kernel.add_mount("8:65", "/mnt", "ocfs2", "/dev/sde1")

    running.before["systemctl"] = mount
    with pytest.raises(ToolError, match="ocfs2 stop would kill"):
        act(running, "stop")
    assert f"systemctl stop {OCFS2}" not in running.commands


def test_there_are_no_services_below_another_root(pool: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="--root"):
        ops.plan(pool.host(offline=True), ops.Request("stop"))


# --------------------------------------------------------------------- status


def test_status_of_what_runs(running: FakeMachine) -> None:
    for name in ("node-vmserver1", "guest-web1", "guest-web2"):
        running.keeper.hold(name)
    report = service_status.look(running.host())
    assert report.status == ExitStatus.OK
    assert report.table is not None
    assert report.table.rows == (
        ("o2cb", "ok", "active", "generated", "ocfs2 online, 2 active regions"),
        ("ocfs2", "ok", "active", "generated", "2 OCFS2 mounted"),
        ("ovsrepositories", "ok", "active", "enabled", "2 of 2 repositories mounted"),
        ("ovs-locks", "ok", "active", "enabled", "locks held: 1 of servers, 2 of guests"),
        ("ovs-agent", "ok", "active", "enabled", "active"),
    )
    assert report.data["services"][0] == {
        "name": "o2cb", "ok": True, "systemd": "active", "boot": "generated",
        "is": "ocfs2 online, 2 active regions",
    }  # fmt: skip


def test_status_says_what_is_really_so(pool: FakeMachine) -> None:
    pool.kernel.units[O2CB][1] = "active"
    report = service_status.look(pool.host())
    assert report.status == ExitStatus.UNHEALTHY
    assert report.table is not None
    assert report.table.rows[0] == (
        "o2cb", "down", "active", "generated", "no cluster in the kernel",
    )  # fmt: skip
    assert [row[1] for row in report.table.rows] == ["down"] * 5


def test_status_of_a_keeper_that_does_not_answer(running: FakeMachine) -> None:
    running.keeper.trouble = ToolError("the keeper did not answer within 5.0 s")
    report = service_status.look(running.host())
    assert report.status == ExitStatus.UNHEALTHY
    assert report.table is not None
    assert report.table.rows[3][1:] == (
        "down", "active", "enabled", "the keeper did not answer within 5.0 s",
    )  # fmt: skip


def test_status_without_an_agent(running: FakeMachine) -> None:
    for name in (KEEPER, AGENT):
        running.kernel.units[name] = ["not-found", "inactive", ""]
    report = service_status.look(running.host())
    assert report.status == ExitStatus.OK
    assert report.table is not None
    assert report.table.rows[3] == ("ovs-locks", "ok", "not-installed", "-", "not installed")
    assert report.table.rows[4] == ("ovs-agent", "ok", "not-installed", "-", "not installed")


def test_systemds_own_start_needs_no_lock(running: FakeMachine) -> None:
    """`services` holds the lock while systemd runs `repositories start` and `stop`."""
    assert repositories.is_idle(running.host(), "start")
    act(running, "stop")
    assert repositories.is_idle(running.host(), "stop")
