from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import ParseError
from ovstools.model.block import (
    BlockDevice,
    Signature,
    Trace,
    parse_blkid,
    parse_lsblk_json,
    parse_wipefs_json,
    preferred_name,
)
from tests.unit.model.captured import captured


@pytest.mark.parametrize(
    ("case", "signature"),
    [
        ("blank", Signature()),
        ("ambivalent", Signature()),
        ("dos", Signature(pttype="dos")),
        ("gpt", Signature(pttype="gpt")),
        (
            "ocfs2-global",
            Signature(
                "ocfs2",
                "filesystem",
                "01234567-89ab-cdef-0123-456789abcdef",
                "ovs",
                version="0.90",
            ),
        ),
    ],
)
def test_blkid(case: str, signature: Signature) -> None:
    assert parse_blkid(captured("blkid", case)) == signature


@pytest.mark.parametrize(
    ("case", "kind", "usage", "label"),
    [
        ("ext4", "ext4", "filesystem", "data"),
        ("swap", "swap", "other", None),
        ("ocfs2-heartbeat-device", "ocfs2", "filesystem", None),
        ("ocfs2-label-with-space", "ocfs2", "filesystem", "cluster root"),
        ("ext4-odd-label", "ext4", "filesystem", 'a"b$c\\ M-CM-)'),
    ],
)
def test_blkid_labels(case: str, kind: str, usage: str, label: str | None) -> None:
    found = parse_blkid(captured("blkid", case))
    assert (found.type, found.usage, found.label) == (kind, usage, label)
    assert found


def test_nothing_found_is_false() -> None:
    assert not parse_blkid("")


@pytest.mark.parametrize(
    "text", ["hello", "DEVNAME=a\nTYPE=ext4\n\nDEVNAME=b\nTYPE=ext4\n", "blkid: error: x: no"]
)
def test_blkid_nonsense(text: str) -> None:
    with pytest.raises(ParseError, match=r"^blkid:\d+: "):
        parse_blkid(text)


@pytest.mark.parametrize(
    ("case", "traces"),
    [
        ("blank", []),
        ("dos", [(0x1FE, "dos")]),
        ("gpt", [(0x200, "gpt"), (0x3FFFE00, "gpt"), (0x1FE, "PMBR")]),
        ("ext4", [(0x438, "ext4")]),
        ("swap", [(0xFF6, "swap")]),
        ("ambivalent", [(0xFF6, "swap"), (0x438, "ext2")]),
        ("ocfs2-global", [(0x2000, "ocfs2")]),
        ("ocfs2-heartbeat-device", [(0x400, "ocfs2")]),
    ],
)
def test_wipefs(case: str, traces: list[tuple[int, str]]) -> None:
    found = parse_wipefs_json(captured("wipefs", case))
    assert [(trace.offset, trace.type) for trace in found] == traces


def test_wipefs_details() -> None:
    (trace,) = parse_wipefs_json(captured("wipefs", "ocfs2-label-with-space"))
    assert trace == Trace(0x2000, "ocfs2", "9405005d-5d30-4519-bcee-aa137c48de63", "cluster root")
    (trace,) = parse_wipefs_json(captured("wipefs", "ext4-odd-label"))
    assert trace.label == 'a"b$c\\ \u00e9'
    assert parse_wipefs_json("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "[]",
        "{}",
        '{"signatures": {}}',
        '{"signatures": [{}]}',
        '{"signatures": [1]}',
        '{"signatures": [{"offset": "x", "type": "ext4"}]}',
    ],
)
def test_wipefs_nonsense(text: str) -> None:
    with pytest.raises(ParseError, match=r"^wipefs:1: "):
        parse_wipefs_json(text)


def test_lsblk() -> None:
    (disk,) = parse_lsblk_json(captured("lsblk", "virtio-disk"))
    assert disk == BlockDevice(
        name="vda",
        path="/dev/vda",
        kernel_name="vda",
        type="disk",
        size_bytes=274877906944,
        device_number="254:0",
        mountpoints=("/",),
    )


