"""Guests of a try: plain processes of their server's session, without systemd."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from ...errors import OvsError, RefusedError
from ...model.command import Command
from ...system import files
from ..driver.guest_desk import JOB_VARIABLE
from ..hypervisors.protocol import Guest, Look, Outcome, Pause, Steps
from ..report import Power

#: starts the words after the folder; notes the pid before, and the exit status after
_LAUNCH = f"""
folder=$1; shift
unset {JOB_VARIABLE}
mkdir -p "$folder" && cd "$folder" && rm -f exit stopped || exit 1
(
    "$@" </dev/null >>log 2>&1 &
    echo $! >pid.new && mv pid.new pid
    wait $!
    echo $? >exit.new && mv exit.new exit
) </dev/null >/dev/null 2>&1 &
while ! [ -s pid ]; do sleep 0.01; done
"""


#: exit statuses of a shutdown from inside, as systemd has it: ended, or by SIGTERM
ENDED_WELL = (0, 128 + signal.SIGTERM)


class BareProcesses:
    """The hypervisor `process` of one server of a try; run: where it notes what it started."""

    name = "process"
    look_every_s = 0.5
    can_migrate = False

    def __init__(self, run: Path, node: str) -> None:
        self._run = run / "guests"
        self._node = node

    def is_quiet(self) -> bool:
        """Tell no: a look is as cheap."""
        return False

    def look(self) -> Look:
        """Read what the launchers noted; that is a few local files."""
        found: dict[str, Power] = {}
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._run):
                found[name] = self._power(self._run / name)
        return found
        yield Pause(0)

    def _power(self, folder: Path) -> Power:
        state = _state(_number(folder / "pid"))
        if state and state not in "ZX":
            return Power.PAUSED if state in "Tt" else Power.RUNNING
        status = _number(folder / "exit")
        if (folder / "stopped").exists() or status in ENDED_WELL:
            return Power.SHUT_DOWN
        return Power.CRASHED

    def start(self, guest: Guest) -> Steps:
        """Start the words of the definition."""
        try:
            words = _words(guest.definition)
        except OvsError as error:
            return Outcome(False, error.what)
        environment = (f"GUEST={guest.name}", f"SERVER={self._node}", f"TRY={self._run.parents[2]}")
        folder = self._run / guest.name
        with contextlib.suppress(FileNotFoundError):
            (folder / "pid").unlink()
        argv = ("sh", "-c", _LAUNCH, "ovs-guest", str(folder), "env", *environment, *words)
        result = yield Command(argv, timeout_s=10)
        return Outcome(not result.status, result.stderr.strip())

    def stop(self, guest: Guest, within_s: float) -> Steps:
        """Ask it to end, and kill it after so many seconds."""
        folder = self._run / guest.name
        pid = _number(folder / "pid")
        (folder / "stopped").touch()
        for number, limit_s in ((signal.SIGTERM, within_s), (signal.SIGKILL, 5.0)):
            _send(pid, number)
            while limit_s > 0 and _state(pid) not in (None, "Z", "X"):
                yield Pause(0.05)
                limit_s -= 0.05
        return Outcome(_state(pid) in (None, "Z", "X"), "")

    def migrate(self, guest: Guest, to: str) -> Steps:
        """Say that it cannot."""
        return Outcome(False, "a process cannot be migrated")
        yield Pause(0)

    def suspend(self, guest: Guest) -> Steps:
        """Stop the process where it is."""
        _send(_number(self._run / guest.name / "pid"), signal.SIGSTOP)
        return Outcome(True)
        yield Pause(0)

    def resume(self, guest: Guest) -> Steps:
        """Let the process go on."""
        _send(_number(self._run / guest.name / "pid"), signal.SIGCONT)
        return Outcome(True)
        yield Pause(0)

    def forget(self, guest: Guest) -> Steps:
        """Remove what was noted of a guest that has ended."""
        folder = self._run / guest.name
        if folder.exists() and self._power(folder).is_here:
            return Outcome(False, f"{guest.name} runs")
        yield Command(("rm", "-rf", str(folder)))
        return Outcome(True)

    def events(self) -> Command | None:
        """Return nothing: looking is cheap."""
        return None


def _words(definition: str) -> tuple[str, ...]:
    import yaml

    text = files.read_text(Path(definition))
    values = yaml.safe_load(text or "") or {}
    words = values.get("command") if isinstance(values, Mapping) else None
    if not isinstance(words, list) or not words:
        raise RefusedError(f"{definition}: expected `command: [WORD, ...]`")
    return tuple(map(str, words))


def _number(path: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(path.read_text())
    return None


def _state(pid: int | None) -> str | None:
    """Return a process's state letter (proc(5)); None: it is gone, or not of our session."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return words[0] if int(words[3]) == os.getsid(0) else None
    return None


def _send(pid: int | None, number: int) -> None:
    if _state(pid) is not None and pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
