"""The master's role in an agent: its lock and epoch, and the orders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .actions import MASTER, RaiseEpoch, Result, TakeLock, WriteOrders
from .hand_over import HandOver
from .losses import Losses
from .master import decide, decide_nothing
from .orders import Orders
from .switches import is_frozen
from .view import Condition, View, look

if TYPE_CHECKING:
    from .agent import Agent


class Leading:
    """What an agent remembers as master, or while it waits to become it."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.epoch: int | None = None
        self.sentence = "starting"
        self._waits = False
        self.has_role = False
        self._losses = Losses(agent)
        self._hand_over = HandOver(agent)
        self._since: dict[str, float] = {}
        self._master_since = 0.0
        self._is_ready = False
        self._orders: Orders | None = None  #: decided last, perhaps not yet written
        self._written: Orders | None = None
        self._is_writing = False

    def unchanged_s(self, guest: str) -> float:
        """Return for how long this master has seen a guest's entry as it is."""
        return self.agent.seen.now - self._since.get(guest, self.agent.seen.now)

    def give_up(self) -> None:
        """Let go of the role and its locks at once."""
        agent = self.agent
        if MASTER in agent.seen.held:
            agent.release(MASTER)
        self.epoch = None
        self.has_role = False
        self._orders = self._written = None

    def blind(self) -> None:
        """Rule 5: no role without sight."""
        self.give_up()
        self._losses.give_back()

    def lead(self) -> None:
        """Wait for the role, or decide for the pool."""
        agent, seen = self.agent, self.agent.seen
        self._losses.sees()
        self._hand_over.look()
        self._queue()
        if not self.has_role:
            self._losses.give_back()
        if not agent.rules.may_decide(self.epoch is not None and MASTER in seen.held):
            self.sentence = (
                f"virtual machine server; master is {agent.orders.master or 'nobody yet'}"
            )
            return
        if seen.live is None or agent.identity.number not in seen.live or seen.files is None:
            self.sentence = "master, but not live yet: nothing is decided"
            return
        if self._is_writing:
            return
        self._decide()

    def _queue(self) -> None:
        agent = self.agent
        if self._waits or self.has_role or agent.seen.stopping or not agent.has_node_lock:
            return
        if self._hand_over.is_for_another():
            return
        self._waits = True

        def raised(result: Result) -> None:
            if result.ok and self.has_role:
                self.epoch = int(result.value)
                self._master_since = agent.seen.now
                self._since = {}
                self._is_ready = False
                self._orders = None
                agent.event("master", None, f"epoch {self.epoch}")
            elif self.has_role:
                self.has_role = False
                agent.release(MASTER)

        def granted(result: Result) -> None:
            self._waits = False
            if not result.ok:
                return
            is_free = agent.seen.files is not None and not agent.seen.stopping
            if not is_free or self._hand_over.is_for_another():
                agent.release(MASTER)
                return
            self.has_role = True
            agent.issue(RaiseEpoch(), raised)

        agent.issue(TakeLock(MASTER, blocking=True), granted)

    def _decide(self) -> None:
        agent, seen = self.agent, self.agent.seen
        files = seen.files
        assert files is not None
        epoch = self.epoch or 0
        base = self._orders
        if base is None:  # a late write of a former master may have put older ones there again
            base = max(files.orders, agent.orders, key=lambda orders: orders.epoch)
        policy = files.wishes.policy
        view = look(
            replace(seen, files=replace(files, orders=base)), agent.identity, epoch,
            self._since, policy.stale_s, agent.rules.needs_node_lock_of_the_dead(),
        )  # fmt: skip
        self._losses.look(view, agent.rules.needs_node_lock_of_the_dead())
        self.sentence = f"master in epoch {epoch}"
        if not self._ready(view):
            self.sentence += "; waiting for the other servers"
            return
        if is_frozen(policy):
            orders = decide_nothing(view)
            self.sentence += "; HA is off"
        else:
            orders, deciding = decide(view, agent.rules)
            agent.wake(deciding.wake_at)
            for event, guest, text in deciding.events:
                agent.event(event, guest, text)
        answers = self._hand_over.answers(view, orders.answers)
        held = frozenset(self._losses.foreign_locks())
        orders = replace(orders, node_locks=held, answers=answers)
        for guest, entry in orders.entries.items():
            if base.entries.get(guest) != entry or guest not in self._since:
                self._since[guest] = seen.now
        self._orders = orders
        if orders != files.orders or self._written is None:
            self._write(orders, base)

    def _write(self, orders: Orders, base: Orders) -> None:
        self._is_writing = True

        def written(result: Result) -> None:
            self._is_writing = False
            if not result.ok or not self.has_role:
                return
            self._written = orders
            self._losses.ordered(base, orders)
            successor = self._hand_over.leads_away(orders.answers)
            if successor is not None:
                self.agent.event("hand-over", None, f"to {successor}, epoch {self.epoch} ends")
                self.give_up()

        self.agent.issue(WriteOrders(orders), written)

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
