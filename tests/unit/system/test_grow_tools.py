"""The commands that grow disks' partitions, maps and file systems; where a disk is asked again."""

from __future__ import annotations

import pytest

from ovstools.errors import RefusedError
from ovstools.model.command import Result
from ovstools.system import e2fs, partitions, rescan, tunefs
from tests.fakes.machine import FakeMachine
from tests.unit.model.captured import captured


def test_command_lines() -> None:
    built = [
        tunefs.grow("/dev/sdb1", 60),
        tunefs.set_slots("/dev/sdb1", 8, 60),
        e2fs.grow("/dev/sda", 60),
        partitions.tell_kernel("/dev/sdb", 1),
        rescan.resize_map("mpatha"),
    ]
    assert [each.shell() for each in built] == [
        "tunefs.ocfs2 --yes --volume-size /dev/sdb1",
        "tunefs.ocfs2 --yes --node-slots 8 /dev/sdb1",
        "resize2fs /dev/sda",
        "partx --update --nr 1 /dev/sdb",
        "multipathd resize map mpatha",
    ]
    assert all(each.changes for each in built)


def test_only_the_size_of_a_partition_changes() -> None:
    command = partitions.set_size("/dev/sdb", 2, 4096)
    assert command.argv[-3:] == ("-N", "2", "/dev/sdb")
    assert command.input == "size=4096\n"
    assert {"--no-reread", "--no-tell-kernel"} <= set(command.argv)


def test_a_table_is_read_without_a_change(machine: FakeMachine) -> None:
    machine.tools["blockdev"] = lambda command: Result(0)
    machine.tools["sfdisk"] = lambda command: Result(0, captured("sfdisk", "gpt"))
    assert partitions.read_table(machine.host(), "/dev/sdb").label == "gpt"
    assert machine.commands == []
    machine.tools["sfdisk"] = lambda command: Result(1, "", "sfdisk: /dev/sdb: does not contain")
    with pytest.raises(RefusedError, match="no partition table"):
        partitions.read_table(machine.host(), "/dev/sdb")


@pytest.mark.parametrize(
    "file, wanted",
    [
        ("/sys/class/block/sdb/device/rescan", True),
        ("/sys/class/block/sdb/device/rescan_controller", True),
        ("/sys/class/block/sdb/device/other", False),
    ],
)
def test_where_a_disk_is_asked(machine: FakeMachine, file: str, wanted: bool) -> None:
    machine.write(file, "")
    assert rescan.attribute(machine.host(), "sdb") == (file if wanted else None)


def test_the_size_that_the_kernel_has(machine: FakeMachine) -> None:
    machine.write("/sys/class/block/sdb/size", "8388608\n")
    assert rescan.size_of(machine.host(), "sdb") == 4 * 2**30
    assert rescan.size_of(machine.host(), "sdz") == 0
