"""Jobs on one guest: start and stop. The order of their steps is the lock protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..model.owner_record import GuestState, OwnerRecord, RecordRead
from .actions import (
    ClearMark,
    DropFromKeeper,
    PutToKeeper,
    ReadRecord,
    ReleaseLock,
    StartGuest,
    StopGuest,
    TakeLock,
    WriteRecord,
    guest_lock,
)
from .certificate import DEAD, NEW_BOOT, Granted, Lacking
from .certifying import certified
from .orders import Order
from .releases import close
from .report import DONE, FAILED, REFUSED, Answer
from .switches import is_frozen
from .wishes import BACKUP, STARTED
from .work import (
    UNLOCKED,
    Steps,
    Stopwatch,
    Worker,
    evidence,
    is_here,
    record,
    runs_unlocked,
    sequences,
    wish_of,
)


def start(worker: Worker, guest: str, order: Order, since: float) -> Steps:
    """Lock, certificate, keeper, record, start: a kill between any two leaves one owner.

    since: when we first saw the order; the event `started` says what took how long.
    """
    name = guest_lock(guest)
    watch = Stopwatch(worker, since)
    watch.lap("accepted")
    if worker.seen.stopping:
        return Answer(REFUSED, "this server shuts down")
    if not worker.has_node_lock:
        return Answer(REFUSED, "our node lock is not ours yet")
    if name in worker.seen.kept:
        if is_here(worker, guest):
            return Answer(DONE, "already here")
        return Answer(REFUSED, "its lock is still being released here")
    granted = yield TakeLock(name) if worker.rules.needs_lock() else ReadRecord(guest)
    if not granted.ok:
        return Answer(REFUSED, f"the lock of {guest} is held elsewhere")
    watch.lap("lock")
    at_grant = sequences(worker)
    proof = yield from certified(worker, guest, granted.value)
    reason = proof.reason if isinstance(proof, Lacking) else _why_not(worker, guest)
    if isinstance(proof, Lacking) or reason:
        yield ReleaseLock(name)
        return Answer(REFUSED, reason)
    # Only now: libvirt's hook lets pass what the keeper holds
    if worker.rules.needs_lock() and worker.rules.keeps_locks():
        kept = yield PutToKeeper(name)
        if not kept.ok:
            yield ReleaseLock(name)
            return Answer(REFUSED, f"the keeper does not take the lock: {kept.value}")
    worker.event("certificate", guest, f"order {order.id}", tuple(map(str, proof.proofs)))
    watch.lap("certificate")
    written = yield WriteRecord(
        guest, record(worker, guest, GuestState.STARTING, granted.value, order)
    )
    if not written.ok:
        yield from _give_up(worker, guest)
        return Answer(REFUSED, f"the owner record cannot be written: {written.value}")
    changed = _no_longer(worker, guest, granted.value, at_grant)
    if changed:
        before = granted.value
        yield WriteRecord(guest, replace(before, sequence=before.sequence + 2))
        yield from _give_up(worker, guest)
        return Answer(REFUSED, changed)
    watch.lap("record")
    return (yield from _start_locked(worker, guest, order, proof, watch))


def _no_longer(worker: Worker, guest: str, found: RecordRead, at_grant: Mapping[str, int]) -> str:
    """Ask once more, as storage may have let the record wait; empty: the certificate holds."""
    reason = _why_not(worker, guest)
    if not isinstance(found, OwnerRecord):
        return ""  # what is gone cannot be written back
    absent = worker.rules.knows_guests(worker.seen) and not is_here(worker, guest)
    proof = worker.rules.certify(
        found, guest, worker.identity.numbers, evidence(worker, at_grant, absent)
    )
    return reason or (proof.reason if isinstance(proof, Lacking) else "")


def _start_locked(
    worker: Worker, guest: str, order: Order, proof: Granted, watch: Stopwatch
) -> Steps:
    wish = wish_of(worker, guest)
    reason = ""
    if wish is not None and wish.mark is not None:
        proven = {each.node for each in proof.proofs if each.kind in (DEAD, NEW_BOOT)}
        if wish.mark.kind == BACKUP and wish.mark.writer in proven:
            yield ClearMark(guest)
            worker.event("mark cleared", guest, f"its writer {wish.mark.writer} is proven dead")
        else:
            reason = f"marked {wish.mark.kind} by {wish.mark.writer}"
    if not reason:
        watch.lap("issued")
        started = yield StartGuest(guest, order.id)
        watch.lap("start")
        if started.ok:
            yield WriteRecord(guest, record(worker, guest, GuestState.RUNNING, None, order))
            worker.event("started", guest, f"order {order.id}", parts=watch.parts)
            return Answer(DONE)
        reason = str(started.value)
    yield from close(worker, guest, order)
    return Answer(FAILED, reason)


def _why_not(worker: Worker, guest: str) -> str:
    """Name what was said since the order was given; empty: nothing."""
    if worker.seen.stopping:
        return "this server shuts down"
    files = worker.seen.files
    if files is not None and is_frozen(files.wishes.policy):
        return "HA is off for the pool"
    wish = wish_of(worker, guest)
    if wish is None or worker.rules.wants(wish).state != STARTED:
        return "its operator wants it off"
    return ""


def _give_up(worker: Worker, guest: str) -> Steps:
    """Let go of a lock whose record we have not changed."""
    yield DropFromKeeper(guest_lock(guest))
    return None


def stop(worker: Worker, guest: str, order: Order | None) -> Steps:
    """Shut down, then record and unlock."""
    wish = wish_of(worker, guest)
    if runs_unlocked(worker, guest):
        return Answer(REFUSED, UNLOCKED)
    if is_here(worker, guest):
        within_s = wish.stop_s if wish else 60.0
        stopped = yield StopGuest(guest, within_s, order.id if order else None)
        if not stopped.ok:
            return Answer(FAILED, str(stopped.value))
        worker.event("stopped", guest, f"order {order.id}" if order else "this server shuts down")
    if guest_lock(guest) in worker.seen.kept:
        yield from close(worker, guest, order)
        if guest_lock(guest) in worker.seen.kept:
            return Answer(REFUSED, "it is off, but its record could not be written yet")
    return Answer(DONE)
