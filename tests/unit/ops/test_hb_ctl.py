"""hb-ctl: the words that it takes, and what it refuses to stop or start."""

from __future__ import annotations

import pytest

from ovstools.errors import ExitStatus, RefusedError, ToolError, UsageError
from ovstools.ops import hb_ctl as ops
from ovstools.ops import repositories
from ovstools.ops.hb_ctl import Request, parse_words
from ovstools.ops.plan import Plan
from tests.fakes.machine import FakeMachine
from tests.fakes.repositories import listed_pool

U = "0123456789ABCDEF0123456789ABCDEF"
DASHED = "01234567-89ab-cdef-0123-456789abcdef"


def hb_ctl(machine: FakeMachine, action: str, target: str = "/dev/sdb1", priority: int = 0) -> Plan:
    request = Request(action, target, priority=priority)
    return machine.carry_out(lambda host: ops.plan(host, request))


@pytest.fixture
def pool(machine: FakeMachine) -> FakeMachine:
    listed_pool(machine)
    return machine


WORDS = {
    "white paper": (((), ("stop",), "/dev/sdb1", None, None), Request("stop", "/dev/sdb1")),
    "today's tool": ((("my",), ("stop",), None, U, None), Request("stop", U, "my")),
    "start by device": (((), ("start",), "/dev/sdb1", None, None), Request("start", "/dev/sdb1")),
    "info": (((), ("info",), None, DASHED, None), Request("info", U)),
    "priority": (((), ("priority",), None, U, 3), Request("priority", U, "ovs", 3)),
    "default priority": (((), ("priority",), None, U, None), Request("priority", U)),
    "verb and device": (
        (("stop", "/dev/sdb1"), (), None, None, None),
        Request("stop", "/dev/sdb1"),
    ),
    "verb and UUID": ((("status", DASHED), (), None, None, None), Request("status", U)),
    "verb and service": ((("start", U, "my"), (), None, None, None), Request("start", U, "my")),
}


@pytest.mark.parametrize("words, wanted", WORDS.values(), ids=list(WORDS))
def test_takes_the_words(words: tuple[object, ...], wanted: Request) -> None:
    assert parse_words(*words) == wanted  # type: ignore[arg-type]


MALFORMED = {
    "nothing": ((), (), None, None, None),
    "no target": (("stop",), (), None, None, None),
    "unknown verb": (("kill", U), (), None, None, None),
    "neither device nor UUID": (("stop", "sdb1"), (), None, None, None),
    "short UUID": (("stop", U[:-1]), (), None, None, None),
    "two actions": ((), ("start", "stop"), "/dev/sdb1", None, None),
    "device and UUID": ((), ("stop",), "/dev/sdb1", U, None),
    "flag without region": ((), ("stop",), None, None, None),
    "region without flag": (("stop", U), (), "/dev/sdb1", None, None),
    "priority without -P": ((), ("stop",), "/dev/sdb1", None, 3),
    "two services": (("a", "b"), ("stop",), "/dev/sdb1", None, None),
    "service with -I": (("a",), ("info",), "/dev/sdb1", None, None),
    "four words": (("stop", U, "a", "b"), (), None, None, None),
}


@pytest.mark.parametrize("words", MALFORMED.values(), ids=list(MALFORMED))
def test_refuses_other_words(words: tuple[object, ...]) -> None:
    with pytest.raises(UsageError):
        parse_words(*words)  # type: ignore[arg-type]