def row(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """Make one device as lsblk writes it."""
    return {
        "name": name,
        "kname": name,
        "path": f"/dev/{name}",
        "type": kind,
        "size": 1024,
        "maj:min": "8:0",
        "fstype": None,
        "mountpoints": [None],
        "pttype": None,
        "wwn": None,
        "serial": None,
        "ro": False,
        "pkname": None,
        **more,
    }


def lsblk(*rows: dict[str, Any]) -> tuple[BlockDevice, ...]:
    return parse_lsblk_json(json.dumps({"blockdevices": rows}))


def test_partitions_and_holders() -> None:
    multipath = row("ovs", "mpath", path="/dev/mapper/ovs", kname="dm-0", pkname="sda")
    part = row("sda1", "part", pttype="gpt", pkname="sda", children=[row("vg-lv", "lvm")])
    (disk,) = lsblk(row("sda", "disk", pttype="gpt", children=[part, multipath]))
    assert [each.name for each in disk.walk()] == ["sda", "sda1", "vg-lv", "ovs"]
    assert [each.name for each in disk.partitions] == ["sda1"]
    assert [each.name for each in disk.holders] == ["ovs"]
    assert disk.holds_partition_table
    assert disk.partitions[0].parent == "sda"
    assert not disk.partitions[0].holds_partition_table
    assert [each.name for each in disk.partitions[0].holders] == ["vg-lv"]


def test_older_lsblk() -> None:
    old = row("sda", "disk", size="1024", ro="1", mountpoint="/mnt", **{"maj:min": "  8:0  "})
    del old["mountpoints"]
    (disk,) = lsblk(old)
    assert (disk.size_bytes, disk.is_read_only) == (1024, True)
    assert (disk.mountpoints, disk.device_number) == (("/mnt",), "8:0")
    (disk,) = lsblk(row("sda", "disk", ro="0"))
    assert not disk.is_read_only


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lsblk: /dev/x: not a block device",
        "{}",
        '{"blockdevices": {}}',
        '{"blockdevices": [{"name": "sda"}]}',
        '{"blockdevices": ["sda"]}',
    ],
)
def test_lsblk_nonsense(text: str) -> None:
    with pytest.raises(ParseError, match=r"^lsblk:1: "):
        parse_lsblk_json(text)


BY_PATH = "/dev/disk/by-path/ip-10.77.0.1:3260-iscsi-iqn.2009-01.com.example:ovs-lun-1"
WWN = "/dev/disk/by-id/wwn-0x6001405e8c0ac2d"
BY_ID = "/dev/disk/by-id/scsi-36001405e8c0ac2d"


@pytest.mark.parametrize(
    ("device", "links", "name"),
    [
        ("/dev/sdb", [], "/dev/sdb"),
        ("/dev/sdb", [BY_PATH], BY_PATH),
        ("/dev/sdb", [BY_PATH, BY_ID], BY_ID),
        ("/dev/sdb", [BY_PATH, BY_ID, WWN], WWN),
        ("/dev/dm-0", [BY_PATH, BY_ID, WWN, "/dev/mapper/mpatha"], "/dev/mapper/mpatha"),
        ("/dev/mapper/mpatha", [WWN], "/dev/mapper/mpatha"),
        (BY_ID, ["/dev/disk/by-id/ata-A"], BY_ID),
        ("/dev/sdb", ["/dev/disk/by-id/ata-A", BY_ID], "/dev/disk/by-id/ata-A"),
        ("/dev/nvme0n1", ["/dev/disk/by-id/nvme-A_1", "/dev/disk/by-id/nvme-eui.01"],
         "/dev/disk/by-id/nvme-eui.01"),
        ("/dev/sdb", ["/dev/disk/by-uuid/0-1", "/dev/disk/by-label/ovs"], "/dev/sdb"),
        ("/dev/sdb", ["/dev/disk/by-id/lvm-pv-uuid-x", "/dev/mapper/control"], "/dev/sdb"),
        ("/dev/sdb", ["/dev/block/8:16"], "/dev/sdb"),
    ],
)  # fmt: skip
def test_preferred_name(device: str, links: list[str], name: str) -> None:
    assert preferred_name(device, links) == name


@given(st.permutations([BY_PATH, BY_ID, WWN, "/dev/mapper/a", "/dev/mapper/b"]))
def test_order_of_links_does_not_count(links: list[str]) -> None:
    assert preferred_name("/dev/sdb", links) == "/dev/mapper/a"


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_blkid, parse_wipefs_json, parse_lsblk_json):
        try:
            parse(text)
        except ParseError:
            continue
