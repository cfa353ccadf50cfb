"""What the agent's driver asks of a hypervisor, and how it is answered.

Everything is a generator that yields commands and pauses and never touches the machine: a driver
runs each command beside its loop and sends the result back in, a test sends captured output. What
a driver owes a generator:

* the Result of each Command, whatever its status. A command that outlived its timeout_s is killed
  and given as Result(TIMED_OUT), a program that is not installed as Result(NOT_INSTALLED).
* WAITED after each Pause.
* nothing at all any more, if it wants: a generator that is dropped leaves a state from which the
  same method, called again, finishes the job.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import NamedTuple, Protocol, Union

from ...model.command import Command, Result
from ..report import Power

#: statuses of what could not be run to its end, as timeout(1) and sh(1) have them
TIMED_OUT, NOT_INSTALLED = 124, 127


class Pause(NamedTuple):
    """Let so many seconds pass, then send WAITED."""

    seconds: float


#: what a generator is sent after a Pause
WAITED = Result(0)


class Outcome(NamedTuple):
    """How a job on a guest ended; text: for a failure what was said, and the way out."""

    ok: bool
    text: str = ""


class Unknown(NamedTuple):
    """The hypervisor has not said what it has: nothing follows from that, least of all absence."""

    reason: str


Request = Union[Command, Pause]
Steps = Generator[Request, Result, Outcome]
#: the guests that a hypervisor knows; who is not in it is not there
Guests = Mapping[str, Power]
Look = Generator[Request, Result, Union[Guests, Unknown]]


class Guest(Protocol):
    """What a hypervisor needs of a guest's file."""

    @property
    def name(self) -> str:
        """Return the name, the same in the pool and in the hypervisor."""
        ...

    @property
    def uuid(self) -> str:
        """Return the UUID that the definition has as well; may be empty."""
        ...

    @property
    def definition(self) -> str:
        """Return the absolute path of the definition, in the hypervisor's own form."""
        ...

    @property
    def stop_s(self) -> float:
        """Return how long it may take to stop, in seconds, before it is forced off."""
        ...


class Hypervisor(Protocol):
    """One hypervisor of this server.

    A guest's methods are called one at a time for each guest; looks may run beside them.
    """

    @property
    def name(self) -> str:
        """Return the name in guests' files: qemu:///system, lxc:///system, xl, process."""
        ...

    @property
    def look_every_s(self) -> float:
        """Return the seconds between two looks when no event calls for one."""
        ...

    def is_quiet(self) -> bool:
        """Tell whether nothing has happened here since the last look, if that is known at once."""
        ...

    @property
    def can_migrate(self) -> bool:
        """Tell whether running guests can go to another server."""
        ...

    def look(self) -> Look:
        """Ask which guests are here, and how those that ended did."""
        ...

    def start(self, guest: Guest) -> Steps:
        """Define and start a guest, without autostart; refuses one with a saved memory image."""
        ...

    def stop(self, guest: Guest, within_s: float) -> Steps:
        """Shut a guest down; force it off when it still runs after within_s. Done: it is off."""
        ...

    def migrate(self, guest: Guest, to: str) -> Steps:
        """Send a guest's memory, encrypted, to a server, where it arrives paused.

        Done: the copy here is gone. Failed does not mean that it is here: look.
        """
        ...

    def suspend(self, guest: Guest) -> Steps:
        """Pause a guest."""
        ...

    def resume(self, guest: Guest) -> Steps:
        """Let a paused guest run."""
        ...

    def forget(self, guest: Guest) -> Steps:
        """Remove what is known of a guest that ended; refuses one that has not. Idempotent."""
        ...

    def events(self) -> Command | None:
        """Return the listener that prints a line at each change, until killed; None: only look."""
        ...
