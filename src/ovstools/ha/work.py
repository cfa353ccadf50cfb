"""What jobs may see and say of their agent; a job is a generator that yields actions."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Optional, Protocol

from ..model.owner_record import GuestState, OwnerRecord, RecordRead
from .actions import Action, Result, guest_lock
from .certificate import Evidence
from .observation import Identity, Observation
from .orders import Order, Orders
from .report import Answer, Power
from .rules import Rules
from .wishes import Wish

UNLOCKED = "it is here without its lock: adopted, or suspended, before any order"
#: yields an action, receives its result, and returns the order's answer, if there is one
Steps = Generator[Action, Result, Optional[Answer]]


class Worker(Protocol):
    """The agent as its jobs see it; the observation is always the latest."""

    identity: Identity
    rules: Rules
    ended: dict[str, Power]

    @property
    def seen(self) -> Observation:
        """Return the latest observation."""
        ...

    @property
    def orders(self) -> Orders:
        """Return the latest orders that were not refused."""
        ...

    def event(
        self,
        event: str,
        guest: str | None = None,
        text: str = "",
        proofs: tuple[str, ...] = (),
        parts: tuple[tuple[str, float], ...] = (),
    ) -> None:
        """Append an event."""
        ...

    @property
    def has_node_lock(self) -> bool:
        """Tell whether the keeper holds this server's node lock."""
        ...


class Job:
    """One guest's work in progress."""

    __slots__ = ("guest", "order", "steps", "verb")

    def __init__(self, guest: str, verb: str, order: Order | None, steps: Steps) -> None:
        self.guest = guest
        self.verb = verb
        self.order = order
        self.steps = steps


class Stopwatch:
    """What took how long, one after the other, by what this agent observes."""

    __slots__ = ("_last", "_worker", "parts")

    def __init__(self, worker: Worker, since: float) -> None:
        self._worker = worker
        self._last = since
        self.parts: tuple[tuple[str, float], ...] = ()

    def lap(self, name: str) -> None:
        """End a part."""
        now = self._worker.seen.now
        self.parts = (*self.parts, (name, round(now - self._last, 3)))
        self._last = now


def wish_of(worker: Worker, guest: str) -> Wish | None:
    """Return what the operator wants, as far as we can see."""
    files = worker.seen.files
    return files.wishes.guests.get(guest) if files else None


def runs_unlocked(worker: Worker, guest: str) -> bool:
    """Tell whether it is in memory here without its lock: no order touches it (rules 1 and 9)."""
    return is_here(worker, guest) and guest_lock(guest) not in worker.seen.kept


def power_of(worker: Worker, guest: str) -> Power | None:
    """Return what our hypervisors say of a guest; None: it is not here, or nobody has said."""
    return (worker.seen.guests or {}).get(guest)


def is_here(worker: Worker, guest: str) -> bool:
    """Tell whether our hypervisors have a copy in memory."""
    power = power_of(worker, guest)
    return power is not None and power.is_here


def record(
    worker: Worker,
    guest: str,
    state: GuestState,
    before: RecordRead | None,
    order: Order | None = None,
    target: str | None = None,
) -> OwnerRecord:
    """Make the record that names us; before: what it replaces."""
    identity = worker.identity
    old = before if isinstance(before, OwnerRecord) else None
    return OwnerRecord(
        guest_uuid=old.guest_uuid if old else guest,
        owner=identity.node,
        owner_number=identity.number,
        boot_id=identity.boot,
        incarnation=identity.incarnation,
        state=state,
        target=target,
        order=order.id if order else None,
        sequence=old.sequence + 1 if old else 0,
    )


def sequences(worker: Worker) -> Mapping[str, int]:
    """Return the sequence number of each server's report."""
    files = worker.seen.files
    return {name: seen.sequence for name, seen in files.reports.items()} if files else {}


def evidence(worker: Worker, at_grant: Mapping[str, int], absent_here: bool) -> Evidence:
    """Return what a certificate can be based on now."""
    seen = worker.seen
    files = seen.files
    return Evidence(
        me=worker.identity.node,
        now=seen.now,
        live=seen.live,
        steady_since=seen.steady_since,
        dead_s=worker.identity.dead_s,
        node_locks=_node_locks(worker),
        reports=files.reports if files else {},
        absent_here=absent_here,
        stale_s=files.wishes.policy.stale_s if files else 0.0,
        at_grant=at_grant,
    )


def _node_locks(worker: Worker) -> frozenset[str]:
    """Return the node locks of the master that wrote the orders, if it still has them.

    They ended with the boot in which it took them.
    """
    orders, files = worker.orders, worker.seen.files
    master = orders.master or ""
    if master == worker.identity.node:
        return (
            orders.node_locks if orders.boots.get(master) == worker.identity.boot else frozenset()
        )
    number = worker.identity.numbers.get(master)
    found = files.reports.get(master) if files else None
    is_live = worker.seen.live is not None and number in worker.seen.live
    if not is_live or found is None or orders.boots.get(master) != found.report.boot:
        return frozenset()
    return orders.node_locks
