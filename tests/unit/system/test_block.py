"""Block devices, as lsblk and blkid really print them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ovstools.errors import RefusedError, ToolError
from ovstools.model.command import Result
from ovstools.system import block
from tests.conftest import WWN
from tests.fakes.disk import Disk
from tests.fakes.machine import FakeMachine
from tests.unit.model.captured import captured

BLANK = ""


def look_with(machine: FakeMachine, blkid: str, status: int = 0) -> block.Device:
    """Look at /dev/sdb1 with what blkid printed."""
    machine.fails["blkid"] = Result(status, blkid)
    return block.look(machine.host(), "/dev/sdb1")


def test_a_blank_device(machine: FakeMachine) -> None:
    device = look_with(machine, captured("blkid", "blank"), block.BLKID_NOTHING)
    assert device.is_blank
    assert device.content == "nothing"
    assert (device.kernel_path, device.number, device.type) == ("/dev/sdb1", "8:17", "part")
    assert device.size_bytes == 4 * 2**30


@pytest.mark.parametrize(
    "case, content",
    [
        ("ext4", "ext4"),
        ("swap", "swap"),
        ("dos", "dos partition table"),
        ("gpt", "gpt partition table"),
        ("ocfs2-global", "ocfs2"),
        ("ocfs2-label-with-space", "ocfs2, label 'cluster root', UUID 9405005d-5d30-"),
        ("ocfs2-heartbeat-device", "ocfs2"),
    ],
)
def test_a_device_with_something_on_it(machine: FakeMachine, case: str, content: str) -> None:
    device = look_with(machine, captured("blkid", case))
    assert not device.is_blank
    assert device.content.startswith(content)
    assert not device.has_unknown_data


def test_signatures_that_contradict_each_other(machine: FakeMachine) -> None:
    """Blkid exits 8 and prints nothing that could be trusted."""
    device = look_with(machine, captured("blkid", "ambivalent"), block.BLKID_AMBIVALENT)
    assert not device.is_blank
    assert device.content == "signatures of more than one file system"


@pytest.mark.parametrize("status", [1, 4])
def test_blkid_that_fails_says_nothing_about_blankness(machine: FakeMachine, status: int) -> None:
    with pytest.raises(ToolError, match=f"blkid exited with status {status}"):
        look_with(machine, "", status)


def test_data_that_nobody_knows_is_not_blank(machine: FakeMachine) -> None:
    machine.disks["/dev/sdb1"].head = bytes(8191) + b"x"
    device = look_with(machine, BLANK, block.BLKID_NOTHING)
    assert device.has_unknown_data and not device.is_blank
    assert device.content == "data that blkid does not know"


@pytest.mark.parametrize(
    "type_, partitions, holders",
    [
        ("part", ("/dev/sdb1x (part, 4096 MiB)",), ()),
        ("mpath", (), ("/dev/sdb1x (mpath, 4096 MiB)",)),
        ("lvm", (), ("/dev/sdb1x (lvm, 4096 MiB)",)),
    ],
)
def test_what_is_built_on_it(
    machine: FakeMachine, type_: str, partitions: tuple[str, ...], holders: tuple[str, ...]
) -> None:
    machine.disks["/dev/sdb1"].children = [Disk("/dev/sdb1x", "8:99", type_)]
    device = look_with(machine, BLANK, block.BLKID_NOTHING)
    assert (device.partitions, device.holders) == (partitions, holders)
    assert not device.is_blank


def test_a_name_is_followed(machine: FakeMachine) -> None:
    device = block.look(machine.host(), WWN)
    assert (device.path, device.kernel_path) == (WWN, "/dev/sdb1")


def test_commands_are_questions() -> None:
    assert block.lsblk("/dev/sdb").argv[:4] == ("lsblk", "--json", "--bytes", "--output")
    assert block.blkid("/dev/sdb").argv == ("blkid", "--probe", "--output", "export", "/dev/sdb")
    assert not block.lsblk("/dev/sdb").changes and not block.blkid("/dev/sdb").changes


@pytest.mark.parametrize(
    "path, problem",
    [
        ("/dev/none", "there is no device /dev/none"),
        ("/etc/fstab", "/etc/fstab is no block device, it is a file"),
        ("/tmp", "/tmp is no block device, it is a directory"),
        ("/dev/fifo", "/dev/fifo is no block device, it is a special file"),
    ],
)
def test_refuses_what_is_no_device(machine: FakeMachine, path: str, problem: str) -> None:
    os.mkfifo(machine.root / "dev/fifo")
    with pytest.raises(RefusedError) as caught:
        block.look(machine.host(), path)
    assert caught.value.what == problem


def test_stable_name(machine: FakeMachine) -> None:
    machine.add_disk("/dev/sdz", "65:144")
    host = machine.host()
    assert block.stable_name(host, "/dev/sdb1") == WWN
    assert block.stable_name(host, WWN) == WWN
    assert block.stable_name(host, "/dev/sdz") == "/dev/sdz", "no better one"


def test_names_of_the_content_are_not_names_of_the_device(machine: FakeMachine) -> None:
    machine.add_disk("/dev/sdz", "65:144", link="/dev/disk/by-uuid/4711")
    assert block.stable_name(machine.host(), "/dev/sdz") == "/dev/sdz"
    assert Path("/dev/disk/by-uuid") not in map(Path, block.LINK_FOLDERS)
