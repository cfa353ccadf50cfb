"""The master's role in an agent: its lock and epoch, the node locks of lost servers, the orders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .actions import (
    MASTER,
    DropFromKeeper,
    PutToKeeper,
    RaiseEpoch,
    Result,
    TakeLock,
    WriteOrders,
    node_lock,
)
from .master import decide
from .orders import Orders
from .view import Condition, View, look

if TYPE_CHECKING:
    from .agent import Agent


#: by then another master has said what it holds, if anybody can see the pool file system
BLIND_S = 10.0


class Leading:
    """What an agent remembers as master, or while it waits to become it."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.epoch: int | None = None
        self.sentence = "starting"
        self._waits = False
        self._has_role = False
        self._since: dict[str, float] = {}
        self._master_since = 0.0
        self._is_ready = False
        self._orders: Orders | None = None  #: decided last, perhaps not yet written
        self._written: Orders | None = None
        self._is_writing = False
        self._locks_asked: set[str] = set()
        self._blind_since: float | None = None

    def give_up(self) -> None:
        """Let go of the role and its locks at once."""
        agent = self.agent
        if MASTER in agent.seen.held:
            agent.release(MASTER)
        self.epoch = None
        self._has_role = False
        self._orders = self._written = None

    def blind(self) -> None:
        """Rule 5: no role without sight."""
        self.give_up()
        self._former_locks()

    def lead(self) -> None:
        """Wait for the role, or decide for the pool."""
        agent, seen = self.agent, self.agent.seen
        self._blind_since = None
        self._queue()
        self._former_locks()
        if not agent.rules.may_decide(self.epoch is not None and MASTER in seen.held):
            self.sentence = f"virtual machine server; master is {agent.orders.master}"
            return
        if seen.live is None or agent.identity.number not in seen.live or seen.files is None:
            self.sentence = "master, but not live yet: nothing is decided"
            return
        if self._is_writing:
            return
        self._decide()

    def _queue(self) -> None:
        agent = self.agent
        if self._waits or self._has_role or agent.seen.stopping or not agent.has_node_lock:
            return
        self._waits = True

        def raised(result: Result) -> None:
            if result.ok and self._has_role:
                self.epoch = int(result.value)
                self._master_since = agent.seen.now
                self._since = {}
                self._is_ready = False
                self._orders = None
                agent.event("master", None, f"epoch {self.epoch}")
            elif self._has_role:
                self._has_role = False
                agent.release(MASTER)

        def granted(result: Result) -> None:
            self._waits = False
            if not result.ok:
                return
            if agent.seen.files is None or agent.seen.stopping:
                agent.release(MASTER)
                return
            self._has_role = True
            agent.issue(RaiseEpoch(), raised)

        agent.issue(TakeLock(MASTER, blocking=True), granted)

    def _decide(self) -> None:
        agent, seen = self.agent, self.agent.seen
        files = seen.files
        assert files is not None
        epoch = self.epoch or 0
        base = self._orders if self._orders is not None else files.orders
        policy = files.wishes.policy
        view = look(
            replace(seen, files=replace(files, orders=base)), agent.identity, epoch,
            self._since, policy.stale_s, agent.rules.needs_node_lock_of_the_dead(),
        )  # fmt: skip
        self._node_locks(view)
        self.sentence = f"master in epoch {epoch}"
        if not self._ready(view):
            self.sentence += "; waiting for the other servers"
            return
        if policy.ha:
            orders, deciding = decide(view, agent.rules)
            agent.wake(deciding.wake_at)
            for event, guest, text in deciding.events:
                agent.event(event, guest, text)
        else:
            orders = replace(base, epoch=epoch, master=agent.identity.node)
            self.sentence += "; HA is off"
        held = frozenset(self._foreign_locks())
        orders = replace(orders, node_locks=held)
        for guest, entry in orders.entries.items():
            if base.entries.get(guest) != entry or guest not in self._since:
                self._since[guest] = seen.now
        self._orders = orders
        if orders != files.orders or self._written is None:
            self._write(orders)

    def _write(self, orders: Orders) -> None:
        self._is_writing = True

        def written(result: Result) -> None:
            self._is_writing = False
            if result.ok:
                self._written = orders

        self.agent.issue(WriteOrders(orders), written)

    def _foreign_locks(self) -> list[str]:
        """Return the servers whose node lock our keeper holds."""
        agent = self.agent
        others = (name for name in agent.identity.numbers if name != agent.identity.node)
        return [name for name in others if node_lock(name) in agent.seen.kept]

    def _former_locks(self) -> None:
        """Drop node locks of a role that is over, once no orders say any more that we hold them.

        Certificates rest on them: another master first says that it does not have them.
        """
        agent = self.agent
        if self._has_role:
            return
        files = agent.seen.files
        if files is None:
            if self._blind_since is None:
                self._blind_since = agent.seen.now
            is_replaced = agent.seen.now >= self._blind_since + BLIND_S
        else:
            is_replaced = files.orders.master != agent.identity.node
        for name in self._foreign_locks():
            if is_replaced:
                agent.issue(DropFromKeeper(node_lock(name)))
            elif self._blind_since is not None:
                agent.wake(self._blind_since + BLIND_S)

    def _node_locks(self, view: View) -> None:
        """Ask for the node locks of servers that do not heartbeat; return those that came back."""
        agent = self.agent
        if not agent.rules.needs_node_lock_of_the_dead():
            return
        for name, found in view.nodes.items():
            lock = node_lock(name)
            if found.condition.is_gone:
                if lock not in self._locks_asked and lock not in agent.seen.kept:
                    self._ask(lock)
            elif lock in agent.seen.kept and name != agent.identity.node:
                agent.issue(DropFromKeeper(lock))

    def _ask(self, lock: str) -> None:
        self._locks_asked.add(lock)

        def kept(result: Result) -> None:
            self._locks_asked.discard(lock)

        def granted(result: Result) -> None:
            if result.ok and self._has_role:
                self.agent.issue(PutToKeeper(lock), kept)
                return
            self._locks_asked.discard(lock)
            if result.ok:
                self.agent.release(lock)

        self.agent.issue(TakeLock(lock, blocking=True), granted)

    def _ready(self, view: View) -> bool:
        """Tell whether the pool was decided on before, or enough servers have come.

        A first master waits for all nodes, or startup_wait.
        """
        if self._is_ready:
            return True
        nodes = view.nodes.values()
        boots = view.orders.boots
        known = any(n.report and n.condition.is_ready and boots.get(n.name) == n.report.boot
                    for n in nodes)  # fmt: skip
        everybody = all(node.condition.is_ready for node in nodes)
        limit = self._master_since + view.wishes.policy.startup_wait_s
        settled = all(n.condition is not Condition.SILENT for n in nodes)
        if (known and settled) or everybody or view.now >= limit:
            self._is_ready = True
        elif known:
            self.agent.wake(self._master_since + view.wishes.policy.stale_s)
            self._is_ready = view.now >= self._master_since + view.wishes.policy.stale_s
        else:
            self.agent.wake(limit)
        return self._is_ready
