"""A server's power: its first process holds a lock from power on to power off.

All processes of a server (keeper, agent, guests) inherit one open file and are one session: power
off kills them all, which nothing outside notices, as with a real power cut. They are found by that
file even when the first process is gone, for a session's number may be a stranger's by then.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from ...errors import OvsError, RefusedError, ToolError
from ...system import child
from ...system.clock import Clock
from ..driver.local_files import STATE
from ..keeper_client import KeeperClient
from ..kept_locks import SOCKET
from .layout import Trial, command

_FLOCK = struct.Struct("hhqqi")  # l_type, l_whence, l_start, l_len, l_pid: fcntl(2) on 64 bits
_START_LIMIT_S, _KILL_LIMIT_S = 60.0, 10.0
_LOG_LINES = 3
PROC = Path("/proc")


def take(trial: Trial, node: str) -> tuple[int, int]:
    """Lock a server's power, and open the file that its processes inherit.

    Return both descriptors, which must stay open. Raises OSError.
    """
    power = os.open(trial.power(node), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.lockf(power, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.ftruncate(power, 0)
    os.write(power, repr(Clock().monotonic()).encode())
    life = os.open(trial.life(node), os.O_RDONLY | os.O_CREAT, 0o600)
    os.set_inheritable(life, True)
    return power, life


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
    """Start a server, and wait until it works; False: it has power already.

    Raises ToolError, and RefusedError as begin does.
    """
    pid = begin(trial, node, program)
    if pid is not None:
        await_up(trial, node, clock, pid)
    return pid is not None


def begin(trial: Trial, node: str, program: Path) -> int | None:
    """Start a server's first process, and return its pid; None: it has power already.

    Raises RefusedError when others of its processes outlived the first one.
    """
    if owner(trial, node) is not None:
        return None
    left = members(trial, node)
    if left and owner(trial, node) is None:
        raise RefusedError(
            f"the first process of {node} has ended, and others of it live on",
            f"processes: {' '.join(map(str, left))}",
            hint=command(trial.folder, "power-off", node),
        )
    with contextlib.suppress(FileNotFoundError):  # on a real server, /run is empty after a boot
        (trial.run(node) / STATE).unlink()
    log = os.open(trial.log(node), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        words = (sys.executable, str(program), "ha-try", "--dir", str(trial.folder), "boot", node)
        return child.spawn_session(words, log)
    finally:
        os.close(log)


def await_up(trial: Trial, node: str, clock: Clock, pid: int | None = None) -> None:
    """Wait until keeper and agent of a server work; pid: its first process, as begin says.

    Raises ToolError with the last words of its log.
    """
    deadline = clock.monotonic() + _START_LIMIT_S
    while not is_up(trial, node, clock):
        ended = pid is not None and child.ended(pid) is not None
        if (ended and owner(trial, node) is None) or clock.monotonic() > deadline:
            lines = trial.log(node).read_text(errors="replace").splitlines()[-_LOG_LINES:]
            raise ToolError(f"{node} does not work", *lines, hint=f"see {trial.log(node)}")
        clock.sleep(0.05)


def is_up(trial: Trial, node: str, clock: Clock) -> bool:
    """Tell whether a server has power, its agent has begun, and its keeper answers."""
    if owner(trial, node) is None or not (trial.run(node) / STATE).exists():
        return False
    try:
        KeeperClient(str(trial.run(node) / SOCKET), clock).names()
    except OvsError:
        return False
    return True


def cut(trial: Trial, node: str, clock: Clock) -> bool:
    """Kill everything of a server at once; False: there was nothing. Raises ToolError."""
    first = owner(trial, node)
    found = False
    deadline = clock.monotonic() + _KILL_LIMIT_S
    while left := members(trial, node):
        found = True
        for pid in sorted(left, key=lambda pid: pid != first):  # who restarts others, first
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if first is not None:
            child.ended(first)
        if clock.monotonic() > deadline:
            raise ToolError(f"{node}: processes that cannot be killed: {left}")
        clock.sleep(0.01)
    return found


def members(trial: Trial, node: str) -> list[int]:
    """Return all processes of a server that have not ended.

    Those that have its file open, and their sessions: only boot begins one with that file open.
    """
    life = os.path.realpath(trial.life(node))
    sessions = dict(_sessions())
    ours = {pid for pid in sessions if _has_open(pid, life)}
    marked = {sessions[pid] for pid in ours}
    return sorted(pid for pid, number in sessions.items() if pid in ours or number in marked)


def session(leader: int) -> list[int]:
    """Return the processes of a session that have not ended."""
    return [pid for pid, number in _sessions() if number == leader]


def _sessions() -> Iterator[tuple[int, int]]:
    """Yield processes that have not ended, and the session of each (proc(5))."""
    for name in os.listdir(PROC):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                words = (PROC / name / "stat").read_text().rpartition(")")[2].split()
                if words[0] not in "ZX":
                    yield int(name), int(words[3])


def _has_open(pid: int, path: str) -> bool:
    folder = PROC / str(pid) / "fd"
    with contextlib.suppress(OSError):  # gone, or another user's
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                if os.readlink(folder / name) == path:
                    return True
    return False
