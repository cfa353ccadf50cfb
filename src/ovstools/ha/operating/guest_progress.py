"""How far a guest is on its way, for those who wait for it."""

from __future__ import annotations

from ..after import STARTS_AFTER
from ..explain import ERROR, FROZEN, STUCK, UNLOCKED, WAITING
from . import guests
from .pool_view import PoolView
from .servers import roughly
from .session import Session
from .waiting import Progress

#: states that last until something else changes
_ENDS = {WAITING, ERROR, FROZEN, STUCK, UNLOCKED}


def progress_of(session: Session, view: PoolView, guest: str) -> Progress:
    """Say where a guest is, and whether it goes on by itself from there."""
    shown = guests.one(roughly(session, view), guest)
    found, entry = shown.explained, shown.entry
    where = f" on {shown.node}" if shown.node and not found.reason.startswith("on ") else ""
    reason = f": {found.reason}" if found.reason else ""
    said = entry.reason if entry is not None else ""
    is_next = said.startswith(STARTS_AFTER) or said.endswith("is starting others")
    goes_on = entry is not None and (entry.wait_s > 0 or is_next)
    text = f"{guest} is {found.state}{where}{reason}"
    return Progress(False, text, found.way_out, found.state in _ENDS and not goes_on)
