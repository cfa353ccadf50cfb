"""Which servers are alive, and since when our own heartbeat has been steady."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple, Protocol

from ...errors import OvsError
from ...system import files, o2cb
from ...system.host import Host


class Members(NamedTuple):
    """Who is alive; live: node numbers, None: unreadable. steady_since: monotonic seconds."""

    live: frozenset[int] | None
    steady_since: float | None


class Membership(Protocol):
    """Who is alive, as this server sees it; asking never waits."""

    def look(self, now: float) -> Members:
        """Return what is the case now (monotonic seconds)."""
        ...


class KernelMembership:
    """The kernel's own view: o2hb's live nodes, and the region of the pool's volume.

    The moment since when the region has been steady outlives the agent in a small file: the
    monotonic clock is one for the whole boot, and a region that was stopped and started again has
    another inode in configfs.
    """

    def __init__(self, host: Host, region: str, number: int, dead_s: float) -> None:
        self._host = host
        self._region = region
        self._number = number
        self._late_ms = dead_s * 500  #: half-way to being declared dead: no steady heartbeat
        self._file = host.path(f"{host.settings.paths.run}/steady.json")
        self._steady = self._remembered()

    def look(self, now: float) -> Members:
        """Return what the kernel says."""
        live = o2cb.read_live_nodes(self._host) or None
        identity = self._identity()
        if live is None or self._number not in live or not identity or not self._is_beating():
            self._remember(None)
        elif self._steady is None or self._steady[0] != identity:
            self._remember((identity, now))
        return Members(live, self._steady[1] if self._steady else None)

    def _identity(self) -> str:
        """Return what tells this start of the region from others; empty: there is none."""
        for cluster in self._host.names(o2cb.CONFIGFS):
            path = f"{o2cb.CONFIGFS}/{cluster}/heartbeat/{self._region}"
            try:
                return f"{self._region}.{os.stat(self._host.path(path)).st_ino}"
            except OSError:
                continue
        return ""

    def _is_beating(self) -> bool:
        name = f"{o2cb.DEBUGFS}/o2hb/{self._region}/elapsed_time_in_ms"
        text = self._host.read(name) or ""
        return not text.strip().isdigit() or int(text) <= self._late_ms

    def _remembered(self) -> tuple[str, float] | None:
        try:
            data = json.loads(files.read_text(self._file) or "null")
            return (str(data["region"]), float(data["since"])) if data else None
        except (OvsError, ValueError, KeyError, TypeError):
            return None

    def _remember(self, steady: tuple[str, float] | None) -> None:
        if steady == self._steady:
            return
        self._steady = steady
        data = {"region": steady[0], "since": steady[1]} if steady else None
        write_aside(self._file, json.dumps(data))


def write_aside(path: Path, text: str) -> None:
    """Replace a small file in /run, which is memory; a failure is not ours to die of."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text)
        new.chmod(0o600)
        new.replace(path)
    except OSError:
        return
