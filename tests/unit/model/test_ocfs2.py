from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import ParseError
from ovstools.model.ocfs2 import (
    HeartbeatSlot,
    Volume,
    moving,
    parse_heartbeat,
    parse_names,
    parse_size,
    parse_slotmap,
    parse_stats,
)
from tests.unit.model.captured import captured


def stats(case: str) -> str:
    return captured("debugfs.ocfs2", f"stats-{case}")


def test_stats() -> None:
    volume = parse_stats(stats("global"))
    assert replace(volume, features=()) == Volume(
        uuid="0123456789ABCDEF0123456789ABCDEF",
        label="ovs",
        slots=4,
        block_size=4096,
        cluster_size=4096,
        stack="o2cb",
        cluster_name="ocfs2",
        is_global=True,
    )
    assert "refcount" in volume.features


def test_size() -> None:
    text = stats("whole")
    assert parse_size(text) == 2**30
    with pytest.raises(ParseError, match="Clusters"):
        parse_size(stats("global"))
    with pytest.raises(ParseError, match="only once"):  # by a label with a line break
        parse_size(text.replace("Label: t", "Label: t\n\tLinks: 0   Clusters: 9"))


@pytest.mark.parametrize(
    ("case", "stack", "cluster_name", "label", "slots", "is_global"),
    [
        ("local-heartbeat", "o2cb", "ocfs2", "cluster root", 4, False),
        ("classic", "classic o2cb", None, "ovs", 16, False),
        ("pcmk", "pcmk", "hacluster", "ovs", 2, False),
        ("mount-local", "classic o2cb", None, "", 1, False),
        ("heartbeat-device", "o2cb", "ocfs2", "", 0, True),
    ],
)
def test_stacks(
    case: str, stack: str, cluster_name: str | None, label: str, slots: int, is_global: bool
) -> None:
    volume = parse_stats(stats(case))
    assert (volume.stack, volume.cluster_name) == (stack, cluster_name)
    assert (volume.label, volume.slots, volume.is_global) == (label, slots, is_global)
    assert volume.is_local_mount is (case == "mount-local")
    assert volume.is_heartbeat_device is (case == "heartbeat-device")
    assert volume.suits("ocfs2") is (case in ("local-heartbeat", "classic"))
    assert volume.suits("other") is (case == "classic")


# debugfs.ocfs2 exited 0 for each of them
@pytest.mark.parametrize(
    ("parse", "case"),
    [
        (parse_stats, "stats-not-ocfs2"),
        (parse_stats, "stats-missing"),
        (parse_heartbeat, "stats-not-ocfs2"),
        (parse_slotmap, "slotmap-heartbeat-device"),
        (parse_slotmap, "hb-empty"),
        (parse_heartbeat, "slotmap-empty"),
        (parse_names, "ls-heartbeat-device"),
        (parse_names, "stats-not-ocfs2"),
    ],
)
def test_messages_are_refused(parse: Callable[[str], object], case: str) -> None:
    with pytest.raises(ParseError):
        parse(captured("debugfs.ocfs2", case))
    with pytest.raises(ParseError):
        parse("")


@pytest.mark.parametrize(
    "key",
    ["UUID", "Label", "Max Node Slots", "Block Size Bits", "Cluster stack", "Cluster flags"],
)
def test_every_field_must_be_there(key: str) -> None:
    lines = stats("global").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith(f"\t{key}: "))
    with pytest.raises(ParseError, match=key):
        parse_stats(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("UUID: 0", "UUID: X"),
        ("Slots: 4", "Slots: many"),
        ("Size Bits: 12   Cluster", "Size Bits: 12, Cluster"),
        ("flags: 1", "flags: one"),
    ],
)
def test_odd_fields_are_refused(old: str, new: str) -> None:
    with pytest.raises(ParseError, match=r"^debugfs\.ocfs2 stats:\d+: "):
        parse_stats(stats("global").replace(old, new))


def test_a_label_cannot_pass_for_another_field() -> None:
    text = stats("global").replace("Label: ovs", f"Label: x\n\tUUID: {'F' * 32}")
    with pytest.raises(ParseError, match="UUID only once"):
        parse_stats(text)


def test_heartbeat() -> None:
    slots = parse_heartbeat(captured("debugfs.ocfs2", "hb-four-nodes"))
    assert [slot.node for slot in slots] == [0, 1, 7, 254]
    assert slots[1] == HeartbeatSlot(1, 0x6A1F0002, 0x1122334455667788)
    assert slots[2].generation == 0
    assert parse_heartbeat(captured("debugfs.ocfs2", "hb-empty")) == ()
    assert moving(slots, slots) == frozenset()


# (sequence, generation) of node 1 before and after
@pytest.mark.parametrize(
    ("before", "after", "moves"),
    [
        ((10, 7), (10, 7), False),
        ((10, 7), (12, 7), True),
        ((10, 7), (10, 8), True),
        ((10, 7), (12, 0), False),
        ((10, 0), (10, 0), False),
        ((10, 0), (12, 8), True),
        (None, (12, 7), True),
        (None, (12, 0), False),
        ((10, 7), None, False),
        (None, None, False),
    ],
)
def test_moving(before: tuple[int, int] | None, after: tuple[int, int] | None, moves: bool) -> None:
    still = HeartbeatSlot(0, 5, 5)
    first = [still] + ([HeartbeatSlot(1, *before)] if before else [])
    second = [still] + ([HeartbeatSlot(1, *after)] if after else [])
    assert moving(first, second) == (frozenset({1}) if moves else frozenset())


def test_slotmap() -> None:
    assert parse_slotmap(captured("debugfs.ocfs2", "slotmap-three")) == {0: 0, 1: 1, 3: 254}
    assert parse_slotmap(captured("debugfs.ocfs2", "slotmap-empty")) == {}


@pytest.mark.parametrize(
    ("parse", "case", "line"),
    [
        (parse_heartbeat, "hb-empty", "\t   0:    0 000000006a1f0001"),
        (parse_heartbeat, "hb-empty", "hb: I/O error on channel"),
        (parse_slotmap, "slotmap-empty", "\t    0"),
        (parse_names, "ls-root", "ls: I/O error on channel"),
        (parse_names, "ls-root", "\t70165           3864 2   2  lost+found"),
    ],
)
def test_bad_rows(parse: Callable[[str], object], case: str, line: str) -> None:
    with pytest.raises(ParseError):
        parse(captured("debugfs.ocfs2", case) + line + "\n")


def test_names() -> None:
    assert parse_names(captured("debugfs.ocfs2", "ls-root")) == (".", "..", "lost+found")
    names = parse_names(captured("debugfs.ocfs2", "ls-odd-names"))
    assert set(names) == {".", "..", "lost+found", ".ovsrepo", " two spaces ", "\u00e4"}


def test_names_without_the_folder_itself() -> None:
    text = captured("debugfs.ocfs2", "ls-root")
    with pytest.raises(ParseError, match=r"'\.'"):
        parse_names(text.split("\n", 2)[2])


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_stats, parse_heartbeat, parse_slotmap, parse_names):
        with pytest.raises(ParseError):
            parse(text)
