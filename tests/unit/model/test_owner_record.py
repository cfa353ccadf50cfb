"""The blocks below the locks: what was written comes back, and nothing else does."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.model import sealed_block
from ovstools.model.master_record import MasterRecord, format_master, parse_master
from ovstools.model.owner_record import (
    GuestState,
    Missing,
    OwnerRecord,
    Unreadable,
    format_record,
    parse_record,
)

UUID = "1e5c3b9a-7a30-4a55-9a5b-2f6f2f3f0a01"
BOOT = "8d0e6a52-5d52-4c6e-8a44-6c1f7f1f9b11"
RECORD = OwnerRecord(UUID, "vmserver1", 0, BOOT, "1a2b3c", GuestState.RUNNING, None, (7, 42), 3)
LONGEST = OwnerRecord(
    "u" * 36, "o" * 64, 254, "b" * 36, "i" * 36, GuestState.MIGRATING, "t" * 64,
    (2**63 - 1, 2**63 - 1), 2**63 - 1,
)  # fmt: skip

words = st.text(string.ascii_letters + string.digits + "-._:", min_size=1, max_size=36)
counts = st.integers(0, 2**63 - 1)
bases = st.builds(
    OwnerRecord,
    guest_uuid=words,
    owner=words,
    owner_number=st.integers(0, 254),
    boot_id=words,
    incarnation=words,
    state=st.sampled_from([s for s in GuestState if s is not GuestState.MIGRATING]),
    order=st.none() | st.tuples(counts, counts),
    sequence=counts,
)
migrating = st.builds(
    lambda record, to: replace(record, state=GuestState.MIGRATING, target=to), bases, words
)


@given(bases | migrating)
def test_comes_back_as_it_was(record: OwnerRecord) -> None:
    block = format_record(record)
    assert len(block) == 512
    assert parse_record(block) == record


def test_the_longest_values_fit() -> None:
    assert parse_record(format_record(LONGEST)) == LONGEST
    assert LONGEST.nodes == ("o" * 64, "t" * 64)


def test_is_readable_with_cat() -> None:
    lines = format_record(RECORD).decode("ascii").splitlines()
    assert lines[0] == "ovs-owner 1"
    assert {"owner=vmserver1", "state=running", "order=7.42"} <= set(lines)
    assert format_record(RECORD).endswith(b"\n")


@pytest.mark.parametrize("record", [RECORD, LONGEST], ids=["usual", "longest"])
def test_every_single_byte_change_is_detected(record: OwnerRecord) -> None:
    block = format_record(record)
    for at in range(512):
        for value in {0, 0xFF, ord(" "), ord("A"), block[at] ^ 0x20, block[at] ^ 1, block[at] + 1}:
            if value != block[at]:
                changed = block[:at] + bytes([value]) + block[at + 1 :]
                assert isinstance(parse_record(changed), Unreadable), (at, value)


def test_every_length_but_the_right_one_is_detected() -> None:
    block, other = format_record(RECORD), format_record(LONGEST)
    assert parse_record(b"") == Missing()
    for length in range(1, 512):
        assert isinstance(parse_record(block[:length]), Unreadable), length
        assert isinstance(parse_record(block[:length].ljust(512, b"\0")), Unreadable), length
        torn = other[:length] + block[length:]
        assert torn in (block, other) or isinstance(parse_record(torn), Unreadable), length
    assert isinstance(parse_record(block + b"\n"), Unreadable)


@given(st.binary(max_size=600))
def test_garbage_is_never_a_record(data: bytes) -> None:
    assert isinstance(parse_record(data), (Missing, Unreadable))


def sealed(*lines: str, kind: str = "ovs-owner 1") -> bytes:
    """Return a block whose checksum is right, whatever it says."""
    body = "".join(f"{line}\n" for line in (kind, *lines)).encode().ljust(sealed_block._BODY)
    return sealed_block._sealed(body)


GOOD = (
    f"guest={UUID}", "owner=a", "number=0", "boot=b", "incarnation=c", "state=running", "sequence=0"
)  # fmt: skip


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"\0" * 512, "zeros"),
        (sealed(*GOOD, kind="ovs-master 1"), "no ovs-owner block"),
        (sealed(*GOOD[1:]), "guest"),
        (sealed(*GOOD, "owner=b"), "twice"),
        (sealed(*GOOD, "more=b"), "another format"),
        (sealed(*GOOD[::-1]), "another format"),
        (sealed(*GOOD[:2], "number=00", *GOOD[3:]), "no number"),
        (sealed(*GOOD[:2], "number=255", *GOOD[3:]), "node number"),
        (sealed(*GOOD[:5], "state=asleep", *GOOD[6:]), "asleep"),
        (sealed(*GOOD[:5], "state=migrating", *GOOD[6:]), "target"),
        (sealed(*GOOD, "what is this"), "KEY=VALUE"),
        (b"\xff" * 512, "checksum"),
    ],
)
def test_says_why(block: bytes, reason: str) -> None:
    read = parse_record(block)
    assert isinstance(read, Unreadable)
    assert reason in read.reason
    assert not read.is_newer


def test_the_sealed_helper_of_these_tests_is_right() -> None:
    assert isinstance(parse_record(sealed(*GOOD)), OwnerRecord)


def test_tells_a_newer_format_from_damage() -> None:
    read = parse_record(sealed("anything=else", kind="ovs-owner 2"))
    assert read == Unreadable("format 2, not 1", is_newer=True)


@pytest.mark.parametrize(
    "change",
    [
        {"owner": "two words"},
        {"owner": ""},
        {"owner": "a\nstate=stopped"},
        {"owner": "x" * 65},
        {"owner": "größe"},
        {"owner_number": 255},
        {"owner_number": -1},
        {"sequence": -1},
        {"order": (1, 2**63)},
        {"target": "vmserver2"},
        {"state": GuestState.MIGRATING},
    ],
    ids=str,
)
def test_refuses_what_would_not_come_back(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(RECORD, **change)  # type: ignore[arg-type]


def test_master_record() -> None:
    record = MasterRecord(12, "vmserver1", BOOT, "1a2b3c")
    block = format_master(record)
    assert len(block) == 512
    assert parse_master(block) == record
    assert parse_master(b"") == Missing()
    assert isinstance(parse_master(format_record(RECORD)), Unreadable)
    assert isinstance(parse_master(block[:-1] + b" "), Unreadable)
    with pytest.raises(ValueError):
        MasterRecord(-1, "a", "b", "c")
