"""What this server's agent leaves in /run: it can be read when no storage answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import OvsError
from ...system.host import Host
from ..agent_run import LOCK
from ..driver.local_files import STATE

LOCKS = "/proc/locks"


@dataclass(frozen=True)
class LocalState:
    """An agent's last word; is_running: that agent has not ended.

    trouble: why it sees no pool file system; empty: it does. live: None when it cannot tell.
    """

    node: str
    sentence: str
    trouble: str
    locks: tuple[str, ...]
    is_running: bool
    numbers: Mapping[str, int] = field(default_factory=dict)
    live: frozenset[int] | None = None
    dead_s: float = 0.0


def read(host: Host) -> LocalState | None:
    """Return what the agent of this server said last; None: none has run since the boot."""
    try:
        values = json.loads(host.read(f"{host.settings.paths.run}/{STATE}") or "null")
        return _state(values, _is_running(host)) if isinstance(values, dict) else None
    except (OvsError, ValueError, KeyError, TypeError):
        return None


def _state(values: Mapping[str, Any], is_running: bool) -> LocalState:
    live = values.get("live")
    return LocalState(
        node=str(values["node"]),
        sentence=str(values["sentence"]),
        trouble=str(values["trouble"] or ""),
        locks=tuple(map(str, values["locks"])),
        is_running=is_running,
        numbers={str(name): int(number) for name, number in values.get("numbers", {}).items()},
        live=None if live is None else frozenset(map(int, live)),
        dead_s=float(values.get("dead_s", 0.0)),
    )


def _is_running(host: Host) -> bool:
    """Look who holds the agent's lock, without touching it: one that starts now must get it.

    A line of /proc/locks (proc(5)): `1: FLOCK  ADVISORY  WRITE 321 fe:01:1234 0 EOF`.
    """
    try:
        inode = host.path(f"{host.settings.paths.run}/{LOCK}").stat().st_ino
    except OSError:
        return False
    for line in (host.read(LOCKS) or "").splitlines():
        words = line.split()
        if words[1:2] == ["FLOCK"] and "->" not in words and words[5].endswith(f":{inode}"):
            return True
    return False
