"""A program that runs in the background in a server."""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import tempfile
import time
from typing import Sequence

from .errors import LabError
from .outcome import Outcome
from .ssh import Ssh

_numbers = itertools.count(1)


class Job:
    """A started program: it can be looked at, killed and waited for."""

    def __init__(self, ssh: Ssh, server: str, argv: Sequence[str]) -> None:
        self._ssh = ssh
        self._server = server
        self._command = shlex.join(argv)
        self._begin = time.monotonic()
        self._pid_file = f"/run/ovslab-job-{os.getpid()}-{next(_numbers)}"
        self._out, self._err = (tempfile.TemporaryFile() for _ in "oe")  # noqa: SIM115
        # sshd gives each command its own session: the shell's pid is also the group's.
        self._child = ssh.popen(
            f"echo $$ >{self._pid_file}; exec {self._command}",
            stdout=self._out.fileno(),
            stderr=self._err.fileno(),
        )

    def is_running(self) -> bool:
        """Tell whether it has not ended yet."""
        return self._child.poll() is None

    def output(self) -> str:
        """Give what it wrote to standard output so far."""
        return self._text(self._out)

    def kill(self, signal: str = "KILL") -> None:
        """Send a signal to it and its children."""
        line = f"until test -s {self._pid_file}; do sleep 0.1; done; "
        line += f"kill -s {signal} -- -$(cat {self._pid_file})"
        child = self._ssh.popen(line)
        try:
            _, err = child.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            child.kill()
            raise LabError(f"{self._server}: cannot kill {self._command}") from None
        if child.returncode != 0 and self.is_running():
            raise LabError(f"{self._server}: kill {self._command}: {err.decode().strip()}")

    def wait(self, timeout_s: float = 60, status: int | None = None) -> Outcome:
        """Wait for its end; fail unless it ends with `status` (None: any; 255: by a signal)."""
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self._server}: still running after {timeout_s:g} s: {self._command}\n"
                f"{self.output()}{self._text(self._err)}"
            ) from None
        outcome = Outcome(
            self._command,
            self._child.returncode,
            self.output(),
            self._text(self._err),
            time.monotonic() - self._begin,
        )
        if status is not None and outcome.status != status:
            raise AssertionError(
                f"{self._server}: expected exit status {status}\n{outcome.describe()}"
            )
        return outcome

    @staticmethod
    def _text(file: object) -> str:
        handle = file.fileno()  # type: ignore[attr-defined]
        size = os.fstat(handle).st_size
        return os.pread(handle, size, 0).decode(errors="replace")
