"""What an agent asks its driver to do; results come back in a later observation."""

from __future__ import annotations

from typing import Any, NamedTuple, Union

from ..model.owner_record import OwnerRecord
from .orders import OrderId, Orders
from .report import Report

MASTER = "master"
#: the value of a lock's denial; anything else says that nobody knows
HELD = "it is held elsewhere"


def node_lock(node: str) -> str:
    """Name a server's lock."""
    return f"node-{node}"


def guest_lock(guest: str) -> str:
    """Name a guest's lock; its content is the owner record."""
    return f"guest-{guest}"


class TakeLock(NamedTuple):
    """Take a lock; the value of a grant is what the file holds. Denied only if not blocking."""

    name: str
    blocking: bool = False


class ReleaseLock(NamedTuple):
    """Close the agent's own descriptor of a lock."""

    name: str


class PutToKeeper(NamedTuple):
    """Hand a lock to the keeper; done when it has acknowledged."""

    name: str


class DropFromKeeper(NamedTuple):
    """Let the keeper close a lock."""

    name: str


class RaiseEpoch(NamedTuple):
    """Write a higher epoch into locks/master, fsynced; the value is the new epoch."""


class WriteRecord(NamedTuple):
    """Write the owner record in place, fsynced; only the lock's holder does."""

    guest: str
    record: OwnerRecord


class ReadRecord(NamedTuple):
    """Read the owner record of a guest whose lock the keeper holds for us."""

    guest: str


class WriteOrders(NamedTuple):
    """Replace orders.json."""

    orders: Orders


class WriteReport(NamedTuple):
    """Replace nodes/NODE.json."""

    report: Report


class StartGuest(NamedTuple):
    """Start a guest, defined and without autostart."""

    guest: str
    order: OrderId


class StopGuest(NamedTuple):
    """Shut a guest down, and force it off after so many seconds."""

    guest: str
    within_s: float
    order: OrderId | None = None


class MigrateGuest(NamedTuple):
    """Move a running guest's memory; it arrives paused, and the copy here is gone when done."""

    guest: str
    to: str
    order: OrderId


class ResumeGuest(NamedTuple):
    """Let a paused guest run."""

    guest: str


class SuspendGuest(NamedTuple):
    """Pause a guest that runs where it must not."""

    guest: str


class ClearMark(NamedTuple):
    """Remove a mark from a guest's file whose writer is proven dead."""

    guest: str


class AppendEvent(NamedTuple):
    """Append what happened to events/NODE.jsonl.

    parts: what took how many seconds, one after the other, on this server's monotonic clock.
    """

    event: str
    guest: str | None = None
    text: str = ""
    proofs: tuple[str, ...] = ()
    parts: tuple[tuple[str, float], ...] = ()


class Wait(NamedTuple):
    """Let so many seconds pass."""

    seconds: float


class LeaveNow(NamedTuple):
    """Tell systemd that this server has nothing left to drain."""


Action = Union[
    TakeLock, ReleaseLock, PutToKeeper, DropFromKeeper, RaiseEpoch, WriteRecord, ReadRecord,
    WriteOrders, WriteReport, StartGuest, StopGuest, MigrateGuest, ResumeGuest, SuspendGuest,
    ClearMark, AppendEvent, Wait, LeaveNow,
]  # fmt: skip


class Issued(NamedTuple):
    """An action with the ticket that its result will bear."""

    ticket: int
    action: Action


class Result(NamedTuple):
    """How an action ended; value: what a grant found, the new epoch, or a failure's reason."""

    ticket: int
    ok: bool
    value: Any = None
