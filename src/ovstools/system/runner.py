"""Run programs: the one door to the outside, and the only importer of sh.

What changes something runs by sh. What only looks runs as a daemon's programs do, in
system/program.py: loading sh takes longer than all else of a command that only looks.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ..errors import RefusedError, ToolError
from ..model.command import Command, Result
from .clock import Clock
from .talk import Talk

#: where a program is looked for, whatever the caller's PATH says (cron's has no sbin)
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C", "HOME": "/root", "TERM": "dumb"}
EVIDENCE_LINES = 6
#: between two looks whether a program has ended; the first ones soon, for most end at once
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.002, 0.1
#: how long a killed program may take to end
KILL_S = 2.0

#: the Debian packages that bring the programs, for the way out
PACKAGES = {
    "mkfs.ocfs2": "ocfs2-tools",
    "debugfs.ocfs2": "ocfs2-tools",
    "tunefs.ocfs2": "ocfs2-tools",
    "mount.ocfs2": "ocfs2-tools",
    "ocfs2_hb_ctl": "ocfs2-tools",
    "o2cb": "ocfs2-tools",
    "lsblk": "util-linux",
    "blkid": "util-linux",
    "ip": "iproute2",
    "modprobe": "kmod",
    "mkfs.ext4": "e2fsprogs",
    "resize2fs": "e2fsprogs",
    "dumpe2fs": "e2fsprogs",
    "sfdisk": "fdisk",
    "partx": "util-linux",
    "blockdev": "util-linux",
    "multipathd": "multipath-tools",
    "udevadm": "udev",
    "iscsiadm": "open-iscsi",
}


def find_program(name: str) -> str | None:
    """Return the program's absolute path, or None."""
    folders = [""] if name.startswith("/") else [f"{each}/" for each in SEARCH_PATH.split(":")]
    paths = (f"{folder}{name}" for folder in folders)
    return next((p for p in paths if os.access(p, os.X_OK) and Path(p).is_file()), None)


class Runner:
    """Runs commands on this machine."""

    def __init__(
        self,
        talk: Talk,
        inherited: Callable[[], frozenset[int]] = frozenset,
        clock: Clock | None = None,
    ) -> None:
        """Take what to say to, the descriptors that programs get, and the clock to wait by."""
        self._talk = talk
        self._inherited = inherited
        self._clock = clock or Clock()

    def run(self, command: Command) -> Result:
        """Run the command and return what it said.

        Raises RefusedError when the program is not installed, ToolError when it exits with
        a status that the command does not call ok, or outlives its timeout_s.
        """
        program = find_program(command.argv[0])
        if program is None:
            raise missing(command.argv[0])
        self._talk.detail(command.shell())
        result = self._change(command, program) if command.changes else self._look(command, program)
        if result.status not in command.ok:
            raise failed(command, result)
        return result

    def _look(self, command: Command, program: str) -> Result:
        from .program import Program, wait  # here: it imports this module

        running = Program(command, self._clock)
        result = wait(running)
        if running.unstarted is not None:
            raise unstarted(command, program, f"OSError: {running.unstarted}")
        if running.is_late:
            raise outlived(command, running, self._clock)
        if running.signal:
            raise ended_by(command, running.signal, result.stderr)
        return result

    def _change(self, command: Command, program: str) -> Result:
        import sh  # here: it costs more than the rest of ovstools to load

        inherited = self._inherited()
        try:
            for descriptor in inherited:
                os.set_inheritable(descriptor, True)  # _pass_fds alone leaves O_CLOEXEC set
            # In the background, so that the deadline is ours: sh's own waits for the end of
            # what it killed, and storage that does not answer makes a process unkillable.
            # sh lets such a program ignore SIGHUP: a lost terminal does not stop a mkfs midway.
            running = sh.Command(program)(
                *command.argv[1:],
                _env=ENVIRONMENT,
                _in=command.input or "",
                _tty_out=False,
                _encoding="utf-8",
                _decode_errors="replace",
                _ok_code=tuple(range(256)),
                _truncate_exc=False,
                _pass_fds=set(inherited),
                _bg=True,
                _bg_exc=False,
            )
        except sh.ForkException as error:
            said = str(error).strip().rpartition("\n")[2].strip()
            raise unstarted(command, program, said) from error
        finally:
            for descriptor in inherited:
                os.set_inheritable(descriptor, False)
        if not ended_within(running, command.timeout_s, self._clock):
            raise outlived(command, running, self._clock)
        try:
            running.wait()
        except sh.SignalException as error:
            raise ended_by(command, -error.exit_code, _text(error.stderr)) from error
        process = running.process
        assert process.exit_code is not None, "wait() came back before the end"
        return Result(process.exit_code, _text(process.stdout), _text(process.stderr))

    def run_together(self, commands: Sequence[Command]) -> tuple[Result, ...]:
        """Run commands side by side; return what each said, in their order.

        Nothing is raised: one that is not installed, or outlives its timeout_s, has a status of
        its own (system/program.py).
        """
        from .program import TOGETHER, run_all  # here: it imports this module

        for command in commands:
            self._talk.detail(command.shell())
        return run_all(commands, self._clock, TOGETHER)


class Running(Protocol):
    """A program that was started: sh.RunningCommand, as far as it is needed here."""

    def is_alive(self) -> bool:
        """Tell whether it has not ended yet."""

    def kill(self) -> None:
        """Send SIGKILL."""


def ended_within(running: Running, limit_s: float, clock: Clock) -> bool:
    """Wait until a program ends, and tell whether it did within limit_s."""
    deadline = clock.monotonic() + limit_s
    pause_s = SHORTEST_PAUSE_S
    while running.is_alive():
        left_s = deadline - clock.monotonic()
        if left_s <= 0:
            return False
        clock.sleep(min(pause_s, left_s))
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
    return True


def outlived(command: Command, running: Running, clock: Clock) -> ToolError:
    """Kill a program that has outlived its time limit, and return the error that says so."""
    with contextlib.suppress(ProcessLookupError):
        running.kill()
    end = "was killed" if ended_within(running, KILL_S, clock) else "cannot even be killed"
    return ToolError(
        f"{command.argv[0]} did not end within {command.timeout_s:g} s and {end}",
        command.shell(),
        hint="storage that does not answer makes programs wait: see dmesg",
    )


def unstarted(command: Command, program: str, why: str) -> ToolError:
    """Return the error for a program that the kernel does not execute."""
    return ToolError(f"{program} cannot be started", command.shell(), why)


def ended_by(command: Command, number: int, stderr: str) -> ToolError:
    """Return the error for a program that a signal ended."""
    name = signal.Signals(number).name
    return ToolError(f"{command.argv[0]} was ended by {name}", command.shell(), *last_lines(stderr))


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
    return ToolError(
        f"{command.argv[0]} exited with status {result.status}",
        command.shell(),
        *last_lines(result.stderr or result.stdout),
    )


def last_lines(text: str) -> list[str]:
    """Return the last lines that say something, for an error's evidence."""
    return [line for line in text.splitlines() if line.strip()][-EVIDENCE_LINES:]


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
