"""Libvirt's domains, as virsh 9.0 shows them."""

from __future__ import annotations

import pytest

from ovstools.model.domain import (
    DomainState,
    ListedDomain,
    parse_dominfo,
    parse_domstate,
    parse_domstates,
    parse_domstats,
    parse_names,
)
from tests.unit.model.captured import captured


@pytest.mark.parametrize(
    "case, states",
    [
        ("domstats-none", {}),
        ("domstats-two", {"web1": "running (unknown)", "web2": "shut off (unknown)"}),
        ("domstats-suspended", {"web1": "paused (user)"}),
        ("domstats-starting-up", {"web1": "paused (starting up)"}),
        ("domstats-migrating", {"web1": "paused (migrating)"}),
        ("domstats-arrived", {"web1": "paused (user)"}),
        ("domstats-migrated", {"web1": "shut off (migrated)"}),
        ("domstats-crashed", {"web1": "shut off (crashed)"}),
        ("domstats-destroyed", {"web1": "shut off (destroyed)"}),
        ("domstats-shutdown", {"web1": "shut off (shutdown)"}),
        ("domstats-saved", {"web1": "shut off (saved)", "web2": "shut off (unknown)"}),
    ],
)
def test_domstats(case: str, states: dict[str, str]) -> None:
    found = parse_domstats(captured("virsh", case))
    assert {name: str(state) for name, state in found.items()} == states


@pytest.mark.parametrize(
    "state, reason, text",
    [
        (1, 5, "running (unknown)"),  # only of paused and shut off ones the reason matters
        (3, 5, "paused (I/O error)"),
        (3, 99, "paused (unknown)"),
        (5, 8, "shut off (daemon)"),
        (5, 9, "shut off (unknown)"),
        (6, 1, "crashed (unknown)"),
        (7, 0, "pmsuspended (unknown)"),
        (8, 0, "unknown (unknown)"),
    ],
)
def test_numbers_are_libvirts_enums(state: int, reason: int, text: str) -> None:
    shown = f"Domain: 'a'\n  state.state={state}\n  state.reason={reason}\n"
    assert str(parse_domstats(shown)["a"]) == text


@pytest.mark.parametrize(
    "text",
    [
        "Domain: 'web1'\n",
        "Domain: 'web1'\n  state.reason=1\n",
        "  state.state=1\n",
        "error: whatever\n",
        "Domain: 'web1'\n  state.state=x\n",
    ],
)
def test_half_an_answer_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="virsh domstats"):
        parse_domstats(text)


def test_domstates() -> None:
    both = {
        "ct1": ListedDomain(DomainState("running", "booted"), 7675),
        "ct2": ListedDomain(DomainState("shut off", "unknown")),
    }
    assert parse_domstates(captured("virsh", "domstates-two")) == both
    assert parse_domstates(captured("virsh", "domstates-gone")) == both
    assert parse_domstates("\n") == {}


@pytest.mark.parametrize(
    "text", ["running (booted)\n", "= ct1\nrunning away\n", "= ct1\nrunning (booted)\nno id\n"]
)
def test_odd_domstates(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_domstates(text)


@pytest.mark.parametrize(
    "line, state",
    [
        ("running", DomainState("running", "unknown")),
        ("shut off (from snapshot)", DomainState("shut off", "from snapshot")),
        ("paused (I/O error)", DomainState("paused", "I/O error")),
    ],
)
def test_domstate(line: str, state: DomainState) -> None:
    assert parse_domstate(line) == state


def test_names() -> None:
    assert parse_names(captured("virsh", "names")) == ("ct1", "ct2")
    assert parse_names("\n") == ()


def test_dominfo() -> None:
    assert parse_dominfo(captured("virsh", "dominfo"))["Managed save"] == "no"
    saved = parse_dominfo(captured("virsh", "dominfo-saved"))
    assert (saved["Managed save"], saved["Autostart"]) == ("yes", "disable")
