"""Changes beside the pool file system: programs, files in a repository, hypervisors' own lists."""

from __future__ import annotations

import difflib
import io
from dataclasses import dataclass, replace

from ...errors import RefusedError, ToolError
from ...model.command import Command, Result
from ...system import virsh
from ...system.host import Host
from ..hypervisors.here import hypervisors_here
from ..hypervisors.protocol import NOT_INSTALLED, TIMED_OUT, WAITED, Outcome, Pause, Steps
from ..pool_files import remove_file, replace_file
from ..pool_io import PoolIo
from .session import Session

ANY = frozenset(range(256))


@dataclass(frozen=True)
class Run:
    """Run a program."""

    command: Command

    def preview(self) -> str:
        """Return the command line."""
        return self.command.shell()

    def apply(self, session: Session) -> None:
        """Run it."""
        session.host.run(self.command)


@dataclass(frozen=True)
class WriteFile:
    """Write a file below a mounted file system; device: its st_dev, None: any."""

    root: str
    device: int | None
    name: str
    before: str | None
    after: str

    def preview(self) -> str:
        """Return a unified diff."""
        path = f"{self.root.rstrip('/')}/{self.name}"
        return "".join(
            difflib.unified_diff(
                list(io.StringIO(self.before or "")),
                list(io.StringIO(self.after)),
                "/dev/null" if self.before is None else path,
                path,
            )
        ).rstrip("\n")

    def apply(self, session: Session) -> None:
        """Write it, in a child: storage may hang."""
        disk = PoolIo(self.root, session.host.clock, self.device)
        data = self.after.encode()
        session.written(self.name, replace_file(disk, self.name, data, session.limit_s, 0o600))


@dataclass(frozen=True)
class TakeBack:
    """Remove a file that was written a moment ago."""

    written: WriteFile

    def preview(self) -> str:
        """Return the command that would do it."""
        return f"rm {self.written.root.rstrip('/')}/{self.written.name}"

    def apply(self, session: Session) -> None:
        """Remove it, in a child."""
        disk = PoolIo(self.written.root, session.host.clock, self.written.device)
        name = self.written.name
        session.written(name, remove_file(disk, name, session.limit_s))


@dataclass(frozen=True)
class Forget:
    """Take a domain that is off out of libvirt's list: else it could be started there by hand."""

    uri: str
    guest: ForgetGuest

    def preview(self) -> str:
        """Return the command line."""
        return virsh.undefine(self.uri, self.guest.name, ("--keep-nvram", "--keep-tpm")).shell()

    def apply(self, session: Session) -> None:
        """Undefine it; refuses one that runs."""
        here = {each.name: each for each in hypervisors_here(session.host)}
        if self.uri not in here:
            raise ToolError(f"{self.uri} is none of this server's hypervisors: {', '.join(here)}")
        found = carry(session.host, here[self.uri].forget(self.guest))
        if not found.ok:
            raise ToolError(
                f"libvirt still lists {self.guest.name}: {found.text}",
                hint=f"virsh -c {self.uri} undefine {self.guest.name}; the guest is under HA",
            )


@dataclass(frozen=True)
class ForgetGuest:
    """A guest as hypervisors want to have it named."""

    name: str
    uuid: str = ""
    definition: str = ""
    stop_s: float = 60.0


def carry(host: Host, steps: Steps) -> Outcome:
    """Do what a hypervisor's generator asks for, one command after the other."""
    sent: Result | None = None
    while True:
        try:
            wanted = next(steps) if sent is None else steps.send(sent)
        except StopIteration as ended:
            outcome: Outcome = ended.value
            return outcome
        if isinstance(wanted, Pause):
            host.clock.sleep(wanted.seconds)
            sent = WAITED
        else:
            sent = asked(host, wanted)


def asked(host: Host, command: Command) -> Result:
    """Run a command whatever its status, as hypervisors' generators want it."""
    try:
        return host.run(replace(command, ok=ANY))
    except RefusedError as error:
        return Result(NOT_INSTALLED, "", error.what)
    except ToolError as error:
        return Result(TIMED_OUT, "", error.what)
