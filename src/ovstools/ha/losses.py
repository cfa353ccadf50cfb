"""Servers that stopped heartbeating: their node locks, held by the master, and what took how long.

The times are this server's monotonic seconds; the parts of a failover in `vm history` come from
them and from what the starting server notes (jobs.start).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import DropFromKeeper, PutToKeeper, Result, TakeLock, node_lock
from .observation import Observation
from .orders import START, Orders
from .view import View

if TYPE_CHECKING:
    from .agent import Agent

#: for another master to say what it holds, once it can have the role
BLIND_S = 30.0
Parts = tuple[tuple[str, float], ...]


class Loss:
    """When one server was heard of last, was no longer live, and what was seen of it since."""

    __slots__ = ("gone_at", "heard_at", "lock_at", "read_at")

    def __init__(self, heard_at: float, gone_at: float) -> None:
        self.heard_at = heard_at
        self.gone_at = gone_at
        self.lock_at: float | None = None
        self.read_at: float | None = None

    def parts(self, now: float) -> Parts:
        """Return what passed one after the other until the order is on storage, now."""
        lock_at = self.gone_at if self.lock_at is None else self.lock_at
        read_at = lock_at if self.read_at is None else max(lock_at, self.read_at)
        return (
            ("silent", round(self.gone_at - self.heard_at, 3)),
            ("node lock", round(lock_at - self.gone_at, 3)),
            ("read", round(read_at - lock_at, 3)),
            ("order", round(now - read_at, 3)),
        )


class Losses:
    """What a master does about servers that are gone."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._asked: set[str] = set()
        self._found: dict[str, Loss] = {}
        self._blind_since: float | None = None

    def foreign_locks(self) -> list[str]:
        """Return the servers whose node lock our keeper holds."""
        agent = self._agent
        others = (name for name in agent.identity.numbers if name != agent.identity.node)
        return [name for name in others if node_lock(name) in agent.seen.kept]

    # ------------------------------------------------------------ as master

    def look(self, view: View, needs_locks: bool) -> None:
        """Note who is gone, ask for their node locks; return those of servers that came back."""
        agent = self._agent
        for name, node in view.nodes.items():
            lock = node_lock(name)
            if not node.condition.is_gone:
                self._found.pop(name, None)
                if needs_locks and name != view.me and lock in agent.seen.kept:
                    agent.issue(DropFromKeeper(lock))
                continue
            self._note(name, agent.seen)
            if needs_locks and lock not in self._asked and lock not in agent.seen.kept:
                self._ask(name)

    def _note(self, name: str, seen: Observation) -> None:
        loss = self._found.get(name)
        if loss is None:
            heard = seen.files.reports.get(name) if seen.files is not None else None
            heard_at = heard.since if heard is not None else seen.now
            loss = self._found[name] = Loss(heard_at, seen.now)
            silent = round(loss.gone_at - loss.heard_at, 3)
            self._agent.event("not live", None, name, parts=(("silent", silent),))
        read_at = seen.now if seen.read_at is None else seen.read_at
        if loss.read_at is None and read_at >= loss.gone_at:
            loss.read_at = read_at

    def _ask(self, name: str) -> None:
        agent, lock = self._agent, node_lock(name)
        self._asked.add(lock)

        def kept(result: Result) -> None:
            self._asked.discard(lock)

        def granted(result: Result) -> None:
            if result.ok and agent.leading.has_role:
                self._granted(name)
                agent.issue(PutToKeeper(lock), kept)
                return
            self._asked.discard(lock)
            if result.ok:
                agent.release(lock)

        agent.issue(TakeLock(lock, blocking=True), granted)

    def _granted(self, name: str) -> None:
        loss = self._found.get(name)
        if loss is not None and loss.lock_at is None:
            loss.lock_at = self._agent.seen.now
            passed = round(loss.lock_at - loss.gone_at, 3)
            self._agent.event("node lock", None, name, parts=(("node lock", passed),))

    def ordered(self, before: Orders, orders: Orders) -> None:
        """Note the starts of guests of lost servers, as their orders are on storage."""
        if not self._found:
            return
        for guest, entry in orders.entries.items():
            old = before.entries.get(guest)
            if entry.order is None or entry.order.verb != START or old is None:
                continue
            loss = self._found.get(old.node)
            if loss is not None and old.order != entry.order:
                text = f"order {entry.order.id}: {old.node} is lost, start on {entry.node}"
                self._agent.event("ordered", guest, text, parts=loss.parts(self._agent.seen.now))

    # ------------------------------------------------------------ without the role

    def sees(self) -> None:
        """Note that the pool file system can be read."""
        self._blind_since = None

    def give_back(self) -> None:
        """Drop node locks of a role that is over, once no orders say any more that we hold them.

        Certificates rest on them: another master first says that it does not have them. Who
        cannot see that waits: all locks may stand still for the death of yet another server.
        """
        agent = self._agent
        self._found.clear()
        files = agent.seen.files
        until = None
        if files is None:
            if self._blind_since is None:
                self._blind_since = agent.seen.now
            until = self._blind_since + agent.identity.dead_s + BLIND_S
            is_replaced = agent.seen.now >= until
        else:
            is_replaced = files.orders.master != agent.identity.node
        for name in self.foreign_locks():
            if is_replaced:
                agent.issue(DropFromKeeper(node_lock(name)))
            elif until is not None:
                agent.wake(until)
