from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import ParseError
from ovstools.model.mountinfo import Mount, MountTable, parse_mountinfo, parse_swaps
from tests.unit.model.captured import captured

# the form of proc(5), with what a pool server has
TEXT = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
80 27 8:17 / /OVS rw,relatime shared:40 - ocfs2 /dev/sdb1 rw,_netdev,heartbeat=local
81 80 0:44 / /OVS/0123456789ABCDEF rw shared:41 master:3 - nfs4 server:/my\040export rw,hard
82 27 8:33 / /OVSfoo rw - ext4 /dev/sdc1 rw
83 80 7:0 / /OVS ro,relatime - ext4 /dev/loop0 rw
84 27 8:17 /seed_pool /mnt/a\134b rw - ocfs2 /dev/sdb1 rw
85 27 0:50 / /none rw -  tmpfs  rw
86 27 8:49 / /broken rw - ocfs2 /dev/sdd1 ro,heartbeat=local
"""


def test_read() -> None:
    table = MountTable.parse(TEXT)
    assert table == parse_mountinfo(TEXT)
    assert table.at("/OVS/0123456789ABCDEF") == Mount(
        id=81,
        parent=80,
        device_number="0:44",
        root="/",
        mountpoint="/OVS/0123456789ABCDEF",
        options=("rw",),
        fstype="nfs4",
        source="server:/my export",
        super_options=("rw", "hard"),
    )


def test_the_topmost_counts() -> None:
    mount = MountTable.parse(TEXT).at("/OVS")
    assert mount is not None
    assert mount.source == "/dev/loop0"
    assert MountTable.parse(TEXT).at("/OVSx") is None


def test_below() -> None:
    table = MountTable.parse(TEXT)
    assert [mount.id for mount in table.below("/OVS")] == [81]
    assert [mount.id for mount in table.below("/OVS/")] == [81]
    assert len(table.below("/")) == len(table.mounts) - 1


def test_of_device_and_source() -> None:
    table = MountTable.parse(TEXT)
    assert [mount.mountpoint for mount in table.of_device("8:17")] == ["/OVS", r"/mnt/a\b"]
    assert table.of_device("8:1") == ()
    assert [mount.id for mount in table.of_source("server:/my export")] == [81]


def test_read_only() -> None:
    table = MountTable.parse(TEXT)
    assert [mount.id for mount in table.mounts if mount.is_read_only] == [83, 86]


def test_captured() -> None:
    table = MountTable.parse(captured("mountinfo", "private-namespace"))
    assert table.at("/") is not None
    assert table.below("/mnt")[0].mountpoint == "/mnt/my dir"
    assert [mount.mountpoint for mount in table.of_source("a b#c")] == ["/mnt/my dir"]
    assert MountTable.parse("").mounts == ()


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        "22 27 0:21 / /proc rw,relatime",
        "22 27 0:21 / /proc rw,relatime - proc",
        "x 27 0:21 / /proc rw,relatime - proc proc rw",
        " ",
    ],
)
def test_bad_lines(line: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/self/mountinfo:2: "):
        MountTable.parse(f"{TEXT.splitlines()[0]}\n{line}\n")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        MountTable.parse(text)
    except ParseError:
        return


def test_swaps() -> None:
    header = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    assert parse_swaps(header) == ()
    text = header + "/dev/sda2                               partition\t1048572\t\t0\t\t-2\n"
    text += "/swap\\040file                           file\t\t1048572\t\t0\t\t-3\n"
    assert parse_swaps(text) == ("/dev/sda2", "/swap file")


@pytest.mark.parametrize("text", ["", "/dev/sda2 partition 1 0 -2\n"])
def test_swaps_without_header(text: str) -> None:
    with pytest.raises(ParseError, match="Filename"):
        parse_swaps(text)
