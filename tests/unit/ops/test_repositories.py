"""repositories start, stop, reload, restart, status and list on a fake machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ovstools.errors import ExitStatus, OvsError, RefusedError, ToolError
from ovstools.model.command import Result
from ovstools.ops import repositories as ops
from ovstools.ops import repository_list
from ovstools.ops.plan import Plan
from tests.conftest import WWN
from tests.fakes.machine import NODES, FakeMachine
from tests.fakes.repositories import WWN2, listed_pool


@pytest.fixture
def pool(machine: FakeMachine) -> FakeMachine:
    listed_pool(machine)
    return machine


def act(machine: FakeMachine, action: str = "start", wait_s: float | None = None) -> Plan:
    return machine.carry_out(lambda host: ops.plan(host, ops.Request(action, wait_s)))


def mounted(machine: FakeMachine) -> list[str]:
    lines = machine.read("/proc/self/mountinfo").splitlines()
    return [line.split()[4] for line in lines if " - ocfs2 " in line]


def second(machine: FakeMachine) -> str:
    return f"/OVS/{machine.uuid('/dev/sdc1')}"


def unplug(machine: FakeMachine, device: str, link: str) -> None:
    del machine.disks[device]
    (machine.root / link.lstrip("/")).unlink()
    (machine.root / device.lstrip("/")).unlink()


def test_start_mounts_the_cluster_root_first(pool: FakeMachine) -> None:
    text = pool.read("/etc/ovs/repositories")
    plan = act(pool)
    assert pool.commands == [
        f"mount -t ocfs2 {WWN} /OVS",
        f"mount -t ocfs2 {WWN2} {second(pool)}",
    ]
    assert mounted(pool) == ["/OVS", second(pool)]
    assert set(pool.kernel.refs) == {pool.uuid("/dev/sdb1"), pool.uuid("/dev/sdc1")}
    assert plan.report.lines == ("2 repositories mounted",)
    assert any("repositories:4: not understood: nonsense" in notice for notice in plan.notices)
    assert pool.read("/etc/ovs/repositories") == text


def test_start_again_changes_nothing(pool: FakeMachine) -> None:
    act(pool)
    pool.commands.clear()
    plan = act(pool)
    assert (plan.steps, pool.commands) == ((), [])
    assert plan.report.lines == ("2 repositories already mounted",)
    assert ops.is_idle(pool.host(), "start") and not ops.is_idle(pool.host(), "stop")


def test_stop_is_the_exact_reverse(pool: FakeMachine) -> None:
    act(pool)
    pool.commands.clear()
    act(pool, "stop")
    assert pool.commands == [f"umount {second(pool)}", "umount /OVS"]
    assert mounted(pool) == [] and pool.kernel.refs == {}
    assert act(pool, "stop").steps == ()
    assert ops.is_idle(pool.host(), "stop") and not ops.is_idle(pool.host(), "start")


def test_restart_and_reload(pool: FakeMachine) -> None:
    act(pool)
    pool.commands.clear()
    act(pool, "restart")
    assert [c.split()[0] for c in pool.commands] == ["umount", "umount", "mount", "mount"]
    pool.commands.clear()
    pool.kernel.umount(second(pool))
    act(pool, "reload")
    assert pool.commands == [f"mount -t ocfs2 {WWN2} {second(pool)}"]


def test_restart_of_nothing_mounted_is_a_start(pool: FakeMachine) -> None:
    act(pool, "restart")
    assert mounted(pool) == ["/OVS", second(pool)]


def test_options_come_from_their_file(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    pool.write("/etc/ovs/repositories.options", f"DEFAULT ocfs2 _netdev\n{uuid} noatime\n")
    act(pool)
    assert pool.commands == [
        f"mount -t ocfs2 -o noatime {WWN} /OVS",
        f"mount -t ocfs2 -o _netdev {WWN2} {second(pool)}",
    ]


def test_an_empty_list_is_fine(machine: FakeMachine) -> None:
    for action in ("start", "reload", "restart", "stop"):
        assert act(machine, action).steps == ()
        assert ops.is_idle(machine.host(), action) == (action != "restart")
    assert ops.status(machine.host()).status == ExitStatus.OK


@pytest.mark.slow
def test_killed_anywhere_the_next_run_finishes(pool: FakeMachine) -> None:
    act(pool)
    for steps in range(9):
        pool.killed_after(steps, lambda host: ops.plan(host, ops.Request("stop")))
        act(pool, "stop")
        assert mounted(pool) == [], steps
        act(pool)
        assert mounted(pool) == ["/OVS", second(pool)], steps


# ------------------------------------------------------------- failures of one


def test_one_that_is_missing_does_not_stop_the_other(pool: FakeMachine) -> None:
    unplug(pool, "/dev/sdc1", WWN2)
    with pytest.raises(ToolError, match="1 of 2 could not be mounted") as error:
        act(pool)
    assert mounted(pool) == ["/OVS"]
    assert f"{'B' * 32} {WWN2}:" in error.value.evidence
    assert f"  there is no device {WWN2}" in error.value.evidence
    assert pool.clock.now >= 1030  # it was waited for


def test_a_late_device_is_waited_for(pool: FakeMachine) -> None:
    disk = pool.disks["/dev/sdc1"]
    unplug(pool, "/dev/sdc1", WWN2)

    def appear() -> None:
        pool.disks["/dev/sdc1"] = disk
        pool.add_disk("/dev/sdc1", "8:33", link=WWN2)

    pool.clock.later.append((1012.0, appear))
    act(pool)
    assert mounted(pool) == ["/OVS", second(pool)]
    assert 1012 <= pool.clock.now < 1030


def test_wait_can_be_given(pool: FakeMachine) -> None:
    unplug(pool, "/dev/sdc1", WWN2)
    with pytest.raises(ToolError):
        act(pool, wait_s=0)
    assert pool.clock.now < 1030


def test_nothing_is_mounted_below_an_unmounted_cluster_root(pool: FakeMachine) -> None:
    unplug(pool, "/dev/sdb1", WWN)
    with pytest.raises(OvsError, match="2 of 2 could not be mounted") as error:
        act(pool)
    assert error.value.status == ExitStatus.REFUSED  # nothing was changed
    assert mounted(pool) == [] and pool.commands == []
    assert any("not tried, because of cluster root" in line for line in error.value.evidence)


def test_a_cluster_root_that_fails_to_mount(pool: FakeMachine) -> None:
    pool.fails["mount"] = Result(1, "", "mount.ocfs2: error 107")
    with pytest.raises(ToolError, match="2 of 2") as error:
        act(pool)
    assert "  mount.ocfs2: error 107" in error.value.evidence
    assert len(pool.commands) == 1


def test_all_refused_changes_nothing(pool: FakeMachine) -> None:
    pool.kernel.stop_o2cb()
    with pytest.raises(RefusedError, match="2 of 2 could not be mounted") as error:
        act(pool)
    assert pool.commands == []
    assert any("is not online" in line for line in error.value.evidence)


def test_a_mount_that_lies_is_found_out(pool: FakeMachine) -> None:
    pool.fails["mount"] = Result(0)  # as mount.ocfs2 1.8.7 on some failures
    with pytest.raises(ToolError, match="2 of 2") as error:
        act(pool)
    assert "  mount said nothing, but nothing is mounted at /OVS" in error.value.evidence


def test_another_uuid_on_the_device_is_refused(pool: FakeMachine) -> None:
    fs = pool.disk("/dev/sdc1").fs
    assert fs is not None
    fs.uuid = "C" * 32
    with pytest.raises(ToolError, match="1 of 2") as error:
        act(pool)
    assert mounted(pool) == ["/OVS"]
    assert f"  listed: {'B' * 32}, on the device: {'C' * 32}" in error.value.evidence


def test_a_shared_node_number_is_refused(pool: FakeMachine) -> None:
    pool.disk("/dev/sdc1").beating = {0}
    with pytest.raises(ToolError, match="1 of 2") as error:
        act(pool)
    assert any("as node 0, the number of this server" in line for line in error.value.evidence)
    assert mounted(pool) == ["/OVS"]


def test_all_heartbeat_areas_are_watched_in_the_same_5_seconds(pool: FakeMachine) -> None:
    start = pool.clock.now
    act(pool)
    assert pool.clock.now == start + 5


def test_an_own_heartbeat_that_runs_already_is_no_other_server(pool: FakeMachine) -> None:
    pool.kernel.start_region(pool.uuid("/dev/sdb1"))
    pool.disk("/dev/sdb1").beating = {0}
    act(pool)
    assert mounted(pool) == ["/OVS", second(pool)]


def moved(pool: FakeMachine, listed: str) -> None:
    """Let the second volume be /dev/sdd1 now, its listed name gone."""
    disk = pool.disks["/dev/sdc1"]
    disk.path = "/dev/sdd1"
    pool.disks["/dev/sdd1"] = disk
    unplug(pool, "/dev/sdc1", WWN2)
    text = pool.read("/etc/ovs/repositories").replace(WWN2, listed)
    pool.write("/etc/ovs/repositories", text)
    pool.write("/dev/sdd1", "")
    name = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"
    link = pool.root / "dev/disk/by-uuid" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(pool.root / "dev/sdd1")


def test_a_kernel_name_is_followed_to_its_uuid(pool: FakeMachine) -> None:
    moved(pool, "/dev/sdc1")
    act(pool)
    assert pool.commands[1] == f"mount -t ocfs2 /dev/sdd1 /OVS/{'B' * 32}"
    assert "is on /dev/sdd1 now" in pool.said.getvalue()


def test_a_stable_name_is_not_followed_to_a_copy(pool: FakeMachine) -> None:
    moved(pool, WWN2)
    with pytest.raises(ToolError, match="1 of 2") as error:
        act(pool)
    assert any("/dev/sdd1, which may be a snapshot" in line for line in error.value.evidence)
    assert mounted(pool) == ["/OVS"]


def test_a_taken_place_is_refused_and_left_alone(pool: FakeMachine) -> None:
    pool.kernel.add_mount("8:99", "/OVS", "ext4", "/dev/sdz1")
    with pytest.raises(RefusedError, match="2 of 2"):
        act(pool)
    plan = act(pool, "stop")
    assert plan.steps == () and "/dev/sdz1 is mounted at /OVS: left alone" in plan.notices
    assert ops.status(pool.host()).lines[0].endswith(": taken: /dev/sdz1 is at /OVS")


def test_a_mount_below_an_unmounted_root_is_not_covered(pool: FakeMachine) -> None:
    pool.kernel.add_mount("8:99", "/OVS/x", "ext4", "/dev/sdz1")
    with pytest.raises(RefusedError) as error:
        act(pool)
    assert any("/OVS would cover it" in line for line in error.value.evidence)


def test_nfs_without_a_server(pool: FakeMachine) -> None:
    pool.write("/etc/ovs/repositories", f"{'D' * 32} server:/export\n")
    with pytest.raises(RefusedError) as error:
        act(pool)
    assert any("the file server server does not answer" in line for line in error.value.evidence)


# --------------------------------------------------------------- UUID unknown


def test_an_unknown_uuid_is_filled_in(pool: FakeMachine) -> None:
    pool.write("/etc/ovs/repositories", f"# kept\n@- {WWN}\n-  {WWN2}\nnonsense\n")
    act(pool)
    assert pool.read("/etc/ovs/repositories") == (
        f"# kept\n@{pool.uuid('/dev/sdb1')} {WWN}\n{'B' * 32} {WWN2}\nnonsense\n"
    )
    assert mounted(pool) == ["/OVS", second(pool)]


def test_an_unknown_uuid_is_filled_in_after_a_kill(pool: FakeMachine) -> None:
    pool.write("/etc/ovs/repositories", f"@- {WWN}\n- {WWN2}\n")
    act(pool)
    pool.write("/etc/ovs/repositories", f"@- {WWN}\n- {WWN2}\n")
    assert not ops.is_idle(pool.host(), "start")
    pool.commands.clear()
    act(pool)
    assert pool.commands == []
    assert pool.read("/etc/ovs/repositories") == (
        f"@{pool.uuid('/dev/sdb1')} {WWN}\n{'B' * 32} {WWN2}\n"
    )


def test_what_is_listed_twice_is_refused(pool: FakeMachine) -> None:
    pool.write("/etc/ovs/repositories", f"{'B' * 32} {WWN2}\n- /dev/sdc1\n")
    with pytest.raises(OvsError) as error:
        act(pool)
    assert any("is listed already" in line for line in error.value.evidence)


# ----------------------------------------------------------------------- stop


@pytest.mark.parametrize("where", ["/OVS/running_pool/vm1/disk.img", "second"])
def test_stop_names_who_uses_it_and_unmounts_nothing(pool: FakeMachine, where: str) -> None:
    act(pool)
    pool.add_process(4321, "qemu", second(pool) + "/x" if where == "second" else where)
    pool.commands.clear()
    with pytest.raises(RefusedError, match="is in use; nothing was unmounted") as error:
        act(pool, "stop")
    assert any("qemu (pid 4321)" in line for line in error.value.evidence)
    assert pool.commands == []


def test_stop_waits_for_what_a_shutdown_is_ending(pool: FakeMachine) -> None:
    act(pool)
    pool.add_process(4321, "bash", "/OVS/running_pool")
    gone = pool.clock.now + 7
    pool.clock.later.append((gone, lambda: shutil.rmtree(pool.root / "proc/4321")))
    act(pool, "stop", wait_s=30)
    assert mounted(pool) == [] and gone <= pool.clock.now < gone + 5
    assert "wait up to 30 s for the end of: bash (pid 4321)" in pool.said.getvalue()


def test_stop_waits_only_so_long(pool: FakeMachine) -> None:
    act(pool)
    pool.add_process(4321, "bash", second(pool))
    start = pool.clock.now
    with pytest.raises(RefusedError, match=f"^{second(pool)} is in use"):
        act(pool, "stop", wait_s=30)
    assert start + 30 <= pool.clock.now < start + 35
    assert mounted(pool) == ["/OVS", second(pool)]


def test_stop_says_when_a_heartbeat_goes_on(pool: FakeMachine) -> None:
    act(pool)
    uuid = pool.uuid("/dev/sdc1")
    pool.kernel.start_region(uuid)
    plan = act(pool, "stop")
    assert mounted(pool) == [] and pool.kernel.refs == {uuid: 1}
    assert any(f"ovs-hb-ctl stop {uuid}" in notice for notice in plan.notices)


def test_a_busy_umount_is_an_error_and_the_rest_stays(pool: FakeMachine) -> None:
    act(pool)
    pool.fails["umount"] = Result(32, "", "umount: target is busy.")
    with pytest.raises(ToolError, match="umount exited with status 32"):
        act(pool, "stop")
    assert mounted(pool) == ["/OVS", second(pool)]


def test_stacked_mounts_are_all_unmounted(pool: FakeMachine) -> None:
    pool.write("/etc/ovs/repositories", f"@{pool.uuid('/dev/sdb1')} {WWN}\n")
    act(pool)
    pool.kernel.add_mount("8:17", "/OVS", "ocfs2", "/dev/sdb1")
    steps = ops.plan(pool.host(), ops.Request("stop")).steps
    assert [step.title for step in steps[:2]] == ["unmount /OVS", "unmount /OVS"]


# ------------------------------------------------------------ status and list


def test_status(pool: FakeMachine) -> None:
    report = ops.status(pool.host())
    assert report.status == ExitStatus.UNHEALTHY
    assert report.lines[-1] == "0 of 2 repositories mounted"
    act(pool)
    report = ops.status(pool.host())
    assert report.status == ExitStatus.OK
    assert report.data == {"mounted": ["/OVS", second(pool)], "missing": []}


def test_list(pool: FakeMachine) -> None:
    pool.kernel.mount(pool.disk("/dev/sdb1"), WWN, "/OVS")
    fs = pool.disk("/dev/sdb1").fs
    assert fs is not None
    fs.slot_map = {0: 0, 1: 9, 3: 2}
    report = repository_list.look(pool.host())
    root, other = report.data["repositories"]
    assert root == {
        "state": "mounted", "uuid": pool.uuid("/dev/sdb1"), "cluster_root": True, "shared": "C",
        "size_bytes": 4 * 2**30, "used_bytes": 3 * 2**30, "mountpoint": "/OVS", "source": WWN,
        "description": "cluster root", "slots": 16, "mounted_on": [
            {"number": 0, "name": NODES[0].name, "live": True},
            {"number": 2, "name": NODES[2].name, "live": False},
            {"number": 9, "name": "node 9", "live": False},
        ],
    }  # fmt: skip
    assert (other["state"], other["description"]) == ("unmounted", "images")
    assert report.table is not None
    assert report.table.rows[0][:7] == (
        "mounted", pool.uuid("/dev/sdb1"), "@", "C", "4.0G", "3.0G",
        "vmserver1,vmserver3?,node9?",
    )  # fmt: skip
    assert report.data["not_understood"] == ["/etc/ovs/repositories:4: not understood: nonsense"]


def test_list_does_without_answers(pool: FakeMachine) -> None:
    pool.kernel.mount(pool.disk("/dev/sdb1"), WWN, "/OVS")
    pool.fails["df"] = pool.fails["cat"] = Result(137, "", "killed")
    row = repository_list.look(pool.host()).data["repositories"][0]
    assert (row["state"], row["description"], row["size_bytes"]) == ("mounted", None, None)
    pool.fails["debugfs.ocfs2"] = Result(0, "", "open: Permission denied while opening device")
    row = repository_list.look(pool.host()).data["repositories"][0]
    assert (row["slots"], row["mounted_on"]) == (None, None)


def test_list_below_another_root(pool: FakeMachine) -> None:
    rows = repository_list.look(pool.host(offline=True)).data["repositories"]
    assert [row["state"] for row in rows] == ["unmounted", "unmounted"]
    with pytest.raises(RefusedError, match="--root"):
        ops.plan(pool.host(offline=True), ops.Request("start"))


def test_dry_run_says_the_commands_and_the_refusals(pool: FakeMachine) -> None:
    unplug(pool, "/dev/sdc1", WWN2)
    pool.write("/etc/ovs/repositories", f"@- {WWN}\n{'B' * 32} {WWN2}\n")
    text = ops.plan(pool.host(), ops.Request("start", 0)).preview()
    assert f"\nmount -t ocfs2 {WWN} /OVS\n" in text
    assert f"#   refused: there is no device {WWN2}" in text
    assert f"-@- {WWN}\n+@{pool.uuid('/dev/sdb1')} {WWN}" in text
    assert pool.commands == [] and Path(pool.root / "OVS").is_dir()
