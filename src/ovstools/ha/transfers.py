"""Jobs on a guest that changes servers, or is found where nobody ordered it (rules 8 and 9)."""

from __future__ import annotations

from ..model.owner_record import GuestState, OwnerRecord, RecordRead
from .actions import (
    HELD,
    DropFromKeeper,
    MigrateGuest,
    PutToKeeper,
    ReadRecord,
    ReleaseLock,
    ResumeGuest,
    SuspendGuest,
    TakeLock,
    Wait,
    WriteRecord,
    guest_lock,
)
from .certificate import Granted
from .certifying import certified
from .orders import Order
from .releases import RETRY_S, hand_over
from .report import DONE, FAILED, REFUSED, Answer, Power
from .wishes import IGNORED
from .work import UNLOCKED, Steps, Worker, is_here, power_of, record, runs_unlocked, wish_of

#: pause before a guest that may not be resumed yet is looked at again
FINDING_S = 30.0
WAY_OUT = "it goes on here as soon as it is proven to be the only copy; else end it here by hand"


def migrate(worker: Worker, guest: str, order: Order) -> Steps:
    """Send a guest; the record says so before, and names the other end alone afterwards."""
    if order.to is None or power_of(worker, guest) is not Power.RUNNING:
        return Answer(FAILED, f"{guest} does not run here")
    if runs_unlocked(worker, guest):
        return Answer(REFUSED, UNLOCKED)
    wish = wish_of(worker, guest)
    if wish is not None and wish.mark is not None:
        return Answer(FAILED, f"marked {wish.mark.kind} by {wish.mark.writer}")
    read = yield ReadRecord(guest)
    before = read.value if read.ok else None
    mine = record(worker, guest, GuestState.MIGRATING, before, order, order.to)
    written = yield WriteRecord(guest, mine)
    if not written.ok:
        return Answer(FAILED, f"the owner record cannot be written: {written.value}")
    moved = yield MigrateGuest(guest, order.to, order.id)
    if is_here(worker, guest) or worker.seen.guests is None:
        yield WriteRecord(guest, record(worker, guest, GuestState.RUNNING, mine, order))
        return Answer(FAILED, str(moved.value))
    if not moved.ok and power_of(worker, guest) is not Power.MIGRATED:
        return Answer(FAILED, str(moved.value))
    for _ in range(3):
        answer = yield from hand_over(worker, guest, mine, order)
        if answer is not None:
            return answer
    return Answer(DONE, "it went, but its lock could not be given up yet")


def receive(worker: Worker, guest: str) -> Steps:
    """Take over a guest that waits here, paused: lock, keeper, record, resume."""
    name = guest_lock(guest)
    if not worker.rules.waits_for_lock():
        yield ResumeGuest(guest)
        return None
    granted = yield TakeLock(name, blocking=True)
    if power_of(worker, guest) is not Power.PAUSED or worker.seen.guests is None:
        if granted.ok:
            yield ReleaseLock(name)
        return None
    found = granted.value
    if not worker.rules.may_resume(found, worker.identity.node):
        wish = wish_of(worker, guest)
        if wish is None or wish.state == IGNORED:
            yield ReleaseLock(name)
            yield Wait(FINDING_S)
            return None
        proof = yield from certified(worker, guest, found, own_copy=True)
        if not isinstance(proof, Granted):
            yield ReleaseLock(name)
            worker.event("finding", guest, f"paused: {proof.reason}")
            yield Wait(FINDING_S)
            return None
        worker.event("certificate", guest, "adopted", tuple(map(str, proof.proofs)))
    before = found if isinstance(found, OwnerRecord) else None
    if worker.rules.keeps_locks():
        kept = yield PutToKeeper(name)
        if not kept.ok:
            yield ReleaseLock(name)
            yield Wait(RETRY_S)
            return None
    written = yield WriteRecord(guest, record(worker, guest, GuestState.STARTING, before))
    if not written.ok:
        yield DropFromKeeper(name)
        yield Wait(RETRY_S)
        return None
    return (yield from resume(worker, guest))


def resume(worker: Worker, guest: str) -> Steps:
    """Let a guest run whose lock is ours and whose record says that we were about to."""
    read = yield ReadRecord(guest)
    found = read.value if read.ok else None
    if not isinstance(found, OwnerRecord) or found.state is not GuestState.STARTING:
        yield Wait(FINDING_S)
        return None
    resumed = yield ResumeGuest(guest)
    if resumed.ok:
        yield WriteRecord(guest, record(worker, guest, GuestState.RUNNING, found))
        worker.event("migrated", guest, "resumed here")
    return None


def adopt(worker: Worker, guest: str) -> Steps:
    """Lock a guest that runs here without our lock; if another may have it, suspend at once."""
    name = guest_lock(guest)
    granted = yield TakeLock(name)
    if granted.ok:
        proof = yield from certified(worker, guest, granted.value, own_copy=True)
        if isinstance(proof, Granted):
            return (yield from _keep(worker, guest, granted.value, proof))
        why = f"while {proof.reason}"
        yield ReleaseLock(name)
    elif granted.value == HELD:
        why = "while its lock was held elsewhere"
    else:  # storage or keeper do not answer, which says nothing against this copy
        yield Wait(RETRY_S)
        return None
    if power_of(worker, guest) is Power.RUNNING:
        yield SuspendGuest(guest)
        worker.event("finding", guest, f"it ran here {why}: suspended; {WAY_OUT}")
    return None


def _keep(worker: Worker, guest: str, found: RecordRead, proof: Granted) -> Steps:
    """Hand the lock of a guest that runs here to the keeper, and say so in its record."""
    kept = (yield PutToKeeper(guest_lock(guest))) if is_here(worker, guest) else None
    if kept is None or not kept.ok:  # tried again: it is the only copy
        yield ReleaseLock(guest_lock(guest))
        yield Wait(RETRY_S if kept is not None else 0.0)
        return None
    yield WriteRecord(guest, record(worker, guest, GuestState.RUNNING, found))
    worker.event("adopted", guest, "", tuple(map(str, proof.proofs)))
    return None


def repair(worker: Worker, guest: str) -> Steps:
    """Say `running` in a record that an interrupted migration, or adoption, has left behind."""
    read = yield ReadRecord(guest)
    found = read.value if read.ok else None
    known = (found.owner, found.state) if isinstance(found, OwnerRecord) else None
    if known == (worker.identity.node, GuestState.RUNNING):
        return None
    yield WriteRecord(guest, record(worker, guest, GuestState.RUNNING, found))
    return None
