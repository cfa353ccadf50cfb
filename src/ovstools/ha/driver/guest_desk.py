"""This server's hypervisors: what they say of the pool's guests, and what they are told."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Union

from ...model.command import Command, Result
from ...system.program import Listener, Program
from ..forms.guest_file import GuestFile
from ..hypervisors.protocol import WAITED, Hypervisor, Outcome, Unknown
from ..hypervisors.protocol import Pause as Nap
from ..report import Power
from .lock_desk import Ended
from .loop import Loop, Pause, Task

#: marks what we start for a guest, so that our next life finds what still runs
JOB_VARIABLE = "OVS_AGENT_JOB"
PROC = Path("/proc")
#: where a command's output goes (system/program.py), as proc(5) shows it
OUTPUTS = ("/memfd:ovs-out ", "/memfd:ovs-err ")
LISTEN_AGAIN_S = 5.0
#: a hypervisor is asked this often at least, however quiet it is
ASK_AGAIN_S = 10.0


class GuestDesk:
    """Looks at all hypervisors, and runs one command a guest at a time.

    home: tells our own jobs from those of another agent on this machine (ha-try).
    """

    def __init__(
        self, loop: Loop, hypervisors: Iterable[Hypervisor], home: str,
        changed: Callable[[], None], say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._loop = loop
        self._hypervisors = {each.name: each for each in hypervisors}
        self._home = home
        self._changed = changed
        self._say = say
        self._found: dict[str, Mapping[str, Power] | Unknown] = {}
        self._is_looking: set[str] = set()
        self._look_again: set[str] = set()
        self._look_by: dict[str, float] = {}
        self._rounds: dict[str, int] = {}
        self._busy: set[str] = set()
        self._earlier = earlier_jobs(home)

    # ------------------------------------------------------------ what they say

    def begin(self) -> None:
        """Look at all of them, regularly and at each event, from now on."""
        for name, hypervisor in self._hypervisors.items():
            self._regularly(name)
            command = hypervisor.events()
            if command is not None:
                self._loop.start(self._listen(name, command))
        if self._earlier:
            self._loop.start(self._await_earlier())

    @property
    def busy(self) -> frozenset[str]:
        """Return the guests whose command from an earlier life has not ended."""
        return frozenset(self._earlier.values())

    @property
    def names(self) -> frozenset[str]:
        """Return the names of the hypervisors that are here."""
        return frozenset(n for n in self._hypervisors if not self.trouble_of(n))

    def trouble_of(self, name: str) -> str:
        """Return why a hypervisor says nothing; empty: it does."""
        found = self._found.get(name, Unknown("it was not asked yet"))
        return found.reason if isinstance(found, Unknown) else ""

    def guests(self, names: Collection[str]) -> Mapping[str, Power] | None:
        """Return what they say of these guests; None as long as one of them says nothing."""
        table: dict[str, Power] = {}
        for each in self._hypervisors:
            found = self._found.get(each)
            if found is None or isinstance(found, Unknown):
                return None
            for guest, power in found.items():
                if guest in names and (guest not in table or power.is_here):
                    table[guest] = power
        return table

    def look(self, name: str) -> None:
        """Ask a hypervisor; if that is under way, ask again afterwards."""
        if name in self._is_looking:
            self._look_again.add(name)
            return
        self._is_looking.add(name)
        steps = self._hypervisors[name].look()
        self._loop.start(_carried_out(self._loop, steps, {}), partial(self._looked, name))

    def _looked(self, name: str, found: Any) -> None:
        self._is_looking.discard(name)
        self._rounds[name] = self._rounds.get(name, 0) + 1
        if found != self._found.get(name):
            if isinstance(found, Unknown):
                told = f"which guests run here is not known until {name} answers"
                self._say(f"{name}: {found.reason}: {told}")
            self._found[name] = found
            self._changed()
        if name in self._look_again:
            self._look_again.discard(name)
            self.look(name)

    def _regularly(self, name: str) -> None:
        now = self._loop.clock.monotonic()
        if now >= self._look_by.get(name, now) or not self._hypervisors[name].is_quiet():
            self._look_by[name] = now + ASK_AGAIN_S
            self.look(name)
        self._loop.after(self._hypervisors[name].look_every_s, partial(self._regularly, name))

    def _listen(self, name: str, command: Command) -> Task[None]:
        while True:
            yield Listener(command, partial(self.look, name))
            yield Pause(LISTEN_AGAIN_S)
            self.look(name)

    # ------------------------------------------------------------ what they are told

    def tell(self, guest: GuestFile, verb: str, *words: Any) -> Task[Ended]:
        """Start, stop, migrate, suspend, resume or forget a guest; then look."""
        hypervisor = self._hypervisors.get(guest.hypervisor)
        if hypervisor is None:
            return False, f"{guest.hypervisor} is not on this server"
        while guest.name in self._busy:
            yield Pause(0.05)
        self._busy.add(guest.name)
        try:
            mark = {JOB_VARIABLE: f"{self._home}:{guest.name}"}
            steps = getattr(hypervisor, verb)(guest, *words)
            outcome: Outcome = yield from _carried_out(self._loop, steps, mark)
            yield from self._look_now(hypervisor.name)
        finally:
            self._busy.discard(guest.name)
        return outcome.ok, outcome.text

    def _look_now(self, name: str) -> Task[None]:
        """Wait for a look that began after now: the guest's state follows from it."""
        seen = self._rounds.get(name, 0) + (1 if name in self._is_looking else 0)
        self.look(name)
        while self._rounds.get(name, 0) <= seen:
            yield Pause(0.02)

    # ------------------------------------------------------------ an earlier life's commands

    def _await_earlier(self) -> Task[None]:
        while self._earlier:
            yield Pause(0.2)
            self._earlier = {p: g for p, g in self._earlier.items() if _is_at_work(p)}
        for name in self._hypervisors:
            yield from self._look_now(name)
        self._changed()


def _carried_out(
    loop: Loop, steps: Generator[Any, Result, Any], mark: Mapping[str, str]
) -> Task[Any]:
    """Run a hypervisor's generator: its commands beside the loop."""
    sent: Result | None = None
    while True:
        try:
            wanted: Union[Command, Nap] = next(steps) if sent is None else steps.send(sent)
        except StopIteration as ended:
            return ended.value
        if isinstance(wanted, Nap):
            yield Pause(wanted.seconds)
            sent = WAITED
        else:
            sent = yield Program(wanted, loop.clock, mark)


def earlier_jobs(home: str) -> dict[int, str]:
    """Return the commands that an earlier life started for guests: pid, guest's name.

    What a command leaves behind for the guest's life is none: it has closed the command's output
    (`xl create` has a monitor for each domain), while its environment stays as it was, for
    /proc/PID/environ shows what execve(2) was given, whatever was unset since.
    """
    wanted = f"{JOB_VARIABLE}={home}:".encode()
    found = {}
    for name in os.listdir(PROC):
        if name.isdigit() and int(name) != os.getpid():
            try:
                words = (PROC / name / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            for word in words:
                if word.startswith(wanted) and _is_at_work(int(name)):
                    found[int(name)] = word[len(wanted) :].decode("utf-8", "replace")
    return found


def _is_at_work(pid: int) -> bool:
    """Tell whether a command's output is still open for more."""
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if os.readlink(PROC / str(pid) / "fd" / str(number)).startswith(OUTPUTS):
                return True
    return False
