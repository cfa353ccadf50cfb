"""Libvirt's containers, where its driver falls short of what HA needs.

It says `shut off (shutdown)` of every end that was not its own doing, a killed init's as well, so
that counts as unexplained: CRASHED. And it cannot suspend with cgroups v2, so systemd freezes the
container's scope; a frozen one is PAUSED, whatever libvirt says.
"""

from __future__ import annotations

from ...model.command import Command
from ...model.domain import ListedDomain
from ...model.scope import parse_frozen, pattern_of
from ...system import scopes, virsh
from ..report import Power
from .asking import said
from .domain_power import power_of
from .libvirt_listed import LibvirtListed
from .protocol import Guest, Look, Outcome, Steps, Unknown

URI = "lxc:///system"


class LibvirtLxc(LibvirtListed):
    """Containers through libvirt; see protocol.Hypervisor."""

    _can_migrate = False

    def _ask(self) -> Look:
        listed = yield from self._list()
        if isinstance(listed, Unknown):
            return listed
        frozen: frozenset[int] = frozenset()
        if any(each.id is not None for each in listed.values()):
            shown = yield scopes.show_frozen()
            if shown.status != 0:
                return Unknown(said(shown))
            frozen = parse_frozen(shown.stdout)
        return {name: _power_of(each, frozen) for name, each in listed.items()}

    def _shutdown(self, guest: Guest) -> Command:
        return virsh.shutdown_container(self.uri, guest.name)

    def suspend(self, guest: Guest) -> Steps:
        """Freeze a container."""
        done = yield virsh.suspend(self.uri, guest.name)
        if done.status == 0:
            return Outcome(True)
        number = yield virsh.domid(self.uri, guest.name)
        if number.stdout.strip().isdecimal():
            done = yield scopes.freeze(pattern_of(int(number.stdout)))
        return (yield from self._judge(guest, Power.PAUSED, done))

    def resume(self, guest: Guest) -> Steps:
        """Thaw a container."""
        done = yield virsh.resume(self.uri, guest.name)
        if done.status == 0:
            return Outcome(True)
        number = yield virsh.domid(self.uri, guest.name)
        if number.stdout.strip().isdecimal():
            done = yield scopes.thaw(pattern_of(int(number.stdout)))
        return (yield from self._judge(guest, Power.RUNNING, done))


def _power_of(found: ListedDomain, frozen: frozenset[int]) -> Power:
    power = power_of(found.state)
    if power is Power.SHUT_DOWN:
        return Power.CRASHED
    return Power.PAUSED if power is Power.RUNNING and found.id in frozen else power
