"""Expendable children: programs of ours that may hang, beside a process that never waits.

system/runner.py waits for what it starts; a daemon must not, for no signal stops a child that is
in uninterruptible sleep on dead storage. So this is the second and last place that starts
programs, by posix_spawn(3), never by a bare fork: what is not close-on-exec alone survives the
exec, whereas a forked child would keep a copy of every lock that its parent holds, and, once it
hangs, keep them locked.

A child's ties are a SEQPACKET socket as its standard input and, as its standard output, the
reading end of a pipe that carries nothing. When the parent goes, even by kill -9, the child reads
end-of-file, or is ended by SIGIO: see ha/pool_child.py.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from typing import Any, NoReturn

from .runner import ENVIRONMENT

#: -I: no cwd, PYTHON variables or user site in the way; -S: no site-packages: it starts in 20 ms
PYTHON_WORDS = ("-I", "-S")
_DEFAULTS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGIO]


@dataclass(frozen=True)
class Pending:
    """No answer yet."""


@dataclass(frozen=True)
class Child:
    """A child that was started, our end of its socket (not blocking), and of its lifeline."""

    pid: int
    socket: socket.socket
    lifeline: FileIO

    def abandon(self) -> None:
        """Let go of it: whatever it still achieves, it can tell nobody, and it dies when it can."""
        self.socket.close()
        self.lifeline.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def is_gone(self) -> bool:
        """Tell whether it has ended, and collect its status; does not wait."""
        return ended(self.pid) is not None


def spawn_script(script: str, words: Sequence[str] = ()) -> Child:
    """Start one of our own scripts: standard input the socket, output the pipe. Raises OSError."""
    with contextlib.ExitStack() as on_error, contextlib.ExitStack() as always:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        on_error.callback(ours.close)
        always.callback(theirs.close)
        ours.setblocking(False)
        end, beginning = os.pipe()
        always.callback(os.close, end)
        lifeline = on_error.enter_context(FileIO(beginning, "w"))
        argv = (sys.executable, *PYTHON_WORDS, script, *words)
        started = Child(_spawn(argv, theirs.fileno(), end), ours, lifeline)
        on_error.pop_all()
        return started


def spawn_program(argv: Sequence[str]) -> int:
    """Start a program (absolute path) without input; return its pid. Raises OSError."""
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _spawn(argv, null)
    finally:
        os.close(null)


def spawn_captured(
    argv: Sequence[str], out: int, err: int, environment: Mapping[str, str], given: str = ""
) -> int:
    """Start a program (absolute path) that is given text and writes into descriptors.

    Return its pid. Raises OSError.
    """
    memory = os.memfd_create("ovs-in", os.MFD_CLOEXEC)
    try:
        os.write(memory, given.encode())
        os.lseek(memory, 0, os.SEEK_SET)
        return _spawn(argv, memory, out, err, environment)
    finally:
        os.close(memory)


def spawn_session(
    argv: Sequence[str], log: int, environment: Mapping[str, str] = ENVIRONMENT
) -> int:
    """Start a program (absolute path) that outlives us, as the leader of a session of its own.

    Return its pid. Raises OSError.
    """
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _spawn(argv, null, log, log, environment, new_session=True)
    finally:
        os.close(null)


def begin_anew(argv: Sequence[str]) -> NoReturn:
    """Put a program of ours (a script) in our place: same pid, and no descriptor of a lock left."""
    os.execv(sys.executable, [sys.executable, *argv])


def ended(pid: int) -> int | None:
    """Return a child's exit status, 128 + N by signal N; None: it still runs. Does not wait."""
    code = exit_code(pid)
    return code if code is None or code >= 0 else 128 - code


def exit_code(pid: int) -> int | None:
    """Return a child's exit status, -N by signal N; None: it still runs. Does not wait."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # somebody else collected it
        return 0
    return os.waitstatus_to_exitcode(status) if found else None


def _spawn(
    argv: Sequence[str], stdin: int, out: int | None = None, err: int | None = None,
    environment: Mapping[str, str] = ENVIRONMENT, new_session: bool = False,
) -> int:  # fmt: skip
    actions: list[Any] = [(os.POSIX_SPAWN_DUP2, stdin, 0)]
    if out is None:
        actions.append((os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0))
    else:
        actions.append((os.POSIX_SPAWN_DUP2, out, 1))
    if err is not None:
        actions.append((os.POSIX_SPAWN_DUP2, err, 2))
    return os.posix_spawn(
        argv[0],
        list(argv),
        dict(environment),
        file_actions=actions,
        # a ^C is for the parent, which then lets go of its children
        **({"setsid": True} if new_session else {"setpgroup": 0}),
        setsigmask=[],
        setsigdef=_DEFAULTS,
    )