def test_start_and_stop_with_a_service(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    hb_ctl(pool, "start")
    assert pool.commands == ["ocfs2_hb_ctl -S -d /dev/sdb1 ovs"]
    assert pool.kernel.refs == {uuid: 1}
    hb_ctl(pool, "stop")
    assert pool.commands[1:] == [f"ocfs2_hb_ctl -K -u {uuid} ovs"]
    assert pool.kernel.refs == {}


@pytest.mark.parametrize("action", ["start", "stop"])
def test_already_so(pool: FakeMachine, action: str) -> None:
    if action == "start":
        hb_ctl(pool, "start")
    pool.commands.clear()
    plan = hb_ctl(pool, action)
    assert (plan.steps, pool.commands) == ((), [])
    assert "already" in plan.report.lines[0] and plan.report.status == 0


def test_stop_by_uuid_needs_no_device(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    hb_ctl(pool, "start")
    hb_ctl(pool, "stop", uuid)
    assert pool.kernel.refs == {}


def test_stop_drops_every_reference(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    for _ in range(3):
        pool.kernel.start_region(uuid)
    hb_ctl(pool, "stop")
    assert pool.commands == [f"ocfs2_hb_ctl -K -u {uuid} ovs"] * 3
    assert pool.kernel.refs == {}


def test_stop_killed_on_the_way_is_finished_by_the_next(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    for steps in range(3):
        for _ in range(2):
            pool.kernel.start_region(uuid)
        pool.killed_after(steps, lambda host: ops.plan(host, Request("stop", uuid)))
        hb_ctl(pool, "stop", uuid)
        assert pool.kernel.refs == {}, steps


def test_a_region_without_references_is_removed(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    pool.kernel.start_region(uuid)
    pool.kernel.refs[uuid] = 0
    hb_ctl(pool, "stop", uuid)
    assert pool.commands == [f"ocfs2_hb_ctl -K -u {uuid} ovs"]


@pytest.mark.parametrize("by_uuid", [False, True])
def test_never_stops_the_region_of_a_mounted_volume(pool: FakeMachine, by_uuid: bool) -> None:
    pool.carry_out(lambda host: repositories.plan(host, repositories.Request("start")))
    uuid = pool.uuid("/dev/sdb1")
    pool.commands.clear()
    with pytest.raises(RefusedError, match="/OVS: its heartbeat is not stopped") as refused:
        hb_ctl(pool, "stop", uuid if by_uuid else "/dev/sdb1")
    assert "ovs-offlinerepo /OVS" in refused.value.hint
    assert pool.commands == [] and pool.kernel.refs[uuid] == 1


def test_mounted_is_seen_without_debugfs(pool: FakeMachine) -> None:
    pool.carry_out(lambda host: repositories.plan(host, repositories.Request("start")))
    uuid = pool.uuid("/dev/sdb1")
    (pool.root / f"sys/kernel/debug/ocfs2/{uuid}/fs_state").unlink()
    with pytest.raises(RefusedError, match="its heartbeat is not stopped"):
        hb_ctl(pool, "stop", uuid)
    # and while the region does not beat, by the superblock
    pool.write(f"/sys/kernel/config/cluster/ocfs2/heartbeat/{uuid}/dev", "")
    pool.write(f"/sys/kernel/config/cluster/ocfs2/heartbeat/{uuid}/pid", "")
    with pytest.raises(RefusedError, match="its heartbeat is not stopped"):
        hb_ctl(pool, "stop", uuid)


def test_mounted_in_a_container_is_seen(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    hb_ctl(pool, "start")
    state = f"    Device => Id: 8,17  Uuid: {uuid}  Gen: 0x1  Label: ovs\n"
    pool.write(f"/sys/kernel/debug/ocfs2/{uuid}/fs_state", state)
    pool.write("/sys/class/block/sdb1/dev", "8:17\n")
    pool.write("/proc/77/comm", "podman\n")
    pool.write("/proc/77/mountinfo", "9 1 8:17 / /data rw - ocfs2 /dev/sdb1 rw\n")
    with pytest.raises(RefusedError, match="another mount namespace") as refused:
        hb_ctl(pool, "stop")
    assert refused.value.evidence == ("process 77 (podman) sees it mounted",)
    report = ops.look(pool.host(), Request("status", uuid))
    assert report.lines[0].endswith("mounted in another mount namespace")


def test_a_region_that_does_not_end_is_an_error(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    hb_ctl(pool, "start")
    pool.before["ocfs2_hb_ctl"] = lambda: pool.kernel.refs.update({uuid: 2})
    with pytest.raises(ToolError, match=f"the heartbeat region {uuid} does not end"):
        hb_ctl(pool, "stop")


def test_start_refuses_when_o2cb_is_offline(machine: FakeMachine) -> None:
    machine.run_format("/dev/sdb1")
    with pytest.raises(RefusedError, match="in no cluster"):
        hb_ctl(machine, "start")
    machine.join_cluster()
    machine.kernel.stop_o2cb()
    with pytest.raises(RefusedError, match="not online"):
        hb_ctl(machine, "start")
    assert machine.commands == []


@pytest.mark.parametrize("action", ["start", "stop"])
def test_global_heartbeat_is_not_touched(pool: FakeMachine, action: str) -> None:
    if action == "stop":
        pool.kernel.start_region(pool.uuid("/dev/sdb1"))
    pool.kernel.start_region(pool.uuid("/dev/sdc1"))  # global is online with a region only
    pool.write("/sys/kernel/config/cluster/ocfs2/heartbeat/mode", "global\n")
    with pytest.raises(RefusedError, match="global heartbeat"):
        hb_ctl(pool, action)
    assert pool.commands == []


def test_start_refuses_a_number_that_moves(pool: FakeMachine) -> None:
    pool.disk("/dev/sdb1").beating = {0}
    with pytest.raises(RefusedError, match="heartbeats on /dev/sdb1 as node 0"):
        hb_ctl(pool, "start")
    assert pool.commands == []
    pool.disk("/dev/sdb1").beating = {1}
    hb_ctl(pool, "start")


def test_start_refuses_another_clusters_volume(pool: FakeMachine) -> None:
    fs = pool.disk("/dev/sdb1").fs
    assert fs is not None
    fs.cluster_name = "other"
    with pytest.raises(RefusedError, match="formatted for another cluster"):
        hb_ctl(pool, "start")


def test_start_cleans_up_what_a_killed_start_left(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    base = f"/sys/kernel/config/cluster/ocfs2/heartbeat/{uuid}"
    pool.write(f"{base}/dev", "")
    pool.write(f"{base}/pid", "")
    hb_ctl(pool, "start")
    assert pool.commands == [
        f"ocfs2_hb_ctl -K -u {uuid} ovs",
        "ocfs2_hb_ctl -S -d /dev/sdb1 ovs",
    ]
    assert pool.kernel.refs == {uuid: 1}


@pytest.mark.parametrize("action", ["start", "stop", "priority"])
@pytest.mark.parametrize(
    "target, what",
    [
        ("/dev/nosuch", "there is no device /dev/nosuch"),
        ("/etc/hosts", "is no block device"),
        ("/dev/sdd", "is not an OCFS2 volume"),
    ],
)
def test_what_is_no_volume(pool: FakeMachine, action: str, target: str, what: str) -> None:
    pool.add_disk("/dev/sdd", "8:48", other={"TYPE": "ext4", "USAGE": "filesystem"})
    with pytest.raises(RefusedError, match=what):
        hb_ctl(pool, action, target)


def test_start_by_an_unknown_uuid(pool: FakeMachine) -> None:
    with pytest.raises(RefusedError, match=f"there is no device with UUID {U}"):
        hb_ctl(pool, "start", U)


def test_start_by_uuid_finds_the_device(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    name = f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}".lower()
    link = pool.root / "dev/disk/by-uuid" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(pool.root / "dev/sdb1")
    hb_ctl(pool, "start", uuid)
    assert pool.commands == ["ocfs2_hb_ctl -S -d /dev/sdb1 ovs"]


def test_status(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    report = ops.look(pool.host(), Request("status", "/dev/sdb1"))
    assert report.status == ExitStatus.UNHEALTHY
    assert report.data == {
        "uuid": uuid, "active": False, "refs": 0, "pid": None, "device": "/dev/sdb1", "mounted": [],
        "mounted_elsewhere": False,
    }  # fmt: skip
    pool.carry_out(lambda host: repositories.plan(host, repositories.Request("start")))
    report = ops.look(pool.host(), Request("status", uuid))
    assert report.status == ExitStatus.OK
    assert report.data == {
        "uuid": uuid, "active": True, "refs": 1, "pid": 4711, "device": "/dev/sdb1",
        "mounted": ["/OVS"], "mounted_elsewhere": False,
    }  # fmt: skip
    assert "thread 4711, on /dev/sdb1, mounted at /OVS" in report.lines[0]


def test_info_prints_as_ocfs2_hb_ctl_does(pool: FakeMachine) -> None:
    hb_ctl(pool, "start")
    report = ops.look(pool.host(), Request("info", "/dev/sdb1"))
    assert report.lines == (f"{pool.uuid('/dev/sdb1')}: 1 refs",)


def test_priority(pool: FakeMachine) -> None:
    uuid = pool.uuid("/dev/sdb1")
    with pytest.raises(RefusedError, match="not active, it has no thread"):
        hb_ctl(pool, "priority")
    hb_ctl(pool, "start")
    hb_ctl(pool, "priority", priority=2)
    assert pool.commands[-1] == f"ocfs2_hb_ctl -P -u {uuid} -n 2"


def test_there_is_no_kernel_below_another_root(pool: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="--root"):
        ops.plan(pool.host(offline=True), Request("stop", U))
    with pytest.raises(RefusedError, match="--root"):
        ops.look(pool.host(offline=True), Request("status", U))
