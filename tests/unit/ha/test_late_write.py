"""A master that was replaced may still have a write on its way: older orders come back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ovstools.ha import actions as act
from ovstools.ha.agent import Agent
from ovstools.ha.observation import Files, Identity, Observation
from ovstools.ha.orders import MIGRATE, Entry, Order, Orders, Phase
from ovstools.ha.report import FAILED, Power, Seen
from ovstools.ha.wishes import Policy, Wishes
from ovstools.model.owner_record import GuestState, OwnerRecord

from .pools import report, running, wish

RECORD = OwnerRecord("uuid", "a", 0, "a-1", "1.1", GuestState.RUNNING)
ORDER = Order((1, 5), MIGRATE, "a", "b")
MOVES = Orders(1, 5, "b", {"g": running()._replace(phase=Phase.MIGRATING, target="b", order=ORDER)})
STAYS = Orders(2, 0, "b", {"g": running()})
STOPPED = Orders(2, 0, "b", {"g": Entry(Phase.OFF, "a", halted=True, home="a")})


class Server:
    """Server a of two: one agent, to which everything succeeds but for what `fails`."""

    def __init__(self, guests: dict[str, Power], fails: type | None = None) -> None:
        self.agent = Agent(Identity("a", "a-1", "1.1", {"a": 0, "b": 1}, 62.0))
        self.done: list[Any] = []
        self._fails = fails
        self._epoch = 0
        self._waits: list[act.Issued] = []
        self._results: tuple[act.Result, ...] = ()
        self._seen = Observation(
            now=100.0, live=frozenset({0, 1}), steady_since=0.0,
            kept=frozenset({"node-a", *(f"guest-{guest}" for guest in guests)}), held=frozenset(),
            guests=guests, files=None,
        )  # fmt: skip

    def reads(self, orders: Orders) -> None:
        """Let the agent see these orders, until it has nothing more to do."""
        self._epoch = max(self._epoch, orders.epoch)
        here = report("a", dict(self._seen.guests or {}))
        reports = {name: Seen(each, 2, 100.0, moved=True)
                   for name, each in (("a", here), ("b", report("b")))}  # fmt: skip
        wishes = Wishes(Policy(), {"g": wish("g")})
        files = Files(wishes, orders, reports, epoch=self._epoch)
        for _ in range(20):
            seen = replace(self._seen, now=self._seen.now + 1.0, files=files)
            issued = self.agent.step(replace(seen, results=self._results)).actions
            self.done += [each.action for each in issued]
            answered = [each for each in issued if each.action != act.TakeLock(act.MASTER, True)]
            self._waits += [each for each in issued if each not in answered]
            self._results = tuple(self._answer(each) for each in answered)
            self._seen = seen

    def becomes_master(self) -> None:
        """Grant the lock for which the agent waits."""
        (waits,) = self._waits
        self._results = (act.Result(waits.ticket, ok=True),)
        self._seen = replace(self._seen, held=frozenset({act.MASTER}))

    def _answer(self, issued: act.Issued) -> act.Result:
        value: Any = None
        if isinstance(issued.action, act.RaiseEpoch):
            self._epoch += 1
            value = self._epoch
        elif isinstance(issued.action, act.ReadRecord):
            value = RECORD
        return act.Result(issued.ticket, not isinstance(issued.action, self._fails or ()), value)

    def did(self, kind: type) -> list[Any]:
        """Return what it did of a kind."""
        return [each for each in self.done if isinstance(each, kind)]


def test_an_order_that_was_carried_out_is_not_carried_out_again() -> None:
    server = Server({"g": Power.RUNNING}, fails=act.MigrateGuest)
    server.reads(MOVES)
    assert server.agent.answers[ORDER.id].status == FAILED
    server.reads(STAYS)
    assert server.agent.answers == {}
    server.reads(replace(MOVES, epoch=3))  # the next master had read nothing newer
    assert server.agent.answers[ORDER.id].status == FAILED
    assert len(server.did(act.MigrateGuest)) == 1


def test_a_master_begins_with_the_newest_orders_that_it_knows() -> None:
    server = Server({})
    server.reads(STOPPED)
    server.becomes_master()
    server.reads(Orders(1, 5, "b", {"g": running()}))
    written = server.did(act.WriteOrders)
    assert [each.orders.epoch for each in written][:1] == [3]
    assert all(each.orders.entries["g"].halted for each in written)
