"""A server's power: its first process holds a lock from power on to power off.

All processes of a server (keeper, agent, guests) are one session: power off kills the session,
which nothing survives and nothing outside notices, as with a real power cut.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import sys
from pathlib import Path

from ...errors import ToolError
from ...system import child
from ...system.clock import Clock
from ..driver.membership import Members
from .layout import Trial

_FLOCK = struct.Struct("hhqqi")  # l_type, l_whence, l_start, l_len, l_pid: fcntl(2) on 64 bits
_START_LIMIT_S, _KILL_LIMIT_S = 20.0, 10.0
PROC = Path("/proc")


def take(trial: Trial, node: str) -> int:
    """Lock a server's power; return the descriptor, which must stay open. Raises OSError."""
    path = trial.power(node)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, repr(Clock().monotonic()).encode())
    return descriptor


def owner(trial: Trial, node: str) -> int | None:
    """Return the pid of a server's first process; None: it has no power."""
    try:
        descriptor = os.open(trial.power(node), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        return None if kind == fcntl.F_UNLCK else int(pid)
    finally:
        os.close(descriptor)


def switch_on(trial: Trial, node: str, program: Path, clock: Clock) -> bool:
    """Start a server's first process; False: it has power already. Raises ToolError."""
    if owner(trial, node) is not None:
        return False
    log = os.open(trial.server(node) / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    words = (sys.executable, str(program), "ha-try", "--dir", str(trial.folder), "boot", node)
    child.spawn_session(words, log)
    os.close(log)
    deadline = clock.monotonic() + _START_LIMIT_S
    while owner(trial, node) is None:
        if clock.monotonic() > deadline:
            raise ToolError(f"{node} did not start", hint=f"see {trial.server(node) / 'log'}")
        clock.sleep(0.02)
    return True


def cut(trial: Trial, node: str, clock: Clock) -> bool:
    """Kill everything of a server at once; False: it had no power. Raises ToolError."""
    first = owner(trial, node)
    if first is None:
        return False
    deadline = clock.monotonic() + _KILL_LIMIT_S
    while members := session(first):
        for pid in sorted(members, key=lambda pid: pid != first):  # who restarts others, first
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.ended(first)
        if clock.monotonic() > deadline:
            raise ToolError(f"{node}: processes that cannot be killed: {sorted(members)}")
        clock.sleep(0.01)
    return True


def session(leader: int) -> list[int]:
    """Return the processes of a session that have not ended."""
    found = []
    for name in os.listdir(PROC):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                words = (PROC / name / "stat").read_text().rpartition(")")[2].split()
                if int(words[3]) == leader and words[0] not in "ZX":
                    found.append(int(name))
    return found


class GroupMembership:
    """The servers of a try that have power, or had it less than dead_s ago."""

    def __init__(self, trial: Trial, node: str) -> None:
        self._trial = trial
        self._node = node
        self._last: dict[str, float] = {}
        with contextlib.suppress(OSError, ValueError):
            self._since: float | None = float(trial.power(node).read_text())

    def look(self, now: float) -> Members:
        """Return what is the case now."""
        live = set()
        for node, number in self._trial.numbers.items():
            if owner(self._trial, node) is not None or node == self._node:
                self._last[node] = now
            last = self._last.setdefault(node, now)
            if now - last < self._trial.dead_s:
                live.add(number)
        return Members(frozenset(live), self._since)
