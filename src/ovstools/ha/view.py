"""What the master sees of the pool in one cycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from .actions import node_lock
from .observation import Identity, Observation
from .orders import Orders
from .report import Report, Seen
from .wishes import Wishes


class Condition(Enum):
    """A server as the master sees it."""

    ONLINE = "online"
    MAINTENANCE = "maintenance"
    LEAVING = "leaving"
    JOINING = "joining"  #: live, but its agent has no node lock yet, or no answers
    SILENT = "silent"  #: live, and its report is stale: its guests count as running
    LOST = "lost"  #: not live; its node lock is awaited
    DEAD = "dead"  #: not live, and we hold its node lock

    #: members are single: the identity will do, and Enum's own hash is a slow one
    __hash__ = object.__hash__

    @property
    def phrase(self) -> str:
        """Return what follows `the server is`."""
        return _PHRASES.get(self, self.value)

    @property
    def is_ready(self) -> bool:
        """Tell whether what its agent reports can be relied on."""
        return self in _READY

    @property
    def is_gone(self) -> bool:
        """Tell whether it does not heartbeat."""
        return self in _GONE


_PHRASES = {Condition.MAINTENANCE: "in maintenance", Condition.LEAVING: "shutting down"}
_READY = {Condition.ONLINE, Condition.MAINTENANCE, Condition.LEAVING}
_GONE = {Condition.LOST, Condition.DEAD}


class NodeView(NamedTuple):
    """One server."""

    name: str
    number: int
    condition: Condition
    report: Report | None


@dataclass(frozen=True)
class View:
    """One cycle's input to the master's decision.

    since: when each guest's entry was last changed, on our clock. steady_at: when our heartbeat
    will have been steady long enough to call anybody dead; None when it has.
    """

    now: float
    me: str
    epoch: int
    wishes: Wishes
    orders: Orders
    nodes: Mapping[str, NodeView]
    since: Mapping[str, float]
    steady_at: float | None = None

    def whereabouts(self) -> dict[str, str]:
        """Return for each guest the server whose agent reports it there, lock in hand."""
        found = {}
        for node in self.nodes.values():
            if node.condition.is_ready and node.report is not None:
                for guest, local in node.report.guests.items():
                    if local.locked and local.power.is_here:
                        found[guest] = node.name
        return found

    def arrivals(self) -> dict[str, str]:
        """Return the guests that a live server has without our lock there, and which server."""
        return {
            guest: node.name
            for node in self.nodes.values()
            if not node.condition.is_gone and node.report is not None
            for guest, local in node.report.guests.items()
            if local.power.is_here and not local.locked
        }


def look(
    observation: Observation, identity: Identity, epoch: int, since: Mapping[str, float],
    stale_s: float, needs_lock: bool = True,
) -> View:  # fmt: skip
    """Judge every server of cluster.conf by live nodes, node locks and reports."""
    files = observation.files
    assert files is not None, "an agent without sight decides nothing"
    live = observation.live or frozenset()
    maintenance = files.wishes.policy.maintenance
    steady_at = (observation.steady_since or 0.0) + identity.dead_s
    is_steady = observation.steady_since is not None and observation.now >= steady_at
    nodes = {}
    for name, number in identity.numbers.items():
        seen = files.reports.get(name)
        report = seen.report if seen else None
        if number in live:
            condition = _live(name, seen, observation.now, maintenance, stale_s)
        elif is_steady and (node_lock(name) in observation.kept or not needs_lock):
            condition = Condition.DEAD
        else:
            condition = Condition.LOST
        nodes[name] = NodeView(name, number, condition, report)
    return View(
        observation.now, identity.node, epoch, files.wishes, files.orders, nodes, since,
        None if is_steady else steady_at,
    )  # fmt: skip


def _live(
    name: str, seen: Seen | None, now: float, maintenance: frozenset[str], stale_s: float
) -> Condition:
    if seen is None or not seen.moved or now - seen.since > stale_s:
        return Condition.SILENT
    if not (seen.report.node_lock and seen.report.asked):
        return Condition.JOINING
    if seen.report.leaving:
        return Condition.LEAVING
    return Condition.MAINTENANCE if name in maintenance else Condition.ONLINE
