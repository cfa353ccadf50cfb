"""tunefs.ocfs2(8): the size of a volume, and its number of node slots.

Its source says what its manual does not: -S works on a volume that is mounted here (the kernel
does it, journaled) or nowhere; -N only on one that is mounted nowhere.
"""

from __future__ import annotations

from ..model.command import Command


def grow(device: str, timeout_s: float) -> Command:
    """Build the command that grows a volume to the size of its device."""
    return Command(("tunefs.ocfs2", "--yes", "--volume-size", device), timeout_s=timeout_s)


def set_slots(device: str, slots: int, timeout_s: float) -> Command:
    """Build the command that changes the number of node slots; each has a journal."""
    return Command(
        ("tunefs.ocfs2", "--yes", "--node-slots", str(slots), device), timeout_s=timeout_s
    )
