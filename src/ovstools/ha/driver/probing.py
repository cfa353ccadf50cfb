"""What else a report says: guests that could not start here, and guests that answer."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Collection, Mapping

from ...model.sealed_block import Missing
from ...system import virsh
from ...system.clock import Clock
from ...system.program import Program
from ..after import Probe, probes
from ..forms.guest_file import GuestFile
from ..pool_io import PoolIo
from ..wishes import Wishes
from . import sighting
from .loop import Loop, Pause, Task
from .sighting import Content, Names

LOOK_S = 30.0  #: between two looks whether the guests' definitions are here
PROBE_S, CONNECT_S, NAP_S = 1.0, 2.0, 0.05
_TCP = "tcp:"


class Probing:
    """Looks and asks in the background; a definition on storage that hangs stays as it was."""

    def __init__(
        self, loop: Loop, changed: Callable[[], None], hypervisors: Collection[str], limit_s: float
    ) -> None:
        self._loop = loop
        self._io = PoolIo("/", loop.clock)
        self._changed = changed
        self._hypervisors = frozenset(hypervisors)
        self._limit_s = limit_s
        self._signatures: dict[str, str] = {}
        self._absent: dict[str, str] = {}
        self._wanted: dict[Probe, GuestFile] = {}
        self._answering: frozenset[str] = frozenset()
        self._guests: Mapping[str, GuestFile] = {}

    @property
    def answering(self) -> frozenset[str]:
        """Return the probes that succeeded last, as text."""
        return self._answering

    @property
    def lacking(self) -> Mapping[str, str]:
        """Return the guests that could not start here, and what is missing."""
        found = {}
        for name, guest in self._guests.items():
            if guest.hypervisor not in self._hypervisors:
                found[name] = guest.hypervisor
            elif guest.definition in self._absent:
                found[name] = guest.definition
        return found

    def begin(self) -> None:
        """Look and ask again and again, from now on."""
        self._loop.start(self._look())
        self._loop.start(self._probe())

    def want(self, wishes: Wishes, guests: Mapping[str, GuestFile], here: Collection[str]) -> None:
        """Take note of the guests' files, and of those that run here."""
        is_new = bool(guests.keys() - self._guests.keys())
        self._guests = guests
        if is_new:
            self._loop.start(self._look_once())
        wanted = {p: guests[p.guest] for p in probes(wishes, here) if p.guest in guests}
        self._wanted = wanted
        self._set(self._answering & {str(probe) for probe in wanted})

    def close(self) -> None:
        """Let go of the idle children."""
        self._io.children.close()

    # ------------------------------------------------------------ definitions

    def _look(self) -> Task[None]:
        while True:
            yield Pause(LOOK_S)
            yield from self._look_once()

    def _look_once(self) -> Task[None]:
        names = {guest.definition[1:] for guest in self._guests.values()}
        known = {name: self._signatures.get(name, "") for name in sorted(names)}
        found = yield sighting.look(self._io, known, self._limit_s)
        if not isinstance(found, Mapping):
            return
        before = dict(self._absent)
        for name, each in found.items():
            if isinstance(each, Missing):
                self._absent[f"/{name}"] = ""
            elif isinstance(each, (Content, Names)):
                self._signatures[name] = each.signature
                self._absent.pop(f"/{name}", None)
        if before != self._absent:
            self._changed()

    # ------------------------------------------------------------ answers

    def _probe(self) -> Task[None]:
        while True:
            answers = set()
            for probe, guest in list(self._wanted.items()):
                if (yield from self._ask(probe, guest)):
                    answers.add(str(probe))
            self._set(frozenset(answers))
            yield Pause(PROBE_S)

    def _ask(self, probe: Probe, guest: GuestFile) -> Task[bool]:
        if probe.wait.startswith(_TCP):
            return (yield from connects(self._loop.clock, probe.wait[len(_TCP) :]))
        if ":///" not in guest.hypervisor:
            return True  # it has no agent to ask
        result = yield Program(virsh.ping(guest.hypervisor, guest.name), self._loop.clock)
        return bool(result.status == 0)

    def _set(self, answering: frozenset[str]) -> None:
        if answering != self._answering:
            self._answering = answering
            self._changed()


def connects(clock: Clock, address: str) -> Task[bool]:
    """Tell whether HOST:PORT accepts a connection; HOST is an address, or in /etc/hosts."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        until = clock.monotonic() + CONNECT_S
        while True:
            try:
                found = connection.connect_ex((host, int(port)))
            except OSError:  # no such name
                return False
            if found in (0, errno.EISCONN):
                return True
            if found not in (errno.EINPROGRESS, errno.EALREADY) or clock.monotonic() >= until:
                return False
            yield Pause(NAP_S)
