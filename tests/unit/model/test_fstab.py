from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.model.fstab import Fstab, FstabEntry

TEXT = (
    "# /etc/fstab\n"
    "UUID=1-2 / ext4 errors=remount-ro 0 1\n"
    "/dev/sdb1\t/OVS\tocfs2\t_netdev,heartbeat=local  0 0\n"
    "server:/my\\040export /OVS/A\\040B/ nfs\n"
    "  # /dev/sdc1 /OVS/old ocfs2\n"
    "\n"
    "/dev/sdd1 /OVSfoo ext4 defaults 0 2 # kept\n"
    "/dev/sde1 //OVS/../srv ext4 defaults x y\n"
    "broken /OVS\n"
    "none swap swap sw 0 0"
)


def test_read() -> None:
    entries = Fstab.parse(TEXT).entries
    assert [entry.line for entry in entries] == [2, 3, 4, 7, 8, 10]
    assert entries[0] == FstabEntry("UUID=1-2", "/", "ext4", "errors=remount-ro", 0, 1, 2)
    assert entries[2] == FstabEntry("server:/my export", "/OVS/A B/", "nfs", line=4)
    assert (entries[4].freq, entries[4].passno) == (0, 0)


def test_under() -> None:
    fstab = Fstab.parse(TEXT)
    assert [entry.line for entry in fstab.entries_under("/OVS")] == [3, 4]
    assert [entry.line for entry in fstab.entries_under("/OVS/")] == [3, 4]
    assert [entry.line for entry in fstab.entries_under("/srv")] == [8]


@pytest.mark.parametrize(
    ("mountpoint", "is_under"),
    [
        ("/OVS", True),
        ("/OVS/", True),
        ("//OVS", True),
        ("/OVS//x", True),
        ("/OVS/./x", True),
        ("/x/../OVS", True),
        ("/OVS/../x", False),
        ("/OVSx", False),
        ("/ovs", False),
        ("/", False),
        ("none", False),
    ],
)
def test_spellings_of_a_mountpoint(mountpoint: str, is_under: bool) -> None:
    fstab = Fstab.parse(f"/dev/sdb1 {mountpoint} ocfs2 defaults 0 0\n")
    assert bool(fstab.entries_under("/OVS")) is is_under


def test_without() -> None:
    fstab = Fstab.parse(TEXT)
    lines = TEXT.split("\n")
    shorter = fstab.without(fstab.entries_under("/OVS"))
    assert str(shorter) == "\n".join(lines[:2] + lines[4:])
    assert shorter.entries_under("/OVS") == ()
    assert fstab.without(()) is fstab


@given(st.text())
def test_every_text_survives(text: str) -> None:
    fstab = Fstab.parse(text)
    assert str(fstab) == text
    assert str(fstab.without(fstab.entries_under("/nowhere"))) == text


@given(st.lists(st.sampled_from(TEXT.split("\n"))))
def test_other_lines_are_kept(lines: list[str]) -> None:
    fstab = Fstab.parse("\n".join(lines))
    kept = str(fstab.without(fstab.entries_under("/OVS"))).split("\n")
    gone = TEXT.split("\n")[2:4]
    assert [line for line in kept if line] == [line for line in lines if line and line not in gone]
