"""offlinerepo: which repository is meant, what forbids it, and what it leaves."""

from __future__ import annotations

import pytest

from ovstools.errors import RefusedError, ToolError, UsageError
from ovstools.ops import offlinerepo as ops
from ovstools.ops import repositories
from ovstools.ops.offlinerepo import Request
from ovstools.ops.plan import Plan
from tests.conftest import WWN
from tests.fakes.machine import FakeMachine
from tests.fakes.repositories import WWN2, listed_pool

SECOND = "B" * 32


@pytest.fixture
def pool(machine: FakeMachine) -> FakeMachine:
    """Both repositories mounted."""
    listed_pool(machine)
    machine.carry_out(lambda host: repositories.plan(host, repositories.Request("start")))
    machine.commands.clear()
    return machine


def offline(
    machine: FakeMachine, word: str, source: str | None = None, delete: bool = False
) -> Plan:
    return machine.carry_out(lambda host: ops.plan(host, Request(word, source, delete)))


@pytest.mark.parametrize(
    "word",
    [
        SECOND,
        SECOND.lower(),
        "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb",
        f"/OVS/{SECOND}",
        f"/OVS/{SECOND}/",
        WWN2,
        "/dev/sdc1",
        "images",
    ],
)
def test_any_of_its_names_will_do(pool: FakeMachine, word: str) -> None:
    text = pool.read("/etc/ovs/repositories")
    plan = offline(pool, word)
    assert pool.commands == [f"umount /OVS/{SECOND}"]
    assert set(pool.kernel.refs) == {pool.uuid("/dev/sdb1")}
    assert pool.read("/etc/ovs/repositories") == text
    assert plan.report.lines == (f"repository {SECOND} is offline",)


def test_the_description_is_read_from_the_unmounted_volume(pool: FakeMachine) -> None:
    offline(pool, "images")
    assert offline(pool, "images").report.lines == (f"repository {SECOND} is already offline",)


def test_delete_takes_only_its_line_off_the_list(pool: FakeMachine) -> None:
    root = pool.uuid("/dev/sdb1")
    plan = offline(pool, SECOND, delete=True)
    assert pool.read("/etc/ovs/repositories") == f"# by hand\n@{root} {WWN}\nnonsense\n"
    assert "off the list; its data is as it was" in plan.report.lines[0]
    fs = pool.disk("/dev/sdc1").fs
    assert fs is not None and (fs.folder / ".ovsrepo").exists()


def test_historic_operands(pool: FakeMachine) -> None:
    offline(pool, SECOND, WWN2, delete=True)
    assert SECOND not in pool.read("/etc/ovs/repositories")


def test_historic_operands_must_both_fit(pool: FakeMachine) -> None:
    with pytest.raises(RefusedError, match=f"no listed repository is {SECOND} {WWN}"):
        offline(pool, SECOND, WWN, delete=True)
    assert pool.commands == []


def test_again_is_already_so(pool: FakeMachine) -> None:
    offline(pool, SECOND)
    pool.commands.clear()
    plan = offline(pool, SECOND)
    assert plan.steps == () and pool.commands == []


def test_delete_of_an_unmounted_one(pool: FakeMachine) -> None:
    offline(pool, SECOND)
    offline(pool, SECOND, delete=True)
    assert SECOND not in pool.read("/etc/ovs/repositories")


def test_killed_anywhere_the_next_run_finishes(pool: FakeMachine) -> None:
    text = pool.read("/etc/ovs/repositories")
    for steps in range(4):
        assert pool.killed_after(steps, lambda host: ops.plan(host, Request(SECOND, None, True))), (
            steps
        )
        offline(pool, SECOND, delete=True)
        assert SECOND not in pool.read("/etc/ovs/repositories")
        assert SECOND not in pool.kernel.refs
        pool.write("/etc/ovs/repositories", text)
        pool.carry_out(lambda host: repositories.plan(host, repositories.Request("start")))


def test_unknown_lists_what_there_is(pool: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="no listed repository is nothing") as error:
        offline(pool, "nothing")
    assert len(error.value.evidence) == 2
    assert any(SECOND in line and "'images'" in line for line in error.value.evidence)


def test_an_empty_list(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError) as error:
        offline(machine, SECOND)
    assert error.value.evidence == ("/etc/ovs/repositories lists none",)


def test_ambiguous_lists_the_candidates(pool: FakeMachine) -> None:
    fs = pool.disk("/dev/sdb1").fs
    assert fs is not None
    marker = fs.folder / ".ovsrepo"
    marker.write_text(marker.read_text().replace("cluster root", "images"))
    with pytest.raises(RefusedError, match="more than one repository") as error:
        offline(pool, "images")
    assert len(error.value.evidence) == 2 and pool.commands == []


def test_the_cluster_root_stays_while_others_are_below(pool: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="mounted below it") as error:
        offline(pool, "/OVS")
    assert any(SECOND in line for line in error.value.evidence)
    assert pool.commands == []
    offline(pool, SECOND)
    offline(pool, "/OVS")
    assert pool.kernel.refs == {}


