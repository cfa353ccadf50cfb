"""Programs that a daemon starts and does not wait for: their output goes into memory.

Memory and no pipe: a program never waits for us to read, and one that is killed late has still
said what it said. Its end is told by a descriptor (pidfd_open(2)).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Union

from ..model.command import Command, Result
from . import child
from .child import Pending
from .clock import Clock
from .runner import ENVIRONMENT, find_program

MAX_OUTPUT = 1 << 22
#: statuses of what could not be run to its end, as timeout(1) and sh(1) have them
TIMED_OUT, NOT_INSTALLED = 124, 127
#: run_all(): so many side by side, and so long between two looks
TOGETHER, POLL_S = 16, 0.05


class Program:
    """A program under way; poll() until there is a Result.

    Past its time limit it is killed: the result then has the status TIMED_OUT. A program that is
    not installed, or cannot be started, ends with NOT_INSTALLED. What a status alone does not
    tell: is_late, it was killed; signal, the number of what ended it; unstarted, why it never ran.
    """

    def __init__(
        self, command: Command, clock: Clock, extra: Mapping[str, str] | None = None
    ) -> None:
        self.command = command
        self.pid = 0
        self.is_late = False
        self.signal = 0
        self.unstarted: OSError | None = None
        self._clock = clock
        self._begin = clock.monotonic()
        self._result: Union[Pending, Result] = Pending()
        self._pid_file = -1
        self._out = os.memfd_create("ovs-out", os.MFD_CLOEXEC)
        self._err = os.memfd_create("ovs-err", os.MFD_CLOEXEC)
        path = find_program(command.argv[0])
        if path is None:
            self._finish(Result(NOT_INSTALLED, "", f"{command.argv[0]} is not installed"))
            return
        try:
            self.pid = child.spawn_captured(
                (path, *command.argv[1:]), self._out, self._err, {**ENVIRONMENT, **(extra or {})},
                command.input or "",
            )  # fmt: skip
            self._pid_file = os.pidfd_open(self.pid)
        except OSError as error:
            self.unstarted = error
            self._finish(Result(NOT_INSTALLED, "", f"{path} cannot be started: {error.strerror}"))

    def fileno(self) -> int:
        """Return what becomes readable when the program has ended."""
        return self._pid_file

    def remaining_s(self) -> float | None:
        """Return how long until it is killed."""
        if not isinstance(self._result, Pending):
            return 0.0
        return max(0.0, self._begin + self.command.timeout_s - self._clock.monotonic())

    def poll(self) -> Union[Pending, Result]:
        """Return the result, or Pending; does not wait."""
        if isinstance(self._result, Pending):
            code = child.exit_code(self.pid)
            if code is not None:
                self.signal = max(0, -code)
                status = code if code >= 0 else 128 - code
                self._finish(Result(status, _content(self._out), _content(self._err)))
            elif self.remaining_s() == 0.0:
                self.is_late = True
                self.kill()
                text = f"{self.command.argv[0]} did not end within {self.command.timeout_s:g} s"
                self._finish(Result(TIMED_OUT, _content(self._out), text))
        return self._result

    def is_alive(self) -> bool:
        """Tell whether one that was late is still there: no signal ends who waits for storage."""
        return child.exit_code(self.pid) is None

    def kill(self) -> None:
        """Kill it; the result says so."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def _finish(self, result: Result) -> None:
        self._result = result
        for descriptor in (self._pid_file, self._out, self._err):
            if descriptor >= 0:
                os.close(descriptor)
        self._pid_file = -1


def _content(memory: int) -> str:
    return os.pread(memory, MAX_OUTPUT, 0).decode("utf-8", "replace")


def wait(program: Program) -> Result:
    """Wait until a program has ended, or its time limit."""
    try:
        while isinstance(result := program.poll(), Pending):
            select.select([program], [], [], program.remaining_s())
    except BaseException:
        program.kill()
        raise
    return result


def run_all(commands: Sequence[Command], clock: Clock, at_once: int) -> tuple[Result, ...]:
    """Run commands side by side, at_once of them, until all have ended; see Program."""
    waiting = list(enumerate(commands))[::-1]
    running: dict[int, Program] = {}
    found: dict[int, Result] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                number, command = waiting.pop()
                running[number] = Program(command, clock)
            for number, program in list(running.items()):
                result = program.poll()
                if isinstance(result, Result):
                    found[number] = result
                    del running[number]
            if running:
                clock.sleep(POLL_S)
    finally:
        for program in running.values():
            program.kill()
    return tuple(found[number] for number in range(len(commands)))


class Listener:
    """A program that runs until it is killed, and whose every word means: look again.

    When we are gone, its next word ends it (SIGPIPE).
    """

    def __init__(self, command: Command, heard: Callable[[], None]) -> None:
        self._heard = heard
        self._pipe, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.set_blocking(theirs, True)
            path = find_program(command.argv[0]) or command.argv[0]
            argv = (path, *command.argv[1:])
            self.pid = child.spawn_captured(argv, theirs, null, ENVIRONMENT)
        except OSError:
            self.pid = 0
        finally:
            os.close(theirs)
            os.close(null)

    def fileno(self) -> int:
        """Return what becomes readable with each word, and at the end."""
        return self._pipe

    def remaining_s(self) -> float | None:
        """Return None: it has no deadline."""
        return None

    def poll(self) -> Union[Pending, Result]:
        """Say that something was heard, if so; return a Result when the program has ended."""
        try:
            heard = os.read(self._pipe, 65536)
        except BlockingIOError:
            return Pending()
        if heard:
            self._heard()
            return Pending()
        os.close(self._pipe)
        self._pipe = -1
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        return Result(0)

    def stop(self) -> None:
        """End the program."""
        if self.pid and self._pipe >= 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
