"""Libvirt through virsh: qemu:///system, and what xen:///system and containers share with it.

A guest is defined when it starts and undefined when it is released, so that libvirt keeps the
reason of its end in between. What libvirtd says is asked for after each change: an exit status of
virsh says what virsh saw, and its deadline ends virsh, not what libvirtd is doing.
"""

from __future__ import annotations

from collections.abc import Generator

from ...model import domain
from ...model.command import Command, Result
from ...system import head, virsh
from ...system.clock import Clock
from ..report import Power
from .asking import find, is_off, refusal, said, wait_off
from .domain_definition import parse_definition, same_uuid
from .domain_power import power_of
from .protocol import Guest, Look, Outcome, Pause, Request, Steps, Unknown

#: what virsh undefine would delete, or refuse to leave: it may be all that a guest has of them
KEEP, KEEP_BEFORE_8_9 = ("--keep-nvram", "--keep-tpm"), ("--keep-nvram",)
#: libvirtd has just begun to answer: it may still be finding its guests
SETTLE_S = 2.0
#: how long the process of a guest may take to go once it was told to
FORCE_S = 5.0
#: a migration that takes longer is aborted
MIGRATE_S = 3600.0


class Libvirt:
    """QEMU through libvirt, and what the others share with it; see protocol.Hypervisor."""

    _can_migrate = True
    _graceful: tuple[bool, ...] = (True, False)
    _keep: tuple[str, ...] = KEEP

    def __init__(self, uri: str, keyfile: str = "", clock: Clock | None = None) -> None:
        """Take the connection's URI, the key to log in on other servers, the clock of a stop."""
        self.uri = uri
        self._keyfile = keyfile
        self._clock = clock or Clock()
        self._answers = False

    @property
    def name(self) -> str:
        """Return the connection's URI."""
        return self.uri

    @property
    def look_every_s(self) -> float:
        """Return the seconds between two looks; changes come as events."""
        return 10.0

    def is_quiet(self) -> bool:
        """Tell no: that is not known without asking."""
        return False

    @property
    def can_migrate(self) -> bool:
        """Tell whether libvirt moves such guests; containers it does not."""
        return self._can_migrate

    def events(self) -> Command | None:
        """Return the listener; it ends when libvirtd does."""
        return virsh.listen(self.uri)

    def look(self) -> Look:
        """Ask for all domains; Unknown until libvirtd has answered for SETTLE_S."""
        found = yield from self._ask()
        if not isinstance(found, Unknown) and not self._answers:
            yield Pause(SETTLE_S)
            found = yield from self._ask()
        self._answers = not isinstance(found, Unknown)
        return found

    def _ask(self) -> Look:
        shown = yield virsh.domstats(self.uri)
        if shown.status != 0:
            return Unknown(said(shown))
        try:
            found = domain.parse_domstats(shown.stdout)
        except ValueError as error:
            return Unknown(str(error))
        return {name: power_of(state) for name, state in found.items()}

    def _shutdown(self, guest: Guest) -> Command:
        return virsh.shutdown(self.uri, guest.name)

    def start(self, guest: Guest) -> Steps:
        """Define and start a guest; refuses a definition of another one, and a saved image."""
        found = yield from find(self._ask, guest.name)
        if isinstance(found, Unknown):
            return Outcome(False, found.reason)
        if not is_off(found):
            return Outcome(found is Power.RUNNING, f"{guest.name} is here already")
        refused = yield from self._define(guest)
        if refused is not None:
            return refused
        started = yield virsh.start(self.uri, guest.name)
        if started.status == 0:
            return Outcome(True)
        return (yield from self._judge(guest, Power.RUNNING, started))

    def _define(self, guest: Guest) -> Generator[Request, Result, Outcome | None]:
        text = yield head.read(guest.definition)
        if text.status != 0:
            return Outcome(False, said(text))
        reason = _mismatch(guest, text.stdout)
        if reason:
            return Outcome(False, f"{guest.definition}: {reason}")
        for command in (
            virsh.define(self.uri, guest.definition),
            virsh.no_autostart(self.uri, guest.name),
        ):
            done = yield command
            if done.status != 0:
                return Outcome(False, said(done))
        info = yield virsh.dominfo(self.uri, guest.name)
        if info.status != 0:
            return Outcome(False, said(info))
        if domain.parse_dominfo(info.stdout).get("Managed save") == "yes":
            way_out = f"virsh -c {self.uri} managedsave-remove {guest.name}"
            return Outcome(False, f"it has a managed save image, maybe an old one: {way_out}")
        return None

    def _judge(self, guest: Guest, wanted: Power, result: Result) -> Steps:
        """Let libvirt's word count, when virsh has failed or was given up."""
        found = yield from find(self._ask, guest.name)
        return Outcome(True) if found is wanted else Outcome(False, said(result))

    def stop(self, guest: Guest, within_s: float) -> Steps:
        """Shut down; then end it by SIGTERM of QEMU, which still writes its caches; then kill."""
        found = yield from find(self._ask, guest.name)
        last = Result(0)
        if found is Power.RUNNING:  # a paused guest would not hear it
            last = yield self._shutdown(guest)
            patience_s = within_s if last.status == 0 else 0.0
            found = yield from wait_off(self._ask, guest.name, patience_s, self._clock)
        for graceful in self._graceful:
            if not is_off(found) and not isinstance(found, Unknown):
                last = yield virsh.destroy(self.uri, guest.name, graceful)
                patience_s = FORCE_S if last.status == 0 else 0.0
                found = yield from wait_off(self._ask, guest.name, patience_s, self._clock)
        if isinstance(found, Unknown):
            return Outcome(False, found.reason)
        return Outcome(True) if is_off(found) else Outcome(False, said(last))

    def migrate(self, guest: Guest, to: str) -> Steps:
        """Send a guest through libvirtd's ssh connection; it arrives paused and defined there."""
        if not self.can_migrate:
            return Outcome(False, f"{self.uri} cannot migrate guests")
        destination = virsh.at(self.uri, to, self._keyfile)
        moved = yield virsh.migrate(self.uri, guest.name, destination, MIGRATE_S)
        found = yield from find(self._ask, guest.name)
        if moved.status != 0 and not is_off(found):
            yield virsh.abort_job(self.uri, guest.name)  # libvirtd goes on without virsh
            found = yield from find(self._ask, guest.name)
        if found is Power.MIGRATED or (moved.status == 0 and is_off(found)):
            return Outcome(True)
        return Outcome(False, said(moved))

    def suspend(self, guest: Guest) -> Steps:
        """Pause a guest."""
        done = yield virsh.suspend(self.uri, guest.name)
        return (
            Outcome(True)
            if done.status == 0
            else (yield from self._judge(guest, Power.PAUSED, done))
        )

    def resume(self, guest: Guest) -> Steps:
        """Let a paused guest run."""
        done = yield virsh.resume(self.uri, guest.name)
        return (
            Outcome(True)
            if done.status == 0
            else (yield from self._judge(guest, Power.RUNNING, done))
        )

    def forget(self, guest: Guest) -> Steps:
        """Undefine a guest that is off; its NVRAM and TPM state stay, for they may be the only."""
        found = yield from find(self._ask, guest.name)
        refused = refusal(found, guest.name)
        if refused is not None or found is None:
            return refused or Outcome(True)
        done = yield virsh.undefine(self.uri, guest.name, self._keep)
        if done.status != 0 and self._keep:  # virsh before 8.9 knows no --keep-tpm
            shown = yield virsh.dumpxml(self.uri, guest.name)
            if shown.status != 0 or "<tpm" in shown.stdout:
                return Outcome(False, said(done))
            done = yield virsh.undefine(self.uri, guest.name, KEEP_BEFORE_8_9)
        return Outcome(True) if done.status == 0 else Outcome(False, said(done))


def _mismatch(guest: Guest, text: str) -> str:
    """Say why a definition is not the guest's own; empty: it is."""
    try:
        found = parse_definition(text)
    except ValueError as error:
        return str(error)
    if found.name != guest.name:
        return f"it defines {found.name}, not {guest.name}"
    if guest.uuid and not same_uuid(found.uuid, guest.uuid):
        return f"its UUID is {found.uuid or 'missing'}, not {guest.uuid}"
    return ""
