"""iSCSI's words, and what iscsiadm prints."""

from __future__ import annotations

import pytest

from ovstools.errors import ParseError, UsageError
from ovstools.model.iscsi import (
    NodeRecord,
    Portal,
    TargetPortal,
    parse_discovery,
    parse_portal,
    parse_records,
    parse_wanted,
)
from tests.unit.model.captured import captured

P = "iqn.1992-04.com.emc:cx.apm00070202838"
#: the white paper's listing, step 3
LISTING = f"""\
10.1.1.1:3260,5 {P}.a2
10.1.1.1:3260,6 {P}.a3
10.2.1.250:3260,4 {P}.b1
10.1.0.249:3260,1 {P}.a0
10.1.1.249:3260,2 {P}.a1
10.2.0.250:3260,3 {P}.b0
"""


@pytest.mark.parametrize(
    "word, host, port, text",
    [
        ("10.1.1.1", "10.1.1.1", 3260, "10.1.1.1:3260"),
        ("10.1.1.1:3261", "10.1.1.1", 3261, "10.1.1.1:3261"),
        ("[2001:db8::10]:3261", "2001:db8::10", 3261, "[2001:db8::10]:3261"),
        ("[2001:db8::10]", "2001:db8::10", 3260, "[2001:db8::10]:3260"),
        ("2001:db8::10", "2001:db8::10", 3260, "[2001:db8::10]:3260"),
        ("fe80::1%eth0", "fe80::1%eth0", 3260, "[fe80::1%eth0]:3260"),
        ("storage1.example.com", "storage1.example.com", 3260, "storage1.example.com:3260"),
    ],
)
def test_portal(word: str, host: str, port: int, text: str) -> None:
    portal = parse_portal(word)
    assert (portal.host, portal.port, str(portal)) == (host, port, text)
    assert parse_portal(str(portal)) == portal


@pytest.mark.parametrize(
    "word",
    ["", ":3260", "10.1.1.1:", "10.1.1.1:0", "10.1.1.1:65536", "10.1.1.1:x", "[10.1.1.1]",
     "[::1", "a b", "-h", "10.1.1.1,5", "../x", "::1]:3260", "[::g]"],
)  # fmt: skip
def test_no_portal(word: str) -> None:
    with pytest.raises(UsageError):
        parse_portal(word)


def test_two_spellings_of_an_address_are_one_portal() -> None:
    assert Portal("2001:DB8:0:0::10") == Portal("2001:db8::10")
    assert Portal("Storage1") == Portal("storage1")
    assert Portal("10.1.1.1") != Portal("10.1.1.1", 3261)
    assert str(Portal("2001:DB8::10")) == "[2001:DB8::10]:3260", "iscsiadm compares letters"


def test_discovery_of_the_white_paper() -> None:
    found = parse_discovery(LISTING)
    assert len(found) == 6
    assert found[0] == TargetPortal(f"{P}.a2", Portal("10.1.1.1"))
    assert [each.tag for each in found] == [5, 6, 4, 1, 2, 3]
    assert found[5].recid == "10.2.0.250:3260,3"
    assert parse_discovery("") == ()


def test_discovery_with_ipv6_and_unknown_tags() -> None:
    text = f"[2001:db8::10]:3260,-1 {P}.a2\n10.1.1.1:3260,4294967295 {P}.a2\n"
    first, second = parse_discovery(text)
    assert (first.recid, second.recid) == ("[2001:db8::10]:3260", "10.1.1.1:3260")


@pytest.mark.parametrize(
    "line",
    ["hello", f"10.1.1.1,5 {P}.a2", f"10.1.1.1:3260 {P}.a2", "10.1.1.1:3260,5 ../../etc",
     f"10.1.1.1:3260,5 {P}.a2 more"],
)  # fmt: skip
def test_discovery_that_is_not_understood(line: str) -> None:
    with pytest.raises(ParseError, match="iscsiadm:1: expected HOST:PORT,TAG IQN"):
        parse_discovery(line)


def test_records() -> None:
    first, second, third = parse_records(captured("iscsiadm", "records"))
    assert first == NodeRecord(
        TargetPortal(f"{P}.a2", Portal("10.1.1.1")), "automatic", "CHAP", "default"
    )
    assert (first.at.tag, first.is_automatic) == (5, True)
    assert (str(second.at.portal), second.is_automatic) == ("[2001:db8::10]:3260", False)
    assert third.at.recid == "10.2.0.250:3260", "a record without a tag"


def test_a_record_that_is_cut() -> None:
    text = captured("iscsiadm", "record-file")
    assert len(parse_records(text)) == 1
    with pytest.raises(ParseError, match="a whole node record"):
        parse_records(text.replace("node.conn[0].address", "node.conn[0].other"))
    assert parse_records(text[: len(text) // 2]) == ()


@pytest.mark.parametrize(
    "word, means",
    [
        (f"{P}.a2", {0, 1}),
        (f"{P}.A2", {0, 1}),
        (f"{P}.a2@10.1.1.1", {0}),
        (f"{P}.a2@10.1.1.1:3260", {0}),
        (f"{P}.a2@10.1.1.1:3261", set()),
        (f"{P}.a2@[2001:db8:0::10]", {1}),
        (f"{P}.a", set()),
        (f"{P}.a20", {2}),
    ],
)
def test_wanted(word: str, means: set[int]) -> None:
    targets = (
        TargetPortal(f"{P}.a2", Portal("10.1.1.1")),
        TargetPortal(f"{P}.a2", Portal("2001:db8::10")),
        TargetPortal(f"{P}.a20", Portal("10.1.1.1")),
    )
    wanted = parse_wanted(word)
    assert {number for number, at in enumerate(targets) if wanted.means(at)} == means


@pytest.mark.parametrize("word", ["", "a2", "@10.1.1.1", f"{P}.a2@", f"{P}/a2", f"{P} a2", "-o"])
def test_no_target(word: str) -> None:
    with pytest.raises(UsageError):
        parse_wanted(word)
