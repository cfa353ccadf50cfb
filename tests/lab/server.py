"""One server, in the words of a test: run something, cut its power, take its storage away."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import PurePosixPath
from typing import Mapping, Union

from . import faults
from .errors import LabError
from .job import Job
from .machine import Machine
from .outcome import Outcome
from .settings import Identity
from .ssh import FAILED, Ssh

BOOT_TIMEOUT_S = 600
#: for a command without a limit of its own; two labs may share the machine's cores
COMMAND_TIMEOUT_S = 240.0
Data = Union[str, bytes]


class Server(faults.Faults):
    """A Debian server in QEMU; `name` is its FQDN, as `hostname` prints it."""

    def __init__(self, machine: Machine, ssh: Ssh) -> None:
        super().__init__(machine, ssh)
        self.identity: Identity = machine.identity

    @property
    def name(self) -> str:
        """The FQDN, as in vmserver1.example.com."""
        return self.identity.name

    @property
    def short_name(self) -> str:
        """The name up to the first dot."""
        return self.identity.short_name

    @property
    def address(self) -> str:
        """The IPv4 address."""
        return self.identity.address

    def __repr__(self) -> str:
        return f"<{self.short_name} {'on' if self.is_on() else 'off'}>"

    # Running programs

    def run(
        self,
        *argv: str,
        status: int | None = 0,
        timeout_s: float = COMMAND_TIMEOUT_S,
        env: Mapping[str, str] | None = None,
        input: Data | None = None,
    ) -> Outcome:
        """Run a program as root; fail unless it ends with `status` (None: any) in time."""
        words = [*(f"{name}={value}" for name, value in (env or {}).items()), *argv]
        command = shlex.join(["env", *words] if env else words)
        # The server's own timeout(1) also ends the program; ours is for a server that is gone.
        outcome = self._send(f"timeout -k 5 {timeout_s:g} {command}", command, timeout_s, input)
        if status is not None and outcome.status != status:
            raise AssertionError(
                f"{self.short_name}: expected exit status {status}\n{outcome.describe()}"
            )
        return outcome

    def sh(
        self, line: str, status: int | None = 0, timeout_s: float = COMMAND_TIMEOUT_S
    ) -> Outcome:
        """Run a line of bash."""
        return self.run("bash", "-c", line, status=status, timeout_s=timeout_s)

    def start(self, *argv: str) -> Job:
        """Start a program that runs on in the background; see Job."""
        self.connect()
        return Job(self.ssh, self.short_name, argv)

    def wait_until(
        self, line: str, timeout_s: float = COMMAND_TIMEOUT_S, poll_s: float = 0.5
    ) -> None:
        """Wait in the server until a line of bash succeeds."""
        loop = f"until {{ {line}\n}} >/dev/null 2>&1; do sleep {poll_s:g}; done"
        try:
            self.sh(loop, timeout_s=timeout_s)
        except LabError as error:
            raise AssertionError(f"{self.short_name}: waited for: {line}\n{error}") from error

    def _send(self, wire: str, shown: str, timeout_s: float, input: Data | None) -> Outcome:
        self.connect()
        data = input.encode() if isinstance(input, str) else input
        begin = time.monotonic()
        child = self.ssh.popen(wire, stdin=subprocess.DEVNULL if data is None else subprocess.PIPE)
        late = False
        try:
            out, err = child.communicate(data, timeout=timeout_s + 15)
        except subprocess.TimeoutExpired:
            late = True
            child.kill()
            out, err = child.communicate()
        except BaseException:
            child.kill()
            child.wait()
            raise
        duration = time.monotonic() - begin
        outcome = Outcome(
            shown,
            child.returncode,
            out.decode(errors="replace"),
            err.decode(errors="replace"),
            duration,
        )
        if late or (outcome.status in (124, 137) and duration >= timeout_s):
            raise LabError(
                f"{self.short_name}: no end after {timeout_s:g} s\n"
                f"{outcome.describe()}\n{self.machine.why()}"
            )
        if outcome.status == FAILED and not self.ssh.is_connected():
            raise LabError(
                f"{self.short_name}: the connection broke\n"
                f"{outcome.describe()}\n{self.machine.why()}"
            )
        return outcome

    # Files

    def read(self, path: str) -> str:
        """Give a file's text."""
        return self.run("cat", "--", path).stdout

    def write(self, path: str, text: Data, mode: int | None = None) -> None:
        """Replace a file's content; missing folders are made."""
        quoted, parent = shlex.quote(path), shlex.quote(str(PurePosixPath(path).parent))
        line = f"mkdir -p -- {parent} && cat >{quoted}"
        line += f" && chmod {mode:o} -- {quoted}" if mode is not None else ""
        self.run("sh", "-c", line, input=text)

    def exists(self, path: str) -> bool:
        """Tell whether a path is there, a dangling link included."""
        quoted = shlex.quote(path)
        return (
            self.run("sh", "-c", f"test -e {quoted} || test -L {quoted}", status=None).status == 0
        )

    # Power

    def is_on(self) -> bool:
        """Tell whether its QEMU runs."""
        return self.machine.pid() is not None

    def connect(self, timeout_s: float = 60) -> None:
        """Make sure that ssh is ready; `run` does it by itself."""
        try:
            self.ssh.connect(timeout_s, self.is_on)
        except LabError as error:
            raise LabError(f"{error}\n{self.machine.why()}") from error

    def power_on(self, settle: bool = True, timeout_s: float = BOOT_TIMEOUT_S) -> None:
        """Boot, and wait for ssh; with `settle`, also until systemd has started everything."""
        deadline = time.monotonic() + timeout_s
        self.ssh.forget()
        self.machine.start()
        self.connect(timeout_s)
        self._check_disks()
        if settle:
            self.settle(max(1.0, deadline - time.monotonic()))

    def _check_disks(self) -> None:
        """Refuse a boot that named the disks otherwise: tests would write to the wrong one."""
        storage = self.machine.storage
        disks = [storage.local(self.identity), *storage.luns]
        wanted = [f"sd{letter} {disk.serial}" for letter, disk in zip("abc", disks)]
        found = self.run("lsblk", "-dnro", "NAME,SERIAL").lines
        if not set(wanted) <= set(found):
            raise LabError(f"{self.short_name}: wanted disks {wanted}, found {found}")

    def settle(self, timeout_s: float) -> None:
        """Wait until systemd is done with starting units, failed ones included."""
        self.run("systemctl", "is-system-running", "--wait", status=None, timeout_s=timeout_s)

    def shutdown(self, timeout_s: float = 180) -> None:
        """Shut down in order, and wait until it is off."""
        self._end("poweroff", timeout_s)

    def reboot(self, settle: bool = True, timeout_s: float = BOOT_TIMEOUT_S) -> None:
        """Shut down in order and boot again."""
        self._end("reboot", timeout_s)
        self.power_on(settle, timeout_s)

    def _end(self, verb: str, timeout_s: float) -> None:
        self.run("systemctl", "--no-block", verb)
        self.wait_until_off(timeout_s)

    def wait_until_off(self, timeout_s: float) -> None:
        """Wait for the end of its QEMU: a shutdown, or a self-fence."""
        if not self.machine.wait_off(timeout_s):
            raise AssertionError(
                f"{self.short_name} is still on after {timeout_s:g} s\n{self.machine.why()}"
            )
        self.ssh.forget()

    def console(self) -> str:
        """Give what its kernel wrote to the serial line since the restore, over all boots."""
        path = self.machine.console
        return path.read_text(errors="replace") if path.exists() else ""
