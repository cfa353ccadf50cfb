"""`what-if`: where the guests of servers that fail would go, by the code that decides it.

Pure: the servers that fail are taken as proven dead, everything that starts as started and
answering at once, and the master's decision is repeated until nothing is left to decide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..model.timing import Timing
from .after import probes
from .master import decide
from .orders import Entry, Orders, Phase
from .report import Local, Power, Report
from .rules import Rules
from .view import Condition, NodeView, View
from .wishes import STARTED, Wishes

#: the DLM's recovery of a dead member (facts: measured), and our own part, at most
DLM_S, REACTION_S = 5.0, 1.0
#: decisions are repeated so often at most; each starts at least one guest
MOST_ROUNDS = 1000
_PLACED = {Phase.RUNNING, Phase.STARTING, Phase.STOPPING, Phase.MIGRATING}


class Fate(NamedTuple):
    """What becomes of one guest; node None: it waits, and reason says why.

    seconds: predicted from the failure until it runs again.
    """

    guest: str
    source: str
    node: str | None
    reason: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class WhatIf:
    """The answer for servers that fail together."""

    failed: tuple[str, ...]
    fates: tuple[Fate, ...]

    @property
    def holds(self) -> bool:
        """Tell whether every guest finds a server."""
        return all(fate.node is not None for fate in self.fates)


@dataclass(frozen=True)
class Pool:
    """What the pool file system and the live nodes say now; up: servers with a fresh report."""

    wishes: Wishes
    orders: Orders
    reports: Mapping[str, Report]
    numbers: Mapping[str, int]
    up: frozenset[str]


def conditions(pool: Pool, failed: Collection[str] = ()) -> dict[str, NodeView]:
    """Judge every server of cluster.conf; those that are not up are taken as dead."""
    found = {}
    for name, number in pool.numbers.items():
        report = pool.reports.get(name)
        if name in failed or name not in pool.up or report is None:
            condition = Condition.DEAD
        elif report.leaving:
            condition = Condition.LEAVING
        elif not (report.node_lock and report.asked):
            condition = Condition.JOINING
        elif name in pool.wishes.policy.maintenance:
            condition = Condition.MAINTENANCE
        else:
            condition = Condition.ONLINE
        found[name] = NodeView(name, number, condition, report)
    return found


def what_if(
    pool: Pool, failed: Iterable[str], timing: Timing, start_s: float, rules: Rules | None = None,
    recovery_s: float = DLM_S,
) -> WhatIf:  # fmt: skip
    """Say what becomes of the guests of these servers.

    start_s, recovery_s: what a guest's start takes, and the recovery of a dead server's locks.
    """
    names = tuple(sorted(set(failed)))
    concerned = {
        guest: entry.node
        for guest, entry in pool.orders.entries.items()
        if entry.node in names and entry.phase in _PLACED
        and (wish := pool.wishes.guests.get(guest)) is not None and wish.state == STARTED
    }  # fmt: skip
    if not pool.wishes.policy.ha:
        fates = [Fate(g, node, None, "HA is off for the pool") for g, node in concerned.items()]
        return WhatIf(names, tuple(sorted(fates)))
    begun = timing.dead_s + recovery_s + REACTION_S
    orders, rounds = _settled(pool, names, rules or Rules())
    fates = []
    for guest, source in sorted(concerned.items()):
        entry = orders.entries[guest]
        if entry.phase is Phase.RUNNING and entry.node not in names:
            seconds = begun + start_s * (1 + rounds.get(guest, 0))
            fates.append(Fate(guest, source, entry.node, "", round(seconds, 1)))
        else:
            fates.append(Fate(guest, source, None, entry.reason or entry.phase.value))
    return WhatIf(names, tuple(fates))


def each_server(
    pool: Pool, timing: Timing, start_s: float, rules: Rules | None = None,
    recovery_s: float = DLM_S,
) -> tuple[WhatIf, ...]:  # fmt: skip
    """Let every server fail that is up, one at a time: is the pool N+1?"""
    return tuple(what_if(pool, (n,), timing, start_s, rules, recovery_s) for n in sorted(pool.up))


def _settled(pool: Pool, failed: Collection[str], rules: Rules) -> tuple[Orders, dict[str, int]]:
    """Decide until nothing changes; return also in which round each guest was started."""
    nodes = conditions(pool, failed)
    survivors = [name for name, node in nodes.items() if node.condition.is_ready]
    pool_orders = pool.orders
    entries = {guest: entry._replace(wait_s=0.0) for guest, entry in pool_orders.entries.items()}
    orders = replace(pool_orders, entries=entries)
    rounds: dict[str, int] = {}
    for number in range(MOST_ROUNDS):
        view = View(
            0.0, survivors[0] if survivors else "", orders.epoch + 1, pool.wishes, orders,
            _reporting(nodes, orders, pool.wishes), {},
        )  # fmt: skip
        decided, _ = decide(view, rules)
        following = {guest: _done(entry, nodes) for guest, entry in decided.entries.items()}
        for guest, entry in decided.entries.items():
            if entry.phase is Phase.STARTING:
                rounds.setdefault(guest, number)
        if following == orders.entries:
            break
        orders = replace(decided, entries=following, epoch=orders.epoch)
    return orders, rounds


def _done(entry: Entry, nodes: Mapping[str, NodeView]) -> Entry:
    """Let an order be carried out at once."""
    if entry.phase is Phase.STARTING:
        return _runs(entry, entry.node, nodes)
    if entry.phase is Phase.MIGRATING and entry.target is not None:
        return _runs(entry, entry.target, nodes)
    if entry.phase is Phase.STOPPING:
        node = entry.target or entry.node
        return entry._replace(phase=Phase.WAITING, order=None, target=node)
    return entry._replace(wait_s=0.0)


def _runs(entry: Entry, name: str, nodes: Mapping[str, NodeView]) -> Entry:
    node = nodes.get(name)
    boot = node.report.boot if node is not None and node.report is not None else None
    return entry._replace(
        phase=Phase.RUNNING, node=name, target=None, order=None, boot=boot, wait_s=0.0
    )


def _reporting(
    nodes: Mapping[str, NodeView], orders: Orders, wishes: Wishes
) -> dict[str, NodeView]:
    """Let the servers that are left report what the entries say, and every probe succeed."""
    here: dict[str, dict[str, Local]] = {name: {} for name in nodes}
    for guest, entry in orders.entries.items():
        if entry.phase in _PLACED and entry.node in here:
            here[entry.node][guest] = Local(Power.RUNNING, True)
    found = {}
    for name, node in nodes.items():
        report = node.report
        if report is not None and node.condition.is_ready:
            answering = frozenset(map(str, probes(wishes, here[name])))
            report = replace(report, guests=here[name], answering=answering, answers={})
        found[name] = node._replace(report=report)
    return found
