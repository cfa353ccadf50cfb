"""A small pool as the master sees it: servers a, b and c, all online, and what is changed of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovstools.ha.master import Deciding, decide
from ovstools.ha.orders import Entry, Orders, Phase
from ovstools.ha.report import Local, Power, Report
from ovstools.ha.rules import Rules
from ovstools.ha.view import Condition, NodeView, View
from ovstools.ha.wishes import STARTED, Ask, Policy, Rule, Wish, Wishes

NAMES = "abc"


def wish(name: str, **values: Any) -> Wish:
    """Return a guest that is to run."""
    return Wish(**{"name": name, "home": "a", "state": STARTED, "mem_mb": 1000, **values})


def running(node: str = "a", **values: Any) -> Entry:
    """Return the entry of a guest that runs."""
    return Entry(Phase.RUNNING, node, **{"boot": f"{node}-1", "home": "a", **values})


def waiting(node: str = "a", **values: Any) -> Entry:
    """Return the entry of a guest that waits for a server."""
    return Entry(Phase.WAITING, node, **{"home": "a", **values})


def report(node: str, guests: Mapping[str, Power | Local] | None = None, **values: Any) -> Report:
    """Return what a healthy server reports."""
    here = {
        guest: each if isinstance(each, Local) else Local(each, each.is_here)
        for guest, each in (guests or {}).items()
    }
    known = {"node_lock": True, "asked": True, "guests": here, "mem_mb": 8000, **values}
    return Report(node=node, boot=f"{node}-1", **known)


def nodes(
    reports: Mapping[str, Report] | None = None, conditions: Mapping[str, Condition] | None = None
) -> dict[str, NodeView]:
    """Return the servers."""
    found = {}
    for number, name in enumerate(NAMES):
        condition = (conditions or {}).get(name, Condition.ONLINE)
        found[name] = NodeView(name, number, condition, (reports or {}).get(name, report(name)))
    return found


def view(
    guests: tuple[Wish, ...], entries: Mapping[str, Entry], asks: tuple[Ask, ...] = (),
    reports: Mapping[str, Report] | None = None, now: float = 1000.0,
    since: Mapping[str, float] | None = None, policy: Policy | None = None,
    conditions: Mapping[str, Condition] | None = None, answers: Mapping[str, str] | None = None,
    rules: tuple[Rule, ...] = (),
) -> View:  # fmt: skip
    """Return one cycle's input; entries that run are reported where they do."""
    here: dict[str, dict[str, Power | Local]] = {name: {} for name in NAMES}
    for guest, entry in entries.items():
        if entry.phase is Phase.RUNNING:
            here[entry.node][guest] = Power.RUNNING
    known = {name: report(name, here[name]) for name in NAMES}
    wishes = Wishes(policy or Policy(), {each.name: each for each in guests}, rules, asks)
    orders = Orders(epoch=1, entries=dict(entries), answers=dict(answers or {}))
    seen = nodes({**known, **(reports or {})}, conditions)
    return View(now, "a", 1, wishes, orders, seen, dict(since or {}))


def decided(found: View, rules: Rules | None = None) -> tuple[Orders, Deciding]:
    """Return what the master decides."""
    return decide(found, rules or Rules())
