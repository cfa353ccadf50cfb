"""Read a guest of a scenario: what its operator wants, and its faults."""

from __future__ import annotations

from typing import Any

from ..wishes import HONOUR, RESTART, WAIT_AGENT, WAIT_STARTED, WAIT_TCP, After, Wish
from .scenario import GUEST_CPU, GUEST_MEM_MB, GUEST_STATES, Fault, Reader

_GUEST_KEYS = (
    "node",
    "state",
    "prefer",
    "strict",
    "failback",
    "max_restart",
    "max_relocate",
    "priority",
    "kind",
    "needs",
    "fault",
    "repository",
    "on_shutdown",
    "after",
)


def parse_guest(read: Reader, name: str, value: Any, nodes: Any) -> tuple[Wish, Fault]:
    """Read what is wanted of a guest, and what goes wrong with it."""
    what = f"guests.{name}"
    keys = read.mapping(value, what, _GUEST_KEYS)
    if "node" not in keys:
        raise read.fail(f"{what}: node is missing")
    needs = read.mapping(keys.get("needs"), f"{what}.needs", ("cpu", "mem_mb"))
    tiers = keys.get("prefer") or []
    if not isinstance(tiers, list):
        raise read.fail(f"{what}.prefer: expected a list of tiers, found {tiers!r}")
    fault = read.mapping(keys.get("fault"), f"{what}.fault", Fault._fields)
    only_on = fault.get("only_on")
    return Wish(
        name=name,
        home=read.known(keys["node"], nodes, f"{what}.node"),
        state=read.known(keys.get("state", "disabled"), GUEST_STATES, f"{what}.state"),
        tiers=tuple(frozenset(read.those_known(tier, nodes, f"{what}.prefer")) for tier in tiers),
        strict=read.flag(keys.get("strict", False), f"{what}.strict"),
        failback=read.flag(keys.get("failback", True), f"{what}.failback"),
        max_restart=int(read.number(keys.get("max_restart", 1), f"{what}.max_restart")),
        max_relocate=int(read.number(keys.get("max_relocate", 1), f"{what}.max_relocate")),
        priority=int(read.number(keys.get("priority", 100), f"{what}.priority", -1e9)),
        kind=read.known(keys.get("kind", "vm"), ("vm", "ct"), f"{what}.kind"),
        cpu=read.number(needs.get("cpu", GUEST_CPU), f"{what}.needs.cpu"),
        mem_mb=int(read.number(needs.get("mem_mb", GUEST_MEM_MB), f"{what}.needs.mem_mb")),
        repository=str(keys.get("repository", "")),
        on_shutdown=read.known(
            keys.get("on_shutdown", HONOUR), (HONOUR, RESTART), f"{what}.on_shutdown"
        ),
        after=tuple(_after(read, each, f"{what}.after") for each in keys.get("after") or ()),
    ), Fault(
        start_fails=int(read.number(fault.get("start_fails", 0), f"{what}.fault")),
        migrate_fails=int(read.number(fault.get("migrate_fails", 0), f"{what}.fault")),
        stop_fails=read.flag(fault.get("stop_fails", False), f"{what}.fault"),
        cannot_start=read.flag(fault.get("cannot_start", False), f"{what}.fault"),
        only_on=None if only_on is None else read.known(only_on, nodes, f"{what}.fault"),
        answers_after=read.number(fault.get("answers_after", 5), f"{what}.fault"),
        never_answers=read.flag(fault.get("never_answers", False), f"{what}.fault"),
    )


def _after(read: Reader, value: Any, what: str) -> After:
    keys = read.mapping(value, what, ("guest", "wait", "timeout"))
    wait = str(keys.get("wait", WAIT_STARTED))
    if wait not in (WAIT_STARTED, WAIT_AGENT) and not wait.startswith(WAIT_TCP):
        raise read.fail(f"{what}.wait: expected started, agent or tcp:HOST:PORT, found {wait!r}")
    if "guest" not in keys:
        raise read.fail(f"{what}: guest is missing")
    return After(str(keys["guest"]), wait, read.number(keys.get("timeout", 300), f"{what}.timeout"))


def parse_guest_state(read: Reader, value: Any, nodes: Any) -> tuple[str, ...]:
    """Read the words of `initial.guest_state`."""
    words = str(value).split()
    if len(words) == 3 and words[0] in ("error", "fence-pending") and words[1] == "on":
        return (words[0], read.known(words[2], nodes, "guest_state"))
    if len(words) == 5 and words[0] == "migrating" and words[1::2] == ["from", "to"]:
        return (words[0], *(read.known(node, nodes, "guest_state") for node in words[2::2]))
    raise read.fail(
        "guest_state: expected 'error on NODE', 'fence-pending on NODE' or "
        f"'migrating from NODE to NODE', found {value!r}"
    )
