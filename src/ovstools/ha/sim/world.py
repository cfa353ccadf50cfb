"""The simulated pool: servers, o2cb, locks, storage, guests, and what happens to them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ..observation import Decision
from ..orders import Orders
from ..report import Report
from ..rules import Rules
from . import beginning
from .clock import Clock
from .dlm import Dlm
from .driver import POLL_S, Driver
from .hypervisor import Hypervisors
from .machines import Machines
from .o2cb import O2cb
from .scenario import Scenario
from .server import DOWN, HUNG, RUNNING, Server
from .store import BEAT_S, Store, Writer
from .watch import Watch

RESTART_S, KILLED_S, WATCHDOG_S = 2.0, 5.0, 30.0

HICCUP_SHARE, HICCUP_S = 0.04, 15.0

Trace = Callable[[float, str, Decision], None]


class World:
    """One run of a scenario."""

    def __init__(
        self, scenario: Scenario, rules: Rules | None = None, trace: Trace | None = None
    ) -> None:
        self.scenario = scenario
        self.rules = rules or Rules()
        self.trace = trace
        self.random = random.Random(scenario.seed)
        self.clock = Clock()
        self.steps = 0
        self.events: list[dict[str, Any]] = []
        self.servers = {
            name: Server(name, number, size)
            for number, (name, size) in enumerate(scenario.nodes.items())
        }
        self.numbers = {name: server.number for name, server in self.servers.items()}
        self.o2cb = O2cb(self, scenario.timing)
        self.dlm = Dlm(self)
        self.hypervisors = Hypervisors(self)
        self.hypervisors.faults = dict(scenario.faults)
        self.store: Store = beginning.store(scenario)
        self.watch = Watch(self)
        self.machines = Machines(self)

    def note(self, event: str, **details: Any) -> None:
        """Append to the events of the run."""
        self.events.append({"t": round(self.clock.now, 3), "event": event, **details})
        self.watch.noted(event)

    def hiccup(self) -> float:
        """Return how long the storage lets a write wait; it outlives an agent that is killed.

        Only in random schedules: a scenario without a seed knows when things happen.
        """
        if self.scenario.seed and self.random.random() < HICCUP_SHARE:
            return self.random.uniform(1.0, HICCUP_S)
        return 0.0

    def lateness(self) -> float:
        """Return how long a write that has lost its agent may still take: half of them do."""
        if self.scenario.seed and self.random.random() < 0.5:
            return self.random.uniform(1.0, HICCUP_S)
        return 0.0

    def pace(self) -> float:
        """Return by how much a hypervisor is slower than usual; 1 without a seed."""
        return self.random.uniform(0.5, 4.0) if self.scenario.seed else 1.0

    # ------------------------------------------------------------ agents

    def start_agent(self, server: Server, boot: str) -> None:
        """Let systemd start the agent."""
        if not server.is_up or server.boot != boot or server.agent_state != DOWN:
            return
        server.lives += 1
        server.agent_state = RUNNING
        server.driver = Driver(self, server)
        server.driver.wake()
        server.driver.wake(0)
        self.clock.after(BEAT_S + 0.2, self.wake, server)
        self.update_writer(server)

    def stop_agent(self, server: Server, again_s: float | None = None) -> None:
        """Kill the agent; its locks that the keeper does not hold are freed."""
        if server.agent_state == DOWN:
            return
        before = self.watch.before_kill(server)
        server.agent_state = DOWN
        server.driver = None
        server.lives += 1
        if server.is_up:
            self.update_writer(server)
            if again_s is not None:
                self.dlm.agent_gone(server)
                self.watch.after_kill(server, before)
                self.clock.after(again_s, self.start_agent, server, server.boot)

    def hang_agent(self, server: Server) -> None:
        """Let the agent hang until systemd's watchdog kills it."""
        if server.agent_state != RUNNING:
            return
        server.agent_state = HUNG
        self.update_writer(server)
        self.clock.after(WATCHDOG_S, self._watchdog, server, server.lives)

    def _watchdog(self, server: Server, life: int) -> None:
        if server.agent_state == HUNG and server.lives == life:
            self.stop_agent(server, KILLED_S)

    def wake(self, server: Server, delay: float = 0.0) -> None:
        """Let a server's agent look, if it runs."""
        if server.driver is not None and server.agent_state == RUNNING:
            server.driver.wake(delay)

    def wake_all(self) -> None:
        """Let all agents look: what all of them see has changed."""
        for server in self.servers.values():
            self.wake(server)

    # ------------------------------------------------------------ the pool file system

    def sees_store(self, server: Server) -> bool:
        """Tell whether the pool file system can be read and written there."""
        if not (server.is_up and server.store_ok and server.storage_off_since is None):
            return False
        return server.net_off_since is None or self.o2cb.has_quorum(server)

    def update_writer(self, server: Server) -> None:
        """Note whether an agent can raise its report's sequence number."""
        writer = self.store.writers.get(server.name)
        if writer is None:
            return
        can = server.agent_state == RUNNING and self.sees_store(server)
        report = self.store.reports[server.name]
        can = can and report.boot == server.boot
        if can and writer.until is not None:
            self.store.writers[server.name] = Writer(self.clock.now, None)
            self.clock.after(BEAT_S + 0.1, self.wake_all)
        elif not can and writer.until is None:
            writer.until = self.clock.now
            self.clock.after(self.store.wishes.policy.stale_s + 0.1, self.wake_all)

    def sight_changed(self) -> None:
        """Look again who sees the pool file system."""
        for server in self.servers.values():
            self.update_writer(server)
        self.wake_all()

    def membership_changed(self) -> None:
        """Let hanging requests and mounts go on, and everybody look."""
        self.dlm.retry()
        for server in self.servers.values():
            if server.powered and not server.mounted:
                self.clock.after(1.0, self.machines.mount, server, server.boot)
        self.sight_changed()

    def report_written(self, server: Server, report: Report) -> None:
        """Replace nodes/NODE.json; the master and those that wait for it will see it."""
        self.watch.reported(server, report)
        self.store.reports[server.name] = report
        self.wake(server, POLL_S)
        writer = self.store.writers.get(server.name)
        if writer is None or writer.until is not None:
            self.store.writers[server.name] = Writer(self.clock.now, 0.0)
            self.update_writer(server)
        for other in self.servers.values():
            if other.driver is not None and other.driver.agent.leading.epoch is not None:
                self.wake(other, POLL_S)

    def orders_written(self, orders: Orders) -> None:
        """Replace orders.json; those whom it concerns will see it."""
        before = self.store.orders
        self.store.orders = orders
        self.watch.ordered(orders)
        concerned = {orders.master, before.master}
        for guest, entry in orders.entries.items():
            old = before.entries.get(guest)
            if old is not entry:
                concerned |= {entry.node, entry.target, old.node if old else None}
                concerned.add(entry.order.node if entry.order else None)
        for guest in before.entries.keys() - orders.entries.keys():
            concerned.add(before.entries[guest].node)
        for name in sorted(filter(None, concerned)):
            if name in self.servers:
                self.wake(self.servers[name], POLL_S)

    def edit_guest(self, guest: str, **changes: Any) -> None:
        """Change a guest's file."""
        guests = dict(self.store.wishes.guests)
        if guest in guests:
            guests[guest] = guests[guest]._replace(**changes)
            self.store.change(guests=guests)
            self.operator_wrote()

    def host_of(self, guest: str) -> Server | None:
        """Return the server where a guest runs, if it runs."""
        return next((each for each in self.servers.values() if each.runs(guest)), None)

    def operator_wrote(self) -> None:
        """Let everybody see operator files in time."""
        for server in self.servers.values():
            self.wake(server, POLL_S)
