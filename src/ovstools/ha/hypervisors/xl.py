"""Xen through xl. Written from Xen's manual and source; it was not run on a Xen host.

A domain that ends would leave no trace, so it is started with on_poweroff, on_crash and
on_watchdog set to preserve: xl then keeps it, without a running CPU, until `forget` destroys it.
Its memory and its disks are in use until then, so it is to be forgotten before its lock goes. One
that is gone was destroyed or migrated: the agent knows which when it did that itself.
"""

from __future__ import annotations

from ...model.command import Command, Result
from ...model.xl_domain import AWAY, INCOMING, XlDomain, parse_xl_list
from ...system import xl
from ...system.clock import Clock
from ..report import Power
from .asking import find, is_off, refusal, said, wait_off
from .protocol import Guest, Look, Outcome, Steps, Unknown

XL = "xl"
DOM0 = "Domain-0"
FORCE_S = 10.0
MIGRATE_S = 3600.0
#: letters of `xl list`; a domain that suspends, reboots or resets goes on by itself
_ENDED = {"-": Power.SHUT_DOWN, "c": Power.CRASHED, "w": Power.CRASHED}


class Xl:
    """Xen's domains; see protocol.Hypervisor."""

    def __init__(self, ssh: str = "ssh", clock: Clock | None = None) -> None:
        """Take the line that a migration calls as ssh, and the clock that a stop is timed by."""
        self.ssh = ssh
        self._clock = clock or Clock()

    @property
    def name(self) -> str:
        """Return the name in guests' files."""
        return XL

    @property
    def look_every_s(self) -> float:
        """Return the seconds between two looks; xl has no events."""
        return 2.0

    def is_quiet(self) -> bool:
        """Tell no: that is not known without asking."""
        return False

    @property
    def can_migrate(self) -> bool:
        """Tell that xl moves running domains."""
        return True

    def events(self) -> Command | None:
        """Return nothing: xl has no listener."""
        return None

    def look(self) -> Look:
        """Ask for all domains but dom0."""
        listed = yield xl.list_domains()
        if listed.status != 0:
            return Unknown(said(listed))
        try:
            found = parse_xl_list(listed.stdout)
        except ValueError as error:
            return Unknown(str(error))
        guests: dict[str, Power] = {}
        for name, domain in found.items():
            moving = next((end for end in (INCOMING, AWAY) if name.endswith(end)), "")
            if moving:  # a copy in memory that nobody may touch, unless a whole one is here too
                guests.setdefault(name[: -len(moving)], Power.MOVING)
            elif name != DOM0:
                guests[name] = _power_of(domain)
        return guests

    def start(self, guest: Guest) -> Steps:
        """Create a domain; one that ended is removed first, for its name is taken."""
        found = yield from find(self.look, guest.name)
        if isinstance(found, Unknown):
            return Outcome(False, found.reason)
        if not is_off(found):
            return Outcome(found is Power.RUNNING, f"{guest.name} is here already")
        if found is not None:
            yield xl.destroy(guest.name)
        created = yield xl.create(guest.definition, guest.name, guest.uuid)
        return (yield from self._judge(guest, Power.RUNNING, created))

    def _judge(self, guest: Guest, wanted: Power, result: Result) -> Steps:
        if result.status == 0:
            return Outcome(True)
        found = yield from find(self.look, guest.name)
        return Outcome(True) if found is wanted else Outcome(False, said(result))

    def stop(self, guest: Guest, within_s: float) -> Steps:
        """Ask the guest to shut down; then destroy it."""
        found = yield from find(self.look, guest.name)
        last = Result(0)
        if found is Power.RUNNING:
            last = yield xl.shutdown(guest.name)
            patience_s = within_s if last.status == 0 else 0.0
            found = yield from wait_off(self.look, guest.name, patience_s, self._clock)
        if not is_off(found) and not isinstance(found, Unknown):
            last = yield xl.destroy(guest.name)
            found = yield from wait_off(self.look, guest.name, FORCE_S, self._clock)
        if isinstance(found, Unknown):
            return Outcome(False, found.reason)
        return Outcome(True) if is_off(found) else Outcome(False, said(last))

    def migrate(self, guest: Guest, to: str) -> Steps:
        """Send a domain's memory through ssh; it arrives paused."""
        moved = yield xl.migrate(guest.name, to, self.ssh, MIGRATE_S)
        found = yield from find(self.look, guest.name)
        if moved.status == 0 and found is None:
            return Outcome(True)
        return Outcome(False, said(moved))

    def suspend(self, guest: Guest) -> Steps:
        """Pause a domain."""
        paused = yield xl.pause(guest.name)
        return (yield from self._judge(guest, Power.PAUSED, paused))

    def resume(self, guest: Guest) -> Steps:
        """Let a paused domain run."""
        unpaused = yield xl.unpause(guest.name)
        return (yield from self._judge(guest, Power.RUNNING, unpaused))

    def forget(self, guest: Guest) -> Steps:
        """Remove a domain that ended, with its memory and its hold on the disks."""
        found = yield from find(self.look, guest.name)
        refused = refusal(found, guest.name)
        if refused is not None or found is None:
            return refused or Outcome(True)
        destroyed = yield xl.destroy(guest.name)
        left = yield from find(self.look, guest.name)
        return Outcome(True) if left is None else Outcome(False, said(destroyed))


def _power_of(domain: XlDomain) -> Power:
    if domain.dying:
        return Power.STUCK
    if domain.shutdown:
        return _ENDED.get(domain.reason, Power.STUCK)
    return Power.PAUSED if domain.paused else Power.RUNNING
