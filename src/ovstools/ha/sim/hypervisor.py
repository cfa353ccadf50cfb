"""The servers' hypervisors: guests start, stop, move and fail as the scenario says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import actions as act
from ..after import probes
from ..report import Power
from ..wishes import WAIT_STARTED
from .scenario import Fault
from .server import Server

if TYPE_CHECKING:
    from .driver import Driver
    from .world import World

START_S, STOP_S, MIGRATE_S, RESUME_S = 2.0, 3.0, 6.0, 0.2
#: until libvirtd ends a copy whose source sends no more: its keepalives, 5 s apart, 5 of them
KEEPALIVE_S = 30.0
#: exit status 1 of the hypervisor's command line: text for the answer
FAILED_START = "the hypervisor could not start it"


class Hypervisors:
    """All of them; a command goes on when the agent that gave it is killed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults: dict[str, Fault] = {}
        self.io_errors: set[str] = set()  #: guests whose storage does not answer
        self._answers_at: dict[str, float] = {}
        #: source, guest: the boot of the target that its memory is being sent to
        self._sent_to: dict[tuple[str, str], str] = {}
        after = (each for wish in world.scenario.guests.values() for each in wish.after)
        self._probed = {each.guest for each in after if each.wait != WAIT_STARTED}

    def do(self, driver: Driver, ticket: int, action: Any) -> None:
        """Begin a command."""
        server, guest = driver.server, action.guest
        table: dict[type, tuple[float, Callable[..., tuple[bool, str]]]] = {
            act.StartGuest: (START_S, self._start),
            act.StopGuest: (min(STOP_S, action.within_s + 0.5) if isinstance(action, act.StopGuest)
                            else STOP_S, self._stop),
            act.MigrateGuest: (MIGRATE_S, self._migrate),
            act.ResumeGuest: (RESUME_S, self._resume),
            act.SuspendGuest: (RESUME_S, self._suspend),
        }  # fmt: skip
        seconds, command = table[type(action)]
        server.busy.add(guest)
        boot = server.boot
        if isinstance(action, act.MigrateGuest):
            target = self.world.servers[action.to]
            self._sent_to[server.name, guest] = target.boot
            self._announce(server, target, guest)

        def end() -> None:
            if not server.powered or server.boot != boot:
                return
            server.busy.discard(guest)
            ok, text = command(server, guest, action)
            driver.done(ticket, ok, text)
            self.world.wake(server)

        self.world.clock.after(seconds * self.world.pace(), end)

    def _start(self, server: Server, guest: str, action: Any) -> tuple[bool, str]:
        fault = self.faults.get(guest, Fault())
        power = server.guests.get(guest)
        if power is not None and power.is_here:
            return True, ""
        self.world.note("start attempt", node=server.name, guest=guest)
        if fault.cannot_start:
            return False, FAILED_START
        if fault.only_on not in (None, server.name):
            return False, f"it exists only on {fault.only_on}"
        wish = self.world.store.wishes.guests.get(guest)
        if wish is not None and not server.has_repository(wish.repository):
            return False, f"repository {wish.repository} is not mounted"
        if fault.start_fails > 0:
            self.faults[guest] = fault._replace(start_fails=fault.start_fails - 1)
            return False, FAILED_START
        self.io_errors.discard(guest)
        self.set_power(server, guest, Power.RUNNING)
        self.world.note("started", node=server.name, guest=guest)
        return True, ""

    def _stop(self, server: Server, guest: str, action: Any) -> tuple[bool, str]:
        if self.faults.get(guest, Fault()).stop_fails:
            return False, "the hypervisor could not stop it"
        if guest in server.guests:
            was_running = server.runs(guest)
            self.set_power(server, guest, Power.SHUT_DOWN)
            if was_running:
                self.world.note("stopped", node=server.name, guest=guest)
        return True, ""

    def _announce(self, server: Server, target: Server, guest: str) -> None:
        """Let a copy wait at the other end for its memory, until that has not come for long."""
        power = target.guests.get(guest)
        is_free = power is None or not power.is_here
        if not (server.runs(guest) and is_free and self._reaches(server, target)):
            return
        self.set_power(target, guest, Power.MOVING)
        self.world.wake(target)
        boot, source = target.boot, server.boot

        def give_up() -> None:
            if target.boot == boot and (not server.powered or server.boot != source):
                self._abandon(target, guest)

        self.world.clock.after(MIGRATE_S * self.world.pace() + KEEPALIVE_S, give_up)

    def _abandon(self, target: Server, guest: str) -> None:
        if target.guests.get(guest) is Power.MOVING:
            del target.guests[guest]
            self.world.wake(target)

    def _reaches(self, server: Server, target: Server) -> bool:
        return target.is_up and self.world.o2cb.connected(server, target)

    def _migrate(self, server: Server, guest: str, action: Any) -> tuple[bool, str]:
        target = self.world.servers[action.to]
        reason = self._obstacle(server, target, guest)
        if reason:
            self._abandon(target, guest)
            return False, reason
        self.move(server, target, guest)
        return True, ""

    def _obstacle(self, server: Server, target: Server, guest: str) -> str:
        fault = self.faults.get(guest, Fault())
        if not server.runs(guest):
            return "it does not run any more"
        if not self._reaches(server, target) or target.boot != self._sent_to[server.name, guest]:
            return f"{target.name} cannot be reached"
        if fault.migrate_fails > 0:
            self.faults[guest] = fault._replace(migrate_fails=fault.migrate_fails - 1)
            return "the migration failed"
        return ""

    def move(self, server: Server, target: Server, guest: str, power: Power = Power.PAUSED) -> None:
        """Let a guest's only copy change servers."""
        self.set_power(server, guest, Power.MIGRATED)
        self.set_power(target, guest, power)
        self.world.watch.last_host[guest] = (target.name, target.boot)
        self.world.note("migrated", node=target.name, guest=guest, source=server.name)
        self.world.wake(target)

    def _resume(self, server: Server, guest: str, action: Any) -> tuple[bool, str]:
        if server.guests.get(guest) not in (Power.PAUSED, Power.STUCK):
            return False, "it is not paused"
        if guest not in self.io_errors:  # else it runs into the next error at once
            self.set_power(server, guest, Power.RUNNING)
        return True, ""

    def answering(self, server: Server) -> frozenset[str]:
        """Return the probes that the guests of a server answer."""
        if not self._probed:
            return frozenset()
        now = self.world.clock.now
        here = [g for g in self._probed if server.runs(g) and now >= self._answers_at.get(g, now)]
        return frozenset(map(str, probes(self.world.store.wishes, here)))

    def _suspend(self, server: Server, guest: str, action: Any) -> tuple[bool, str]:
        if server.runs(guest):
            self.set_power(server, guest, Power.PAUSED)
            self.world.note("suspended", node=server.name, guest=guest)
        return True, ""

    def _boots(self, server: Server, guest: str) -> None:
        """Let a guest that somebody probes answer a little later, or never."""
        if guest in self._probed:
            fault = self.faults.get(guest, Fault())
            wait_s = float("inf") if fault.never_answers else fault.answers_after
            self._answers_at[guest] = self.world.clock.now + wait_s
            if not fault.never_answers:
                self.world.clock.after(wait_s + 1e-3, self.world.wake, server)

    def set_power(self, server: Server, guest: str, power: Power) -> None:
        """Change what a hypervisor says of a guest."""
        was_running = server.runs(guest)
        server.guests[guest] = power
        if power is Power.RUNNING and not was_running:
            self.world.watch.runs(server, guest)
            self._boots(server, guest)
        elif was_running and power is not Power.RUNNING:
            self.world.watch.ended(server, guest, power)
