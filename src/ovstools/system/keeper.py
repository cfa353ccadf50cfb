"""The keeper of this server's locks, as far as commands need it; ha/kept_locks.py is the real one.

Commands are below the agent's layer and do not import it: who makes the host joins the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..errors import RefusedError
from ..model.keeper_words import LockState


class Keeper(Protocol):
    """What holds the locks of this server and its guests (ovs-locks.service)."""

    def names(self) -> Mapping[str, LockState]:
        """Return all locks that are held, node-NODE and guest-GUEST; none: no keeper runs.

        Raises ToolError when one runs and does not answer.
        """
        ...

    def let_go(self, name: str) -> None:
        """Let go of a lock, which is free on return; raise RefusedError or ToolError."""
        ...


class NoKeeper:
    """There is none: below another root."""

    def names(self) -> Mapping[str, LockState]:
        """Return nothing."""
        return {}

    def let_go(self, name: str) -> None:
        """Refuse: nothing is held."""
        raise RefusedError(f"{name} is not held: there is no keeper")
