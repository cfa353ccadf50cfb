"""Guests that are plain processes in transient systemd units: to try out, for tests, as canaries.

Each is a unit of its own, so the agent's end does not end it. See model/guest_unit.py for how the
ends are told apart, and system/guest_units.py for the order at a shutdown.
"""

from __future__ import annotations

from pathlib import Path

from ...model.command import Command, Result
from ...model.guest_unit import Life, parse_units, unit_name
from ...system import guest_cgroups, guest_units, head, systemd
from ...system.clock import Clock
from ..forms.guest_file import PROCESS
from ..report import Power
from .asking import find, is_off, refusal, said, wait_off
from .process_definition import parse_process
from .protocol import Guest, Look, Outcome, Steps, Unknown

#: how long killed processes may take to go
FORCE_S = 5.0
#: how long a unit whose program has ended may take to stop
FORGET_S = 30.0
_POWERS = {
    Life.RUNS: Power.RUNNING,
    Life.FROZEN: Power.PAUSED,
    Life.UNKILLABLE: Power.STUCK,
    Life.DONE: Power.SHUT_DOWN,
    Life.FAILED: Power.CRASHED,
    Life.STOPPED: Power.DESTROYED,
}


class Process:
    """Processes as guests; see protocol.Hypervisor."""

    def __init__(self, clock: Clock | None = None, cgroups: Path = guest_cgroups.FOLDER) -> None:
        """Take the clock that a stop is timed by."""
        self._clock = clock or Clock()
        self._cgroups = cgroups
        self._seen: guest_cgroups.Seen = None

    @property
    def name(self) -> str:
        """Return the name in guests' files."""
        return PROCESS

    @property
    def look_every_s(self) -> float:
        """Return the seconds between two looks; there are no events."""
        return 2.0

    @property
    def can_migrate(self) -> bool:
        """Tell that processes stay where they were started."""
        return False

    def events(self) -> Command | None:
        """Return nothing: systemctl(1) has no listener."""
        return None

    def is_quiet(self) -> bool:
        """Tell whether the guests' control groups are as they were before the last look."""
        return self._seen is not None and guest_cgroups.look(self._cgroups) == self._seen

    def look(self) -> Look:
        """Ask systemd for all units of guests; it knows them as soon as it answers."""
        seen, self._seen = guest_cgroups.look(self._cgroups), None
        shown = yield guest_units.show()
        if shown.status != 0:
            return Unknown(said(shown))
        try:
            units = parse_units(shown.stdout)
        except ValueError as error:
            return Unknown(str(error))
        self._seen = seen
        return {name: _POWERS[unit.life] for name, unit in units.items()}

    def start(self, guest: Guest) -> Steps:
        """Start the program of a definition; done when it was executed."""
        text = yield head.read(guest.definition)
        if text.status != 0:
            return Outcome(False, said(text))
        try:
            process = parse_process(text.stdout)
        except ValueError as error:
            return Outcome(False, f"{guest.definition}: {error}")
        found = yield from find(self.look, guest.name)
        if found is Power.RUNNING:
            return Outcome(True, f"{guest.name} is here already")
        forgotten = yield from self.forget(guest)  # a unit that ended bars its name
        if not forgotten.ok:
            return forgotten
        started = yield guest_units.run(
            unit_name(guest.name), f"Guest {guest.name}",
            process.command, process.env, process.cwd, guest.stop_s,
        )  # fmt: skip
        return _outcome(started)

    def stop(self, guest: Guest, within_s: float) -> Steps:
        """Send SIGTERM, then SIGKILL."""
        unit = unit_name(guest.name)
        found = yield from find(self.look, guest.name)
        last = Result(0)
        if not is_off(found):
            if found is Power.PAUSED:  # systemd would wait for what cannot move
                yield guest_units.thaw(unit)
            last = yield guest_units.stop(unit)
            found = yield from wait_off(self.look, guest.name, within_s, self._clock)
        if not is_off(found):
            last = yield guest_units.kill(unit)
            found = yield from wait_off(self.look, guest.name, FORCE_S, self._clock)
        if isinstance(found, Unknown):
            return Outcome(False, found.reason)
        return Outcome(True) if is_off(found) else Outcome(False, said(last))

    def migrate(self, guest: Guest, to: str) -> Steps:
        """Refuse: a process stays where it was started."""
        return Outcome(False, "a process cannot be migrated")
        yield  # what makes it a generator

    def suspend(self, guest: Guest) -> Steps:
        """Freeze the processes."""
        return _outcome((yield guest_units.freeze(unit_name(guest.name))))

    def resume(self, guest: Guest) -> Steps:
        """Thaw the processes."""
        return _outcome((yield guest_units.thaw(unit_name(guest.name))))

    def forget(self, guest: Guest) -> Steps:
        """Let systemd forget a unit that ended; one that ended well, or ends, is stopped first."""
        unit = unit_name(guest.name)
        found = yield from find(self.look, guest.name)
        refused = refusal(found, guest.name)
        if refused is not None or found is None:
            return refused or Outcome(True)
        yield systemd.stop(unit, FORGET_S)
        cleared = yield guest_units.clear(unit)
        left = yield from find(self.look, guest.name)
        return Outcome(True) if left is None else Outcome(False, said(cleared))


def _outcome(result: Result) -> Outcome:
    return Outcome(True) if result.status == 0 else Outcome(False, said(result))
