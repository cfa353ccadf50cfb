"""What the agent leaves in /run for this server's own commands: they work without storage too."""

from __future__ import annotations

import json
from pathlib import Path

from ..observation import Identity
from .lock_desk import LockDesk
from .membership import Members, write_aside
from .sight import Sight

STATE, GUESTS = "agent.json", "guests.json"


class LocalFiles:
    """Two small files: how the agent is, and which guests are under HA (for the hook)."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._written: dict[str, str] = {}

    def write(
        self, identity: Identity, sentence: str, trouble: str | None, sight: Sight, locks: LockDesk,
        members: Members,
    ) -> None:  # fmt: skip
        """Write what has changed."""
        state = {
            "node": identity.node,
            "incarnation": identity.incarnation,
            "sentence": sentence,
            "trouble": trouble,
            "locks": sorted(locks.kept),
            "numbers": dict(identity.numbers),
            "live": None if members.live is None else sorted(members.live),
            "dead_s": identity.dead_s,
        }
        self._put(STATE, state)
        if sight.trouble is None:
            guests = {
                name: {"uuid": file.uuid, "hypervisor": file.hypervisor}
                for name, file in sorted(sight.guests().items())
            }
            self._put(GUESTS, {"format": 1, "guests": guests})

    def _put(self, name: str, value: object) -> None:
        text = json.dumps(value) + "\n"
        if self._written.get(name) != text:
            self._written[name] = text
            write_aside(self._run / name, text)
