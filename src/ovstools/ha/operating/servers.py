"""How the servers are: live, and with news in their reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..view import Condition, NodeView
from .pool_view import PoolView
from .session import Session

#: reports from the future: clocks that differ; then only a rising number tells
AHEAD_S = 5.0
#: an agent's number rises every 2 s
SECOND_LOOK_S = 3.0


@dataclass(frozen=True)
class Servers:
    """The pool at one moment: what its files say, and how each server is."""

    view: PoolView
    nodes: Mapping[str, NodeView]
    live: frozenset[str] | None
    is_full: bool = False  #: no agent can write: rule 5

    @property
    def up(self) -> frozenset[str]:
        """Return the servers that are live and report."""
        gone = (Condition.SILENT, Condition.LOST, Condition.DEAD)
        return frozenset(name for name, node in self.nodes.items() if node.condition not in gone)

    @property
    def master(self) -> NodeView | None:
        """Return the server that wrote the orders, if it can still be the master."""
        if self.is_full:
            return None
        found = self.nodes.get(self.view.orders.master or "")
        return found if found is not None and found.condition.is_ready else None


class Judge:
    """Tells reports with news from stale ones; keeps what it has seen for the next look."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seen: dict[str, tuple[int, float]] = {}

    def look(self, patient: bool = True) -> Servers:
        """Read the pool and judge its servers; patient: look twice where the first look is odd.

        A report is fresh when its file was written lately. Where clocks differ too much for that
        to tell, it is fresh when its number rises. Raises as Session.view().
        """
        clock = self._session.host.clock
        self._session.look_around()
        view = self._session.view()
        moved = self._note(view)
        if patient and self._doubtful(view) - moved:
            clock.sleep(SECOND_LOOK_S)
            view = self._session.view()
            moved |= self._note(view)
        fresh = (view.sheets.keys() - self._doubtful(view)) | moved
        return replace(judged(self._session, view, fresh), is_full=self._session.is_full())

    def _note(self, view: PoolView) -> set[str]:
        """Return the servers whose number has risen since an earlier look, not long ago."""
        now = self._session.host.clock.monotonic()
        for node, sheet in view.sheets.items():
            before = self._seen.get(node)
            if before is None:
                self._seen[node] = (sheet.sequence, float("-inf"))
            elif before[0] != sheet.sequence:
                self._seen[node] = (sheet.sequence, now)
        stale_s = view.policy.stale_s
        return {node for node, (_, at) in self._seen.items() if now - at <= stale_s}

    def _doubtful(self, view: PoolView) -> set[str]:
        now, stale_s = self._session.host.clock.wall(), view.policy.stale_s
        live = self._session.members.live
        return {
            node
            for node, at in view.written_at.items()
            if (live is None or node in live) and not -AHEAD_S <= now - at <= stale_s
        }


def roughly(session: Session, view: PoolView) -> Servers:
    """Take every report as fresh: enough to say what goes on while we wait for it."""
    return judged(session, view, set(view.sheets))


def judged(session: Session, view: PoolView, fresh: set[str]) -> Servers:
    """Judge every server; fresh: those whose report has news."""
    members = session.members
    nodes = {}
    for name, number in members.numbers.items():
        report = view.reports.get(name)
        condition = _condition(view, name, members.live, name in fresh)
        nodes[name] = NodeView(name, number, condition, report)
    return Servers(view, nodes, members.live)


def _condition(view: PoolView, name: str, live: frozenset[str] | None, is_fresh: bool) -> Condition:
    """Judge one server as the master does (ha/view.py); its kept locks are in the orders."""
    report = view.reports.get(name)
    if live is not None and name not in live:
        return Condition.DEAD if name in view.orders.node_locks else Condition.LOST
    if report is None or not is_fresh:
        return Condition.SILENT
    if not (report.node_lock and report.asked):
        return Condition.JOINING
    if report.leaving:
        return Condition.LEAVING
    return Condition.MAINTENANCE if name in view.policy.maintenance else Condition.ONLINE
