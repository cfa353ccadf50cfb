"""The invariants that are checked at every moment, by what is true and not by what is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...model.owner_record import GuestState, OwnerRecord
from .. import actions as act
from ..orders import OrderId, Orders
from ..report import Power, Report
from ..wishes import DISABLED, STOPPED
from .server import Server
from .words import GUEST, NODE, named

if TYPE_CHECKING:
    from .world import World

#: events that the pool must come to rest from
ACTIVITY = {
    "started", "stopped", "migrated", "start attempt", "crashed", "master", "fenced", "suspended",
    "declared dead", "error", "rehomed", "joined", "off", "migration failed",
}  # fmt: skip
TOUCHING = (act.StartGuest, act.StopGuest, act.MigrateGuest, act.ResumeGuest, act.SuspendGuest,
            act.WriteOrders)  # fmt: skip
#: how long after the operator's word a start that was under way may still happen
GRACE_S = 15.0


class Breach(NamedTuple):
    """An invariant that did not hold."""

    t: float
    invariant: str
    text: str

    def __str__(self) -> str:
        return f"{self.t:.1f} s: {self.invariant}: {self.text}"


class Watch:
    """Looks on, and notes breaches."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.breaches: list[Breach] = []
        self.last_activity = 0.0
        self.last_host: dict[str, tuple[str, str]] = {}
        self.off_since: dict[str, float] = {}
        self._orders_done: set[tuple[str, OrderId]] = set()
        self._newest = Orders()
        self._ordered: dict[OrderId, float] = {}
        self._accepted: set[OrderId] = set()
        self._released_by: dict[str, str] = {}
        self.by_hand: set[str] = set()  #: moved behind HA's back
        self._hosts: dict[str, set[str]] = {}
        self.ordered(world.store.orders)
        timeline = world.scenario.timeline
        self._named_guests = {g for c in timeline for g in named(c.words, GUEST)}
        self._named_guests |= set(world.scenario.guest_states)
        self._named_nodes = {n for c in timeline for n in named(c.words, NODE)}
        self._named_nodes |= set(world.scenario.net_off) | set(world.scenario.node_states)
        self._named_nodes |= set(world.scenario.nodes) - set(world.scenario.powered)
        for guest, wish in world.scenario.guests.items():
            if wish.state in (STOPPED, DISABLED):
                self.off_since[guest] = 0.0

    def breach(self, invariant: str, text: str) -> None:
        """Note a breach."""
        self.breaches.append(Breach(self.world.clock.now, invariant, text))

    def noted(self, event: str) -> None:
        """Remember when anything happened last."""
        if event in ACTIVITY:
            self.last_activity = self.world.clock.now

    # ------------------------------------------------------------ guests

    def runs(self, server: Server, guest: str) -> None:
        """I1: a guest begins to run."""
        for other in self.world.servers.values():
            if other is not server and other.runs(guest):
                self.breach("I1", f"{guest} runs on {other.name} and {server.name}")
        if (
            guest not in self.by_hand
            and self.world.dlm.lock(act.guest_lock(guest)).boot != server.boot
        ):
            self.breach("I1", f"{guest} runs on {server.name} without its lock")
        self.last_host[guest] = (server.name, server.boot)
        self._hosts.setdefault(guest, set()).add(server.name)
        self._released_by.pop(guest, None)

    def ended(self, server: Server, guest: str, power: Power) -> None:
        """I4: a guest stops running, or goes elsewhere."""
        if power is Power.PAUSED or self._is_concerned(server, guest):
            return
        verb = "moves" if power is Power.MIGRATED else "stops"
        wish = self.world.store.wishes.guests.get(guest)
        ruled = any(guest in rule.guests for rule in self.world.store.wishes.rules)
        if self._named_nodes and (ruled or (wish is not None and wish.tiers and wish.failback)):
            return
        if wish is not None and (ruled or wish.tiers):
            return
        self.breach("I4", f"{guest} {verb} on {server.name}, and nothing concerns it")

    def lost(self, server: Server, guest: str) -> None:
        """Note a guest that ended with its server."""
        if not server.fenced and not self._is_concerned(server, guest):
            self.breach("I4", f"{guest} is lost with {server.name}, which nothing concerns")

    def _is_concerned(self, server: Server, guest: str) -> bool:
        return (
            guest in self._named_guests
            or server.name in self._named_nodes
            or not self._named_nodes.isdisjoint(self._hosts.get(guest, ()))
        )

    # ------------------------------------------------------------ what agents do

    def issued(self, server: Server, action: Any) -> None:
        """I2, I3, I8, I9 and I10: an agent asks for something."""
        if isinstance(action, TOUCHING) and not self.world.sees_store(server):
            self.breach("I9", f"{server.name}: {type(action).__name__} without sight")
        if isinstance(action, act.WriteOrders):
            if self.world.dlm.holder(act.MASTER) != server.name:
                self.breach("I3", f"{server.name} decides without the master's lock")
            return
        if isinstance(action, act.LeaveNow):
            self._leaves(server)
        order = getattr(action, "order", None)
        if order is not None:
            if order not in self._accepted:
                self.breach("I8", f"{server.name} acts on {order} before it is accepted")
            key = (f"{type(action).__name__} {action.guest}", order)
            if key in self._orders_done:
                self.breach("I8", f"{server.name} carries out {key[0]} twice, order {order}")
            self._orders_done.add(key)
        if isinstance(action, act.StartGuest):
            self._starts(server, action.guest)

    def _leaves(self, server: Server) -> None:
        """Rule 10: the storage goes only after the last guest whose lock is here."""
        for guest in server.guests:
            if server.runs(guest) and act.guest_lock(guest) in server.kept:
                self.breach("I4", f"{server.name} lets its storage go while {guest} runs there")

    def _starts(self, server: Server, guest: str) -> None:
        since = self.off_since.get(guest)
        if since is not None and self.world.clock.now - since > GRACE_S:
            self.breach("I10", f"{guest} starts on {server.name}; its operator wants it off")
        lock = self.world.dlm.lock(act.guest_lock(guest))
        if lock.boot != server.boot:
            self.breach("I1", f"{guest} starts on {server.name} without its lock")
        elif "keeper" not in lock.refs:
            self.breach("I7", f"{guest} starts on {server.name}, its lock not with the keeper")
        if self.world.dlm.holder(act.node_lock(server.name)) != server.name:
            self.breach("I2", f"{guest} starts on {server.name}, which has no node lock")
        last = self.last_host.get(guest)
        if last is not None and last[0] != server.name:
            self._is_proven(guest, server, *last)
        self.last_host[guest] = (server.name, server.boot)  # whether it comes up or not

    def _is_proven(self, guest: str, server: Server, node: str, boot: str) -> None:
        """I2: the last host is dead with its node lock taken, or released it, or booted anew."""
        host = self.world.servers[node]
        if host.boot == boot and host.powered:
            if host.guests.get(guest) in (Power.RUNNING, Power.PAUSED, Power.STUCK):
                self.breach("I2", f"{guest} starts on {server.name} while it is on {node}")
            return
        if self._released(guest, node):
            return
        holder = self.world.dlm.holder(act.node_lock(node))
        if boot not in self.world.o2cb.gone_boots:
            self.breach("I2", f"{guest} starts on {server.name}; {node} is not declared dead")
        elif node not in self.world.o2cb.live and holder is None:
            self.breach("I2", f"{guest} starts on {server.name}; nobody holds {node}'s lock")
        elif node in self.world.o2cb.live and holder != node:
            self.breach("I2", f"{guest} starts on {server.name}; {node} is live again, unasked")

    def _released(self, guest: str, node: str) -> bool:
        return self._released_by.get(guest) == node

    def reported(self, server: Server, report: Report) -> None:
        """I3: an order that is accepted must be the newest master's."""
        for order, answer in report.answers.items():
            if answer.status != "accepted" or order in self._accepted:
                continue
            self._accepted.add(order)
            if order not in self._ordered:
                self.breach("I3", f"{server.name} accepts {order}, which no master upholds")

    def ordered(self, orders: Orders) -> None:
        """Remember the orders of the newest epoch."""
        if orders.epoch < self._newest.epoch:
            return
        before = self._newest.entries
        self._newest = orders
        now = self.world.clock.now
        for guest, entry in orders.entries.items():
            if entry.order is not None:
                self._ordered[entry.order.id] = now
            if entry.halted and not (guest in before and before[guest].halted):
                self.off_since.setdefault(guest, now)  # known as stopped: until a person says so

    # ------------------------------------------------------------ agents killed

    def before_kill(self, server: Server) -> dict[str, Power]:
        """Remember what an agent's end must not change."""
        return dict(server.guests)

    def after_kill(self, server: Server, before: dict[str, Power]) -> None:
        """I7: no guest changed, and each guest that runs keeps its lock."""
        if server.guests != before:
            self.breach("I7", f"the end of {server.name}'s agent changed guests")
        for guest in server.guests:
            if server.runs(guest):
                self._keeps_lock(server, guest, "the end of its agent freed")

    def lock_closed(self, server: Server, name: str) -> None:
        """Rule 2: a lock is dropped only after the guest is gone."""
        guest = name[len("guest-") :]
        if name.startswith("guest-") and server.runs(guest):
            self._keeps_lock(server, guest, "its agent dropped")

    def _keeps_lock(self, server: Server, guest: str, how: str) -> None:
        if self.world.dlm.lock(act.guest_lock(guest)).boot == server.boot:
            return
        if guest in self.by_hand and act.guest_lock(guest) not in server.kept:
            return  # it never had the lock here
        self.breach("I7", f"{how} the lock of {guest}, which runs on {server.name}")

    def record_written(self, guest: str, record: OwnerRecord) -> None:
        """Remember who released a guest since it ran last."""
        if record.state is GuestState.STOPPED:
            self._released_by[guest] = record.owner
