"""What the master decides for the pool from one view: the next entries and their orders."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from . import asks, life, moves, recovery
from .after import cycles
from .orders import Entry, Order, Orders, Phase
from .placement import Placement
from .rules import Rules
from .view import Condition, NodeView, View
from .wishes import IGNORED, STARTED, Wish

#: an entry changes this often in one cycle at most
MAX_CHANGES = 8
_CAN_WAIT = {Phase.OFF, Phase.WAITING, Phase.LOST}
_HANDLERS = {
    Phase.OFF: life.off,
    Phase.STARTING: life.starting,
    Phase.RUNNING: life.running,
    Phase.STOPPING: life.stopping,
    Phase.MIGRATING: moves.migrating,
    Phase.LOST: recovery.lost,
    Phase.WAITING: recovery.waiting,
    Phase.FROZEN: recovery.frozen,
    Phase.ERROR: life.error,
    Phase.IGNORED: life.ignored,
}


class Deciding:
    """One cycle's decision in the making: entries, orders, events, and when to look again."""

    def __init__(self, view: View, rules: Rules) -> None:
        self.rules = rules
        self.view = view
        self.policy = view.wishes.policy
        self.entries = dict(view.orders.entries)
        self.sequence = view.orders.sequence if view.orders.epoch == view.epoch else 0
        self.answers = dict(view.orders.answers)
        self.whereabouts = view.whereabouts()
        self.arrivals = view.arrivals()
        self.newly_dead = {
            node.name
            for node in view.nodes.values()
            if node.condition is Condition.DEAD and node.name not in view.orders.node_locks
        }
        self.events: list[tuple[str, str, str]] = []
        self.wake_at = view.steady_at
        self.starts: dict[str, int] = {}
        for entry in self.entries.values():
            if entry.phase is Phase.STARTING:
                self.starts[entry.node] = self.starts.get(entry.node, 0) + 1
        ready = {
            node.name: (node.number, node.report)
            for node in view.nodes.values()
            if node.condition is Condition.ONLINE and node.report is not None
        }
        located = ((guest, node) for guest in self.entries if (node := self._location(guest)))
        self.placement = Placement(view.wishes, ready, located)

    @cached_property
    def cycles(self) -> dict[str, frozenset[str]]:
        """Return the guests that wait for themselves in the end, and for whom."""
        return cycles(self.view.wishes.guests)

    def _location(self, guest: str) -> str | None:
        entry = self.entries[guest]
        if entry.phase in (Phase.OFF, Phase.ERROR, Phase.IGNORED):
            return self.whereabouts.get(guest)
        if entry.phase in (Phase.LOST, Phase.WAITING):
            return None
        return entry.target or entry.node

    def node(self, name: str) -> NodeView:
        """Return a server; one that has left cluster.conf counts as lost."""
        found = self.view.nodes.get(name)
        return found or NodeView(name, -1, Condition.LOST, None)

    def has_left(self, name: str) -> bool:
        """Tell whether a server is no longer in cluster.conf, or never was."""
        return name not in self.view.nodes

    def condition(self, name: str) -> Condition:
        """Return how a server is."""
        return self.node(name).condition

    def order(self, verb: str, node: str, to: str | None = None) -> Order:
        """Make the next order."""
        self.sequence += 1
        return Order((self.view.epoch, self.sequence), verb, node, to)

    def age(self, guest: str) -> float:
        """Return for how many seconds the entry has been as it is, on this master's clock."""
        if self.entries.get(guest) != self.view.orders.entries.get(guest):
            return 0.0
        return self.view.now - self.view.since.get(guest, self.view.now)

    def is_older(self, guest: str, seconds: float) -> bool:
        """Tell whether the entry is that old; if not, look again when it is."""
        left = seconds - self.age(guest)
        if left <= 1e-9:
            return True
        self.look_at(self.view.now + left)
        return False

    def look_at(self, moment: float) -> None:
        """Decide again at that moment at the latest."""
        self.wake_at = moment if self.wake_at is None else min(self.wake_at, moment)

    def say(self, event: str, guest: str, text: str = "") -> None:
        """Note an event."""
        self.events.append((event, guest, text))

    def decide(self, guest: str, wish: Wish) -> None:
        """Bring one guest's entry as far as it goes in this cycle."""
        entry = self.entries.get(guest) or self._new(guest, wish)
        for _ in range(MAX_CHANGES):
            if wish.state == IGNORED and entry.phase is not Phase.IGNORED:
                following = entry._replace(phase=Phase.IGNORED, order=None, target=None)
            else:
                following = _HANDLERS[entry.phase](self, wish, entry)
            if following == entry:
                break
            if following.phase is Phase.ERROR is not entry.phase:
                self.say("error", guest, following.reason)
            entry = following
            self.entries[guest] = entry
            self._locate(guest)
        self.entries[guest] = entry

    def _locate(self, guest: str) -> None:
        node = self._location(guest)
        if node is not None:
            self.placement.put(guest, node)
        else:
            self.placement.take_away(guest)

    def _new(self, guest: str, wish: Wish) -> Entry:
        entry = Entry(Phase.OFF, wish.home, home=wish.home)
        self.entries[guest] = entry
        return entry


def decide(view: View, rules: Rules) -> tuple[Orders, Deciding]:
    """Return the next orders; equal to the present ones when nothing is to be changed."""
    deciding = Deciding(view, rules)
    wishes = {name: rules.wants(wish) for name, wish in view.wishes.guests.items()}
    asked = {ask.uid for ask in view.wishes.asks}
    deciding.answers = {uid: text for uid, text in deciding.answers.items() if uid in asked}
    asks.take_asks(deciding)
    for guest in [guest for guest in deciding.entries if guest not in wishes]:
        del deciding.entries[guest]
        deciding.placement.take_away(guest)
    # All that is known comes first, so that placement sees it; then, by priority, the rest.
    later = []
    for wish in map(wishes.__getitem__, view.wishes.ranked):
        entry = deciding.entries.get(wish.name)
        can_wait = entry is None or entry.phase in _CAN_WAIT
        if can_wait or (entry and entry.phase is Phase.RUNNING and wish.state == STARTED):
            later.append(wish)
        else:
            deciding.decide(wish.name, wish)
    for wish in later:
        deciding.decide(wish.name, wish)
    asks.settle_asks(deciding)
    boots = {
        node.name: node.report.boot
        for node in view.nodes.values()
        if node.condition.is_ready and node.report is not None
    }
    orders = replace(
        view.orders,
        epoch=view.epoch,
        master=view.me,
        sequence=deciding.sequence,
        entries=deciding.entries,
        boots={**view.orders.boots, **boots},
        answers=deciding.answers,
    )
    return orders, deciding


def decide_nothing(view: View) -> Orders:
    """Return the orders as they are, in our name; requests are refused: HA is off."""
    asked = {ask.uid for ask in view.wishes.asks}
    answers = {uid: text for uid, text in view.orders.answers.items() if uid in asked}
    return replace(
        view.orders, epoch=view.epoch, master=view.me, answers=asks.refuse(view.wishes, answers)
    )
