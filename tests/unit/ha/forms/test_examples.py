"""The example files are what the forms read, they name every key, and they can be edited."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ovstools.ha.forms import guest_file, policy
from ovstools.ha.forms.edit import with_changes
from ovstools.ha.forms.guest_file import GuestFile, parse_guest
from ovstools.ha.forms.policy import Pool, parse_pool
from ovstools.ha.forms.reading import demand
from ovstools.ha.forms.rules import parse_rules
from ovstools.ha.wishes import APART, TOGETHER, After, Policy, Rule

EXAMPLES = Path(__file__).parents[4] / "examples"
MAN = EXAMPLES.parent / "man" / "ovstools-pool-files.5"
POOL, RULES, GUEST = (EXAMPLES / name for name in ("pool.yaml", "rules.yaml", "guest.yaml"))

WEB1 = GuestFile(
    name="web1",
    uuid="0004FB00000600001F2C9A3B5D7E8F60",
    hypervisor="qemu:///system",
    definition="/OVS/running_pool/web1/vm.xml",
    state="started",
    home="vmserver1.example.com",
    repository="0004FB0000030000A1B2C3D4E5F60718",
    preferred_servers=(
        ("vmserver1.example.com", "vmserver2.example.com"),
        ("vmserver3.example.com",),
    ),
    cpu=2.0,
    mem_mb=2048,
    after=(After("db1", "tcp:192.168.100.21:5432", 300.0), After("dns1", "started", 60.0)),
)


def test_pool() -> None:
    """What the example says besides the UUID is what holds without it."""
    read = demand(parse_pool(POOL.read_bytes()), "pool.yaml")
    assert read == Pool("0004FB0000050000B705A7C1F2E34D56", Policy())


def test_rules() -> None:
    assert demand(parse_rules(RULES.read_bytes()), "rules.yaml") == (
        Rule(TOGETHER, frozenset({"app1", "cache1"})),
        Rule(APART, frozenset({"dns1", "dns2"})),
    )


def test_guest() -> None:
    assert demand(parse_guest(GUEST.read_bytes(), "web1"), "web1.yaml") == WEB1


@pytest.mark.parametrize(
    ("path", "keys"), [(POOL, policy.READERS), (GUEST, guest_file.READERS)], ids=["pool", "guest"]
)
def test_examples_and_man_page_name_every_key(path: Path, keys: Any) -> None:
    assert set(re.findall(r"^#?(\w+):(?: |$)", path.read_text(), re.M)) == {*keys, "format"}
    page = set(re.findall(r"^\.It Cm (\w+)", MAN.read_text(), re.M))
    assert set(keys) <= page


@pytest.mark.parametrize("path", [POOL, RULES, GUEST], ids=lambda path: str(path.stem))
def test_nothing_is_changed_by_no_change(path: Path) -> None:
    text = path.read_text()
    assert with_changes(text, {}) == text


SAME: dict[str, Any] = {
    "state": "started", "failback": True, "cpu": 2, "stop_s": 60.0, "mark": None, "utility": None,
    **guest_file.as_values(WEB1),
}  # fmt: skip


@pytest.mark.parametrize("key", SAME)
def test_what_is_so_already_stays_as_it_is_spelled(key: str) -> None:
    text = GUEST.read_text()
    assert with_changes(text, {key: SAME[key]}) == text


@pytest.mark.parametrize(
    ("path", "changes", "old", "new"),
    [
        (POOL, {"ha": False}, "ha: on            ", "ha: off            "),
        (POOL, {"drain": 900}, "drain: 600  ", "drain: 900  "),
        (POOL, {"maintenance": ["b", "1234"]}, "maintenance: []  ", "maintenance: [b, '1234']  "),
        (GUEST, {"state": "stopped"}, "state: started   ", "state: stopped   "),
        (GUEST, {"home": "on"}, "home: vmserver1.example.com", "home: 'on'"),
        (GUEST, {"repository": None}, "repository: 0004FB0000030000A1B2C3D4E5F60718   # a server "
         "without it cannot run the guest\n", ""),
        (GUEST, {"preferred_servers": ["a", "b"]}, "  - [vmserver1.example.com, "
         "vmserver2.example.com]   # the first tier\n  - [vmserver3.example.com]",
         "  - a\n  - b"),
    ],
)  # fmt: skip
def test_only_the_lines_of_a_key_change(path: Path, changes: Any, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    assert with_changes(text, changes) == text.replace(old, new, 1)


def test_a_new_key_comes_last() -> None:
    text = GUEST.read_text()
    mark = {"kind": "backup", "writer": "a"}
    marked = with_changes(text, {"mark": mark})
    assert marked == f"{text}mark: {{kind: backup, writer: a}}\n"
    assert with_changes(marked, {"mark": None}) == text
