"""guests/NAME.yaml: what the decision gets of it, and what is wrong is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ovstools.ha.forms.guest_file import GuestFile, format_guest, parse_guest, wish_of
from ovstools.ha.forms.reading import Unreadable
from ovstools.ha.wishes import After, Mark, Wish

LEAST = GuestFile("web1", "", "process", "/OVS/running_pool/web1/vm.cfg", "stopped", "a")
FULL = GuestFile(
    "web1", "07" * 16, "qemu:///system", "/OVS/running pool/web1/vm.xml", "ignored", "1234",
    "AB" * 16, "manual", (("a", "on"), ("7",)), False, 2, 3, -5, "ct", 0.5, 1024, 0.0, "restart",
    (After("db1", "agent", 5.0), After("010", "tcp:[fe80::1]:22")), Mark("backup", "a"),
)  # fmt: skip
TEXT = """\
format: 1
name: web1
hypervisor: process
definition: /OVS/running_pool/web1/vm.cfg
state: stopped
home: a
"""


@pytest.mark.parametrize("file", [LEAST, FULL], ids=["least", "full"])
def test_what_is_written_comes_back(file: GuestFile) -> None:
    assert parse_guest(format_guest(file), "web1") == file


def test_every_field_is_written() -> None:
    same = [name for name, value in vars(LEAST).items() if getattr(FULL, name) == value]
    assert same == ["name", "unknown"]
    assert len(format_guest(FULL).splitlines()) == len(vars(FULL)) - len(("unknown",)) + 1


def test_defaults() -> None:
    assert parse_guest(TEXT.encode(), "web1") == LEAST


def test_what_the_decision_gets() -> None:
    assert wish_of(FULL) == Wish(
        name="web1", home="1234", state="ignored", tiers=(frozenset({"a", "on"}), frozenset("7")),
        strict=True, failback=False, max_restart=2, max_relocate=3, priority=-5, kind="ct",
        cpu=0.5, mem_mb=1024, mark=Mark("backup", "a"), stop_s=0.0, repository="AB" * 16,
        on_shutdown="restart", after=FULL.after,
    )  # fmt: skip


def test_a_process_stays_where_it_was_started_whatever_its_file_says() -> None:
    """Else a server is emptied by migrations that fail, one after the other."""
    file = replace(LEAST, hypervisor="process", kind="vm")
    assert wish_of(file).kind == "ct"
    assert wish_of(replace(file, hypervisor="lxc:///system")).kind == "vm"


def test_a_wish_is_complete() -> None:
    """A field that Wish has, and no file sets, would be at its default for ever."""
    same = [n for n, v in Wish._field_defaults.items() if getattr(wish_of(FULL), n) == v]
    assert not same


@pytest.mark.parametrize(
    ("spelled", "tiers"),
    [
        ("[b, a]", (("b", "a"),)),
        ("[[a], [b, c]]", (("a",), ("b", "c"))),
        ("\n- a\n- b", (("a", "b"),)),
        ("[]", ()),
        ("~", ()),
    ],
)
def test_preferred_servers(spelled: str, tiers: Any) -> None:
    read = parse_guest(f"{TEXT}preferred_servers: {spelled}\n".encode(), "web1")
    assert isinstance(read, GuestFile)
    assert read.preferred_servers == tiers


@pytest.mark.parametrize("hypervisor", ["lxc:///system", "xen:///system", "xl", "test:///default"])
def test_hypervisors(hypervisor: str) -> None:
    read = parse_guest(TEXT.replace("process", hypervisor).encode(), "web1")
    assert isinstance(read, GuestFile)
    assert read.hypervisor == hypervisor


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("name: web2", "name: expected web1, as the file's name, found 'web2'"),
        ("name: a/b", "name: expected the name of a guest"),
        ("name: ''", "name: expected the name of a guest"),
        ("uuid: 123", "uuid: expected a UUID, 32 hex digits, found '123'"),
        ("hypervisor: qemu+ssh://other/system", "hypervisor: expected qemu:///system or such"),
        ("hypervisor: kvm", "hypervisor: expected qemu:///system or such"),
        ("definition: vm.xml", "definition: expected an absolute path, found 'vm.xml'"),
        ("definition: /OVS/../etc/passwd", "definition: expected an absolute path"),
        ("definition: /OVS/..", "definition: expected an absolute path"),
        ("definition: /OVS//vm.xml", "definition: expected an absolute path"),
        ('definition: "/OVS/a\\nb"', "definition: expected an absolute path"),
        ("state: running", "state: expected started or stopped or disabled or ignored"),
        ("home: a b", "home: expected the name of a server"),
        ("repository: /OVS", "repository: expected a UUID"),
        ("policy: maybe", "policy: expected auto or manual"),
        ("preferred_servers: a", "preferred_servers: expected a list of servers, found 'a'"),
        ("preferred_servers: [a, [b]]", "preferred_servers[2]: expected the name of a server"),
        ("preferred_servers: [[a], [a]]", "preferred_servers: expected each server once"),
        ("preferred_servers: [[a], []]", "preferred_servers: expected each server once, and no"),
        ("failback: maybe", "failback: expected on or off, found 'maybe'"),
        ("max_restart: -1", "max_restart: expected 0 to 1000, found '-1'"),
        ("priority: high", "priority: expected -1000000 to 1000000, found 'high'"),
        ("cpu: 0", "cpu: expected a number above 0, found '0'"),
        ("mem_mb: 1G", "mem_mb: expected 1 to"),
        ("mem_mb: 0.5", "mem_mb: expected 1 to"),
        ("stop_s: 1m", "stop_s: expected seconds"),
        ("on_shutdown: honor", "on_shutdown: expected honour or restart, found 'honor'"),
        ("after: db1", "after: expected a list of {guest, wait, timeout_s}, found 'db1'"),
        ("after: [db1]", "after[1]: expected keys and values, found 'db1'"),
        ("after: [{wait: agent}]", "after[1].guest: expected a value, found nothing"),
        ("after: [{guest: web1}]", "after: expected other guests, found 'web1'"),
        ("after: [{guest: b, wiat: agent}]", "after[1]: expected one of the keys guest, wait"),
        ("after: [{guest: b, wait: tcp:h}]", "after[1].wait: expected started, agent or tcp:HOST"),
        ("after: [{guest: b, wait: 'tcp:h:65536'}]", "after[1].wait: expected started"),
        ("after: [{guest: b, wait: 'tcp:-h:1'}]", "after[1].wait: expected started"),
        ("mark: backup", "mark: expected keys and values, found 'backup'"),
        ("mark: {kind: backup}", "mark.writer: expected a value, found nothing"),
        ("mark: {kind: move, writer: a}", "mark.kind: expected backup or create, found 'move'"),
    ],
)
def test_what_is_wrong_is_named(line: str, expected: str) -> None:
    key = line.partition(":")[0]
    kept = [each for each in TEXT.splitlines() if not each.startswith(f"{key}:")]
    read = parse_guest("\n".join([line, *kept]).encode(), "web1")
    assert isinstance(read, Unreadable)
    assert read.reason.startswith(f"line 1: {expected}")


@pytest.mark.parametrize("key", ["format", "name", "hypervisor", "definition", "state", "home"])
def test_what_is_required(key: str) -> None:
    kept = [each for each in TEXT.splitlines() if not each.startswith(f"{key}:")]
    read = parse_guest("\n".join(kept).encode(), "web1")
    expected = "1" if key == "format" else "a value"
    assert read == Unreadable(f"line 1: {key}: expected {expected}, found nothing")


def test_keys_that_are_not_known_are_reported() -> None:
    read = parse_guest(f"{TEXT}max_restrat: 3\n".encode(), "web1")
    assert isinstance(read, GuestFile)
    assert read.unknown == ("max_restrat",)
