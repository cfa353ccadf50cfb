"""systemctl(1) for the scopes that libvirt's containers run in."""

from __future__ import annotations

from ..model.command import Command
from ..model.scope import PATTERN


def show_frozen() -> Command:
    """Build the command that shows which containers' scopes are frozen."""
    return Command(("systemctl", "show", "--property=Id,FreezerState", PATTERN), changes=False)


def freeze(pattern: str) -> Command:
    """Build the command that keeps the processes of a scope from running; needs cgroups v2."""
    return Command(("systemctl", "freeze", pattern))


def thaw(pattern: str) -> Command:
    """Build the command that lets them run again."""
    return Command(("systemctl", "thaw", pattern))
