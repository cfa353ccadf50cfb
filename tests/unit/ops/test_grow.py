"""repositories grow on fake machines: the device, its partition, the file system, node slots."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ovstools.errors import ExitStatus, OvsError, RefusedError, ToolError, UsageError
from ovstools.model.command import Command, Result
from ovstools.ops import makerepo, offlinerepo, repositories
from ovstools.ops.grow import Growth, Request
from ovstools.ops.plan import Plan
from tests.fakes.disk import GIB, FileSystem
from tests.fakes.machine import NODES, FakeMachine
from tests.fakes.pool import make_healthy
from tests.fakes.san import MIB, PART, START, FakeSan

SFDISK = "sfdisk --no-reread --no-tell-kernel --wipe never --wipe-partitions never -N 1 /dev/sdb"
PARTX = "partx --update --nr 1 /dev/sdb"
ASK = "echo 1 > /sys/class/block/sdb/device/rescan"
TUNEFS = "tunefs.ocfs2 --yes --volume-size /dev/sdb1"


@pytest.fixture
def san(machine: FakeMachine) -> FakeSan:
    """Return a LUN that is /dev/sdb for a healthy server of a pool."""
    make_healthy(machine)
    san = FakeSan()
    san.attach(machine)
    return san


def grow(machine: FakeMachine, word: str = "/OVS", slots: int | None = None) -> Plan:
    machine.commands.clear()
    return machine.carry_out(Growth(Request(word, slots)).plan)


def fs(machine: FakeMachine) -> FileSystem:
    found = machine.disk(PART).fs
    assert found is not None
    return found


def test_all_of_it_grows(machine: FakeMachine, san: FakeSan) -> None:
    san.size = 8 * GIB
    plan = grow(machine)
    assert machine.commands == [ASK, SFDISK, PARTX, TUNEFS]
    assert san.partitions == {1: (START, (8 * GIB - MIB) // 512)}
    assert fs(machine).size == machine.sizes[PART] == 8 * GIB - MIB
    assert plan.report_after is not None
    report = plan.report_after(machine.host())
    assert report.lines == ("/OVS has grown from 4096 MiB to 8191 MiB",)
    assert (report.data["changed"], report.data["size_bytes"]) == (True, 8 * GIB - MIB)
    (backup,) = (machine.root / "tmp").iterdir()
    assert '"partitions": [{"node": "/dev/sdb1"' in backup.read_text()
    assert backup.stat().st_mode & 0o777 == 0o600


def test_already_so(machine: FakeMachine, san: FakeSan) -> None:
    plan = grow(machine)
    assert machine.commands == [ASK]
    assert plan.steps == ()
    assert plan.report.lines == ("/OVS is already as large as its device: 4096 MiB",)
    assert (plan.report.data["changed"], plan.report.status) == (False, ExitStatus.OK)


def test_less_than_a_mebibyte_is_no_room(machine: FakeMachine, san: FakeSan) -> None:
    san.size += MIB - 512
    grow(machine)
    assert machine.commands == [ASK]


def test_a_dry_run_starts_with_the_device(machine: FakeMachine, san: FakeSan) -> None:
    san.size = 8 * GIB
    plan = Growth(Request("/OVS")).plan(machine.host())
    assert plan.preview() == f"# ask sdb for its size\n{ASK}"
    assert plan.notices and machine.commands == []


def test_killed_anywhere_the_next_run_finishes(machine: FakeMachine, san: FakeSan) -> None:
    san.size = 8 * GIB
    assert machine.chain(lambda: Growth(Request("/OVS")).plan) == 1
    assert fs(machine).size == machine.sizes[PART] == 8 * GIB - MIB


# ------------------------------------------------------------- partitions


def test_what_another_server_did_to_the_table_is_seen(machine: FakeMachine, san: FakeSan) -> None:
    """The buffers of a disk with a mounted partition are kept: sfdisk would write an old table."""
    grow(machine)
    san.size = 8 * GIB
    mine = (START, 5 * GIB // 512)
    san.partitions = {1: mine, 2: (START + mine[1], GIB // 512)}
    with pytest.raises(RefusedError, match="not the last partition"):
        grow(machine)
    assert san.partitions[2] == (START + mine[1], GIB // 512)


def test_killed_between_table_and_kernel(machine: FakeMachine, san: FakeSan) -> None:
    san.size = 8 * GIB
    san.partitions[1] = (START, (8 * GIB - MIB) // 512)
    grow(machine)
    assert machine.commands == [ASK, PARTX, TUNEFS]


def test_the_volume_is_the_whole_disk(machine: FakeMachine, san: FakeSan) -> None:
    machine.disks[PART].type = "disk"
    machine.disks[PART].parent = None
    machine.write("/sys/class/block/sdb1/device/rescan", "")
    machine.pokes["/sys/class/block/sdb1/device/rescan"] = lambda: machine.sizes.update(
        {PART: 6 * GIB}
    )
    grow(machine)
    assert machine.commands == [ASK.replace("sdb", "sdb1"), TUNEFS]
    assert fs(machine).size == 6 * GIB


def test_lvm_is_grown_by_its_own_tool(machine: FakeMachine, san: FakeSan) -> None:
    machine.disks[PART].type = "lvm"
    grow(machine)
    assert machine.commands == []
    machine.sizes[PART] = 5 * GIB  # lvextend
    grow(machine)
    assert machine.commands == [TUNEFS]


def test_a_multipath_map(machine: FakeMachine, san: FakeSan) -> None:
    machine.disks[PART].type = "mpath"

    def give(name: str, size: int) -> None:
        size_file = f"/sys/class/block/{name}/size"
        machine.write(size_file, f"{size // 512}\n")

    def offer(name: str, size: int) -> None:
        machine.pokes[f"/sys/class/block/{name}/device/rescan"] = lambda: give(name, size)

    for name in ("sdx", "sdy"):
        machine.write(f"/sys/class/block/sdb1/slaves/{name}", "")
        machine.write(f"/sys/class/block/{name}/device/rescan", "")
        give(name, 4 * GIB)
        offer(name, 6 * GIB)

    def resize(command: object) -> Result:
        machine.sizes[PART] = 6 * GIB
        give("sdb1", 6 * GIB)
        return Result(0)

    machine.tools["multipathd"] = resize
    grow(machine)
    asked = [f"echo 1 > /sys/class/block/{name}/device/rescan" for name in ("sdx", "sdy")]
    assert machine.commands == [*asked, "multipathd resize map sdb1", TUNEFS]
    offer("sdy", 7 * GIB)
    with pytest.raises(RefusedError, match="different sizes"):
        grow(machine)


def test_not_the_last_partition(machine: FakeMachine, san: FakeSan) -> None:
    san.partitions[2] = (san.partitions[1][1] + START, 2048)
    san.size = 8 * GIB
    before = dict(san.partitions)
    with pytest.raises(RefusedError, match="not the last partition") as error:
        grow(machine)
    assert san.partitions == before and machine.commands == [ASK]
    assert any("partition 2" in line for line in error.value.evidence)
    san.size = 4 * GIB + 2 * MIB  # the disk has no room either: nothing is wrong
    assert grow(machine).steps == ()


def test_another_table_than_the_kernels(machine: FakeMachine, san: FakeSan) -> None:
    san.size = 8 * GIB
    san.partitions[1] = (4096, 4 * GIB // 512)
    with pytest.raises(RefusedError, match="another partition table"):
        grow(machine)
    del san.partitions[1]
    with pytest.raises(RefusedError, match="another partition table"):
        grow(machine)
    assert machine.commands == [ASK]


def test_a_server_that_does_not_see_the_new_size(machine: FakeMachine, san: FakeSan) -> None:
    san.partitions[1] = (START, 8 * GIB // 512)
    with pytest.raises(RefusedError, match="ends behind the end"):
        grow(machine)


@pytest.mark.parametrize("program", ["sfdisk", "partx", "tunefs.ocfs2"])
def test_a_tool_that_lies(machine: FakeMachine, san: FakeSan, program: str) -> None:
    san.size = 8 * GIB
    real = machine.tools[program]
    machine.tools[program] = lambda command: Result(0) if command.changes else real(command)
    with pytest.raises(ToolError):
        grow(machine)
    machine.tools[program] = real
    grow(machine)
    assert fs(machine).size == 8 * GIB - MIB


# ------------------------------------------------------------- several servers


def test_the_last_server_grows_the_file_system(
    machines: Callable[[int], FakeMachine],
) -> None:
    first, second = machines(0), machines(1)
    san = FakeSan()
    for machine in (first, second):
        san.attach(machine)
    for machine in (first, second):
        make_healthy(machine)
    fs(first).slot_map = {0: 0, 1: 1}
    san.size = 8 * GIB
    plan = grow(first)
    assert first.commands == [ASK, SFDISK, PARTX]
    assert plan.report.status == ExitStatus.PARTIAL
    assert plan.report.data["waiting_for"] == [NODES[1].name]
    assert fs(first).size == 4 * GIB
    assert grow(first).report.status == ExitStatus.PARTIAL  # and again
    assert first.commands == [ASK]
    grow(second)
    assert second.commands == [ASK, PARTX, TUNEFS]
    assert fs(first).size == 8 * GIB - MIB
    assert not (fs(first).folder / ".ovs-grow").exists()
    assert grow(first).report.status == ExitStatus.OK


def test_an_older_word_of_another_server_does_not_count(machine: FakeMachine, san: FakeSan) -> None:
    fs(machine).slot_map = {0: 0, 1: 1, 2: 7}
    folder = fs(machine).folder / ".ovs-grow"
    folder.mkdir()
    (folder / NODES[1].name).write_text(f"{6 * GIB}\n")
    (folder / "node 7").write_text("nonsense\n")
    san.size = 8 * GIB
    assert grow(machine).report.data["waiting_for"] == [NODES[1].name, "node 7"]
    (folder / NODES[1].name).write_text(f"{9 * GIB}\n")
    assert grow(machine).report.data["waiting_for"] == ["node 7"]
    assert TUNEFS not in machine.commands


# ------------------------------------------------------------- other file systems, refusals


def test_ext4(machine: FakeMachine, san: FakeSan) -> None:
    fs(machine).type = "ext4"
    text = machine.read("/proc/self/mountinfo")
    machine.write("/proc/self/mountinfo", text.replace(" - ocfs2 ", " - ext4 "))
    san.size = 8 * GIB
    grow(machine)
    assert machine.commands == [ASK, SFDISK, PARTX, "resize2fs /dev/sdb1"]
    assert grow(machine).steps == ()


def test_file_systems_of_others(machine: FakeMachine, san: FakeSan) -> None:
    text = machine.read("/proc/self/mountinfo")
    machine.write("/proc/self/mountinfo", text.replace(" - ocfs2 ", " - xfs "))
    with pytest.raises(RefusedError) as error:
        grow(machine)
    assert error.value.hint == "grow it with xfs_growfs /OVS"


def test_not_mounted(machine: FakeMachine, san: FakeSan) -> None:
    machine.carry_out(lambda host: offlinerepo.plan(host, offlinerepo.Request("/OVS")))
    with pytest.raises(RefusedError, match="grows while it is mounted"):
        grow(machine)


def test_not_listed_and_offline(machine: FakeMachine, san: FakeSan) -> None:
    with pytest.raises(RefusedError, match="no listed repository"):
        grow(machine, "/dev/sdz")
    with pytest.raises(RefusedError, match="--root"):
        Growth(Request("/OVS")).plan(machine.host(offline=True))


# ------------------------------------------------------------- node slots


@pytest.mark.parametrize("slots", [0, 256])
def test_slots_that_are_none(slots: int) -> None:
    with pytest.raises(UsageError):
        Request("/OVS", slots)


def test_more_slots(machine: FakeMachine, san: FakeSan) -> None:
    assert grow(machine, slots=16).report.lines[0].endswith("already has 16 node slots")
    with pytest.raises(RefusedError, match="no server has it"):
        grow(machine, slots=20)
    machine.carry_out(lambda host: offlinerepo.plan(host, offlinerepo.Request("/OVS")))
    grow(machine, slots=20)
    assert machine.commands == ["tunefs.ocfs2 --yes --node-slots 20 /dev/sdb1"]
    assert fs(machine).slots == 20
    assert grow(machine, slots=20).steps == ()
    with pytest.raises(RefusedError, match="not made fewer"):
        grow(machine, slots=4)


def test_slots_while_another_server_has_it(machine: FakeMachine, san: FakeSan) -> None:
    machine.carry_out(lambda host: offlinerepo.plan(host, offlinerepo.Request("/OVS")))
    fs(machine).slot_map = {0: 2}
    with pytest.raises(RefusedError) as error:
        grow(machine, slots=20)
    assert any(NODES[2].name in line for line in error.value.evidence)
    fs(machine).slot_map = {}
    machine.disk(PART).beating = {1}
    with pytest.raises(RefusedError, match=f"heartbeats on /dev/sdb1: {NODES[1].name}"):
        grow(machine, slots=20)
    assert machine.commands == []


def test_slots_that_tunefs_did_not_make(machine: FakeMachine, san: FakeSan) -> None:
    machine.carry_out(lambda host: offlinerepo.plan(host, offlinerepo.Request("/OVS")))
    machine.tools["tunefs.ocfs2"] = lambda command: Result(0)
    with pytest.raises(ToolError, match="16 node slots, not 20"):
        grow(machine, slots=20)


def test_slots_of_what_has_none(machine: FakeMachine, san: FakeSan) -> None:
    fs(machine).type = "ext4"
    with pytest.raises(RefusedError, match="no OCFS2"):
        grow(machine, slots=20)


# ------------------------------------------------------------- a server that comes late


def test_a_server_that_has_not_asked_since_does_not_mount(
    machines: Callable[[int], FakeMachine],
) -> None:
    first, late = machines(0), machines(1)
    san = FakeSan()
    for machine in (first, late):
        san.attach(machine)
        make_healthy(machine)
    machine_off(late)
    san.size = 8 * GIB
    grow(first)
    asked = makerepo.Request("/dev/sdb1", "C", "cluster root")
    for make_plan in (
        lambda host: repositories.plan(host, repositories.Request("start")),
        lambda host: makerepo.plan(host, asked),
    ):
        with pytest.raises(OvsError) as error:
            late.carry_out(make_plan)
        said = "\n".join((error.value.what, *error.value.evidence, error.value.hint))
        assert "larger than the device is here" in said
        assert f"{ASK}\n" in said and PARTX in said
    late.pokes[ASK.partition(" > ")[2]]()
    late.run(Command(tuple(PARTX.split())))
    late.carry_out(lambda host: repositories.plan(host, repositories.Request("start")))


def machine_off(machine: FakeMachine) -> None:
    """Take the cluster root offline there."""
    machine.carry_out(lambda host: offlinerepo.plan(host, offlinerepo.Request("/OVS")))
