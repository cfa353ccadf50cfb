"""The simulator's driver: carries an agent's actions out, with latency, failures and kills."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import actions as act
from ..agent import Agent
from ..observation import Files, Identity, Observation
from ..report import Report
from .dlm import AGENT, KEEPER, Request
from .server import RUNNING, Server

if TYPE_CHECKING:
    from .world import World

LOCAL_S = 0.02  #: keeper, hypervisor's small commands
WRITE_S = 0.05  #: a write with fsync
LOCK_S = 0.03
POLL_S = 0.5  #: how often an agent looks for changed files
UNKNOWN_S = 3.0  #: a hypervisor's first answers are unknown
TAKEN_BY_AGENT = (act.MASTER, "node-")


class Driver:
    """One life of an agent on a server."""

    def __init__(self, world: World, server: Server) -> None:
        self.world = world
        self.server = server
        self.life = server.lives
        self.boot = server.boot
        self.since = world.clock.now
        size = server
        self.agent = Agent(
            Identity(
                server.name, server.boot, f"{server.boot}.{self.life}", world.numbers,
                world.o2cb.timing.dead_s, size.cpu, size.mem_mb,
            ),
            world.rules,
        )  # fmt: skip
        self.held: set[str] = set()
        self.results: list[act.Result] = []
        self._wake_at: float | None = None
        self._knows_since = world.clock.now + UNKNOWN_S
        self._table: dict[type, Callable[[int, Any], None]] = {
            act.TakeLock: self._take,
            act.ReleaseLock: self._release,
            act.PutToKeeper: self._put,
            act.DropFromKeeper: self._drop,
            act.RaiseEpoch: self._raise_epoch,
            act.WriteRecord: self._write_record,
            act.ReadRecord: self._read_record,
            act.WriteOrders: self._write_orders,
            act.WriteReport: self._write_report,
            act.ClearMark: self._clear_mark,
            act.AppendEvent: self._event,
            act.Wait: self._wait,
            act.LeaveNow: self._leave,
        }

    @property
    def is_current(self) -> bool:
        """Tell whether this life still is."""
        server = self.server
        return server.driver is self and server.agent_state == RUNNING and server.is_up

    # ------------------------------------------------------------ stepping

    def wake(self, delay: float = 0.0) -> None:
        """Let the agent decide that long from now; what comes sooner counts."""
        moment = self.world.clock.now + delay
        if self._wake_at is None or moment < self._wake_at - 1e-9:
            self._wake_at = moment
            self.world.clock.at(moment, self._step, moment)

    def _step(self, moment: float) -> None:
        if self._wake_at != moment:
            return
        self._wake_at = None
        if not self.is_current:
            return
        self.world.steps += 1
        decision = self.agent.step(self._observe())
        if self.world.trace is not None:
            self.world.trace(self.world.clock.now, self.server.name, decision)
        for issued in decision.actions:
            self.world.watch.issued(self.server, issued.action)
            handler = self._table.get(type(issued.action))
            if handler is not None:
                handler(issued.ticket, issued.action)
            else:
                self.world.hypervisors.do(self, issued.ticket, issued.action)
        if decision.wake_at is not None:
            self.wake(max(decision.wake_at - self.world.clock.now, 1e-3))

    def _observe(self) -> Observation:
        world, server = self.world, self.server
        now = world.clock.now
        results, self.results = tuple(self.results), []
        files = None
        if world.sees_store(server):
            store = world.store
            files = Files(
                store.wishes,
                store.orders,
                store.seen(now, self.since),
                store.reports.get(server.name),
                store.epoch,
            )
        knows = now >= self._knows_since - 1e-9
        if not knows:
            self.wake(self._knows_since - now)
        return Observation(
            now=now,
            live=world.o2cb.live_numbers(),
            steady_since=server.steady_since,
            kept=frozenset(server.kept),
            held=frozenset(self.held),
            guests=dict(server.guests) if knows else None,
            files=files,
            results=results,
            busy=frozenset(server.busy),
            stopping=server.stopping,
            repositories=server.repositories,
            answering=world.hypervisors.answering(server),
        )

    def done(self, ticket: int, ok: bool, value: Any = None) -> None:
        """Bring a result into the next observation."""
        if self.server.driver is self:
            self.results.append(act.Result(ticket, ok, value))
            self.wake()

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self.world.clock.after(seconds, call)

    # ------------------------------------------------------------ locks

    def _take(self, ticket: int, action: act.TakeLock) -> None:
        answer = partial(self._taken, ticket, action.name)
        request = Request(self.server, self.boot, self.life, action.name, action.blocking, answer)
        self._later(LOCK_S, partial(self.world.dlm.request, request))

    def _taken(self, ticket: int, name: str, granted: bool) -> None:
        if granted:
            self.held.add(name)
        if not granted:
            self.done(ticket, False, act.HELD)
            return
        value = self.world.store.record(name[6:]) if name.startswith("guest-") else None
        self.done(ticket, True, value)

    def _release(self, ticket: int, action: act.ReleaseLock) -> None:
        self.held.discard(action.name)
        self.world.dlm.close(self.server, action.name, AGENT)
        self.world.watch.lock_closed(self.server, action.name)
        self.done(ticket, True)

    def _put(self, ticket: int, action: act.PutToKeeper) -> None:
        def put() -> None:
            if self.is_current and action.name in self.held:
                self.held.discard(action.name)
                self.done(ticket, self.world.dlm.keep(self.server, action.name))
            else:
                self.done(ticket, False, "no such descriptor")

        self._later(LOCAL_S, put)

    def _drop(self, ticket: int, action: act.DropFromKeeper) -> None:
        """A guest that ended is undefined first; an agent may be killed in between."""

        def drop() -> None:
            if self.server.boot == self.boot and self.server.forget(action.name[len("guest-") :]):
                self._later(LOCAL_S, drop)
            elif self.is_current:
                self.world.dlm.close(self.server, action.name, KEEPER)
                self.world.watch.lock_closed(self.server, action.name)
                self.done(ticket, True)

        self._later(LOCAL_S, drop)

    # ------------------------------------------------------------ the pool file system

    def _store(self, ticket: int, write: Callable[[], Any], seconds: float = WRITE_S) -> None:
        """Write; a child does it, so that it happens even if the agent is killed meanwhile."""

        def commit(may_be_late: bool = True) -> None:
            late_s = self.world.lateness() if may_be_late and not self.is_current else 0.0
            if late_s:
                self._later(late_s, partial(commit, False))
            elif self.server.boot == self.boot and self.world.sees_store(self.server):
                self.done(ticket, True, write())
            else:
                self.done(ticket, False, "input/output error")

        self._later(seconds + self.world.hiccup(), commit)

    def _raise_epoch(self, ticket: int, action: act.RaiseEpoch) -> None:
        def write() -> int:
            self.world.store.epoch = max(self.world.store.epoch, self.world.store.orders.epoch) + 1
            self.world.note("master", node=self.server.name, epoch=self.world.store.epoch)
            return self.world.store.epoch

        self._store(ticket, write)

    def _write_record(self, ticket: int, action: act.WriteRecord) -> None:
        def write() -> None:
            self.world.store.records[action.guest] = action.record
            self.world.watch.record_written(action.guest, action.record)

        self._store(ticket, write)

    def _read_record(self, ticket: int, action: act.ReadRecord) -> None:
        self._store(ticket, lambda: self.world.store.record(action.guest), LOCAL_S)

    def _write_orders(self, ticket: int, action: act.WriteOrders) -> None:
        def write() -> None:
            self.world.orders_written(action.orders)

        self._store(ticket, write)

    def _write_report(self, ticket: int, action: act.WriteReport) -> None:
        report: Report = action.report
        self._store(ticket, lambda: self.world.report_written(self.server, report))

    def _clear_mark(self, ticket: int, action: act.ClearMark) -> None:
        self._store(ticket, lambda: self.world.edit_guest(action.guest, mark=None))

    # ------------------------------------------------------------ the rest

    def _event(self, ticket: int, action: act.AppendEvent) -> None:
        if action.event not in ("started", "stopped", "master", "migrated"):
            details: dict[str, Any] = {"proofs": list(action.proofs)} if action.proofs else {}
            if action.parts:
                details["parts"] = dict(action.parts)
            if action.text:
                details["text"] = [action.text]
            self.world.note(action.event, node=self.server.name, guest=action.guest, **details)

    def _wait(self, ticket: int, action: act.Wait) -> None:
        self._later(action.seconds, partial(self.done, ticket, True))

    def _leave(self, ticket: int, action: act.LeaveNow) -> None:
        self.world.machines.finish_shutdown(self.server, self.boot)
