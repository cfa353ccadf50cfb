"""Nobody pulls the floor away: while guests are locked here, their storage's units are not stopped.

Debian's `ocfs2 stop` kills every process on every OCFS2. Drop-ins below /run set
RefuseManualStop=, which systemd obeys for whoever asks, and not at a shutdown.

The keeper runs this: it alone knows of the first lock and the last, also of guests that were
started by hand while no agent ran. That takes no decision, and no storage: /run is memory, and
`systemctl daemon-reload` runs in a child that nobody waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import OvsError
from ..system import child, files
from ..system.clock import Clock
from ..system.pool_units import O2CB, OCFS2, REPOSITORIES
from ..system.runner import find_program

FOLDER = Path("/run/systemd/system")
NAME = "50-ovs-guests.conf"
TEXT = """\
# Written by ovs-locks.service while it holds locks of guests: ovstools-keeper(8).
[Unit]
RefuseManualStop=yes
"""
POLL_S = 0.5
RETRY_S = 30.0
RELOAD = ("systemctl", "daemon-reload")


def start_reload() -> int:
    """Start systemctl daemon-reload; return its pid. Raises OSError."""
    program, *words = RELOAD
    return child.spawn_program((find_program(program) or program, *words))


class FloorGuard:
    """The drop-ins, brought to what is wanted and kept trying; start and ended as in child.py."""

    def __init__(
        self, folder: Path = FOLDER, clock: Clock | None = None,
        say: Callable[[str], None] = lambda text: None,
        start: Callable[[], int] = start_reload,
        ended: Callable[[int], int | None] = child.ended,
    ) -> None:  # fmt: skip
        self._paths = [folder / f"{unit}.d" / NAME for unit in (O2CB, OCFS2, REPOSITORIES)]
        self._clock = clock or Clock()
        self._say = say
        self._start = start
        self._ended = ended
        self._read: bool | None = None  #: what systemd has read; None: not known
        self._reading: tuple[int, bool] | None = None
        self._not_before = 0.0

    def want(self, wanted: bool) -> None:
        """Take the next step towards the drop-ins being there, or not; does not wait."""
        self._collect()
        if self._reading or self._read is wanted or self._clock.monotonic() < self._not_before:
            return
        try:
            for path in self._paths:
                _bring(path, TEXT if wanted else None)
            self._reading = (self._start(), wanted)
        except (OvsError, OSError) as error:
            self._failed(str(error))

    def due_s(self) -> float | None:
        """Return after how many seconds to call want() again; None: not before a change."""
        if self._reading:
            return POLL_S
        left_s = self._not_before - self._clock.monotonic()
        return max(left_s, POLL_S) if left_s > 0 or self._read is None else None

    def _collect(self) -> None:
        if self._reading is None:
            return
        pid, wanted = self._reading
        status = self._ended(pid)
        if status is None:
            return
        self._reading = None
        if status:
            self._failed(f"systemctl daemon-reload ended with {status}")
        else:
            self._read = wanted
            self._say("the storage's units are guarded" if wanted else "no unit is guarded")

    def _failed(self, why: str) -> None:
        self._read = None
        self._not_before = self._clock.monotonic() + RETRY_S
        self._say(f"cannot guard the storage's units: {why}; next attempt in {RETRY_S:g} s")


def _bring(path: Path, text: str | None) -> None:
    before = files.read_text(path)
    if before == text:
        return
    if text is None:
        files.remove(path, before or "")
    else:
        files.replace(path, text, before)