def process(pool: FakeMachine) -> None:
    pool.add_process(4321, "qemu", f"/OVS/{SECOND}/disk.img")


def nested(pool: FakeMachine) -> None:
    pool.kernel.add_mount("8:99", f"/OVS/{SECOND}/iso", "iso9660", "/dev/loop7")


def loop(pool: FakeMachine) -> None:
    pool.write("/sys/block/loop3/loop/backing_file", f"/OVS/{SECOND}/disk image\n")


def swap(pool: FakeMachine) -> None:
    header = "Filename\tType\tSize\tUsed\tPriority\n"
    pool.write("/proc/swaps", f"{header}/OVS/{SECOND}/swap\tfile\t1\t0\t-2\n")


@pytest.mark.parametrize(
    "use, told",
    [
        (process, f"qemu (pid 4321) has /OVS/{SECOND}/disk.img"),
        (nested, f"/dev/loop7 (iso9660) is mounted at /OVS/{SECOND}/iso"),
        (loop, f"/dev/loop3 is a loop device on /OVS/{SECOND}/disk image"),
        (swap, f"/OVS/{SECOND}/swap is a swap file"),
    ],
)
def test_what_uses_it_is_named(pool: FakeMachine, use: object, told: str) -> None:
    assert callable(use)
    use(pool)
    text = pool.read("/etc/ovs/repositories")
    with pytest.raises(RefusedError, match="in use") as error:
        offline(pool, SECOND, delete=True)
    assert error.value.evidence == (told,)
    assert pool.commands == [] and pool.read("/etc/ovs/repositories") == text


def test_many_users_are_counted(pool: FakeMachine) -> None:
    for pid in range(1000, 1030):
        pool.add_process(pid, "qemu", f"/OVS/{SECOND}/disk")
    with pytest.raises(RefusedError) as error:
        offline(pool, SECOND)
    assert len(error.value.evidence) == 16 and error.value.evidence[-1] == "and 15 more"


def test_users_of_a_neighbour_do_not_count(pool: FakeMachine) -> None:
    pool.add_process(1, "qemu", f"/OVS/{SECOND}x/disk")
    pool.add_process(2, "qemu", "/OVS/running_pool/disk")
    offline(pool, SECOND)


def test_a_heartbeat_that_stays_is_an_error(pool: FakeMachine) -> None:
    pool.kernel.stop_region = lambda uuid: None  # type: ignore[method-assign]
    with pytest.raises(ToolError, match=f"heartbeat region {SECOND} does not end") as error:
        offline(pool, SECOND)
    assert "ovs-hb-ctl status" in error.value.hint


def test_a_device_that_is_gone_is_unmounted_all_the_same(pool: FakeMachine) -> None:
    (pool.root / WWN2.lstrip("/")).unlink()
    offline(pool, SECOND)
    assert pool.commands == [f"umount /OVS/{SECOND}"]


@pytest.mark.parametrize(
    "word, fits",
    [
        ("iscsi://10.77.0.1/iqn.2009-04.com.example:lun", True),
        ("iscsi://10.77.0.1:3260/iqn.2009-04.com.example:lun/1", True),
        ("iscsi://10.77.0.1/iqn.2009-04.com.example:lun/2", False),
        ("iscsi://10.77.0.2/iqn.2009-04.com.example:lun", False),
        ("iscsi://10.77.0.1/iqn.2009-04.com.example:lu", False),
    ],
)
def test_an_iscsi_source_means_its_device(pool: FakeMachine, word: str, fits: bool) -> None:
    name = "ip-10.77.0.1:3260-iscsi-iqn.2009-04.com.example:lun-lun-1"
    link = pool.root / "dev/disk/by-path" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(pool.root / "dev/sdc1")
    if fits:
        assert offline(pool, word).report.data["uuid"] == SECOND
    else:
        with pytest.raises(RefusedError, match="no listed repository"):
            offline(pool, word)


def test_a_malformed_iscsi_source(pool: FakeMachine) -> None:
    with pytest.raises(UsageError):
        offline(pool, "iscsi://nothing")


def test_below_another_root_only_the_list_changes(pool: FakeMachine) -> None:
    plan = ops.plan(pool.host(offline=True), Request(SECOND, None, True))
    assert [step.title for step in plan.steps] == ["take it off /etc/ovs/repositories"]


def test_one_without_uuid_is_named_by_its_source(pool: FakeMachine) -> None:
    pool.write("/etc/ovs/repositories", f"- {WWN2}\n- /dev/sdz1\n")
    offline(pool, "/dev/sdz1", delete=True)
    assert pool.read("/etc/ovs/repositories") == f"- {WWN2}\n"
    plan = offline(pool, WWN2)
    assert pool.commands == [f"umount /OVS/{SECOND}"]
    assert plan.report.data["mountpoint"] == f"/OVS/{SECOND}"
