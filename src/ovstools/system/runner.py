"""Run programs: the one door to the outside, and the only importer of sh."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from ..errors import RefusedError, ToolError
from ..model.command import Command, Result
from .talk import Talk

#: where a program is looked for, whatever the caller's PATH says (cron's has no sbin)
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C", "HOME": "/root", "TERM": "dumb"}
EVIDENCE_LINES = 6

#: the Debian packages that bring the programs, for the way out
PACKAGES = {
    "mkfs.ocfs2": "ocfs2-tools",
    "debugfs.ocfs2": "ocfs2-tools",
    "mount.ocfs2": "ocfs2-tools",
    "ocfs2_hb_ctl": "ocfs2-tools",
    "o2cb": "ocfs2-tools",
    "lsblk": "util-linux",
    "blkid": "util-linux",
    "ip": "iproute2",
    "modprobe": "kmod",
    "mkfs.ext4": "e2fsprogs",
    "udevadm": "udev",
}


def find_program(name: str) -> str | None:
    """Return the program's absolute path, or None."""
    if name.startswith("/"):
        return name if os.access(name, os.X_OK) else None
    for folder in SEARCH_PATH.split(":"):
        path = f"{folder}/{name}"
        if os.access(path, os.X_OK) and Path(path).is_file():
            return path
    return None


class Runner:
    """Runs commands on this machine."""

    def __init__(self, talk: Talk, inherited: Callable[[], frozenset[int]] = frozenset) -> None:
        self._talk = talk
        self._inherited = inherited

    def run(self, command: Command) -> Result:
        """Run the command and return what it said.

        Raises RefusedError when the program is not installed, ToolError when it exits with
        a status that the command does not call ok, or outlives its timeout_s.
        """
        program = find_program(command.argv[0])
        if program is None:
            raise missing(command.argv[0])
        self._talk.detail(command.shell())
        import sh  # here: it costs more than the rest of ovstools to load

        try:
            done = sh.Command(program)(
                *command.argv[1:],
                _env=ENVIRONMENT,
                _in=command.input or "",
                _tty_out=False,
                _encoding="utf-8",
                _decode_errors="replace",
                _ok_code=tuple(range(256)),
                _timeout=command.timeout_s,
                _timeout_signal=signal.SIGKILL,
                _return_cmd=True,
                _truncate_exc=False,
                _pass_fds=set(self._inherited()),
            )
        except sh.TimeoutException as error:
            raise ToolError(
                f"{command.argv[0]} did not end within {command.timeout_s:g} s and was killed",
                command.shell(),
                hint="storage that does not answer makes programs wait: see dmesg",
            ) from error
        except sh.SignalException as error:
            raise ToolError(f"{command.argv[0]} was ended by a signal", command.shell()) from error
        result = Result(int(done.exit_code), _text(done.stdout), _text(done.stderr))
        if result.status not in command.ok:
            raise failed(command, result)
        return result


def missing(program: str) -> RefusedError:
    """Return the error for a program that is not installed."""
    package = PACKAGES.get(program)
    return RefusedError(
        f"{program} is not installed",
        f"looked in {SEARCH_PATH}",
        hint=f"install it: apt-get install {package}" if package else "install it",
    )


def failed(command: Command, result: Result) -> ToolError:
    """Return the error for a command that ended with a status that is not ok."""
    said = [line for line in (result.stderr or result.stdout).splitlines() if line.strip()]
    return ToolError(
        f"{command.argv[0]} exited with status {result.status}",
        command.shell(),
        *said[-EVIDENCE_LINES:],
    )


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
