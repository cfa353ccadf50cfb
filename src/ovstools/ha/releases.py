"""Jobs that let go of a guest: it ended, or its only copy is on another server now."""

from __future__ import annotations

from ..model.owner_record import GuestState, OwnerRecord, RecordRead
from .actions import DropFromKeeper, ReadRecord, Wait, WriteRecord, guest_lock
from .certificate import Granted
from .certifying import certified
from .orders import Order
from .report import DONE, Answer, Power, Report
from .work import Steps, Worker, is_here, power_of, record

#: pause before a failed step of a release is tried again
RETRY_S = 5.0
#: how long a guest that somebody starts by hand may take to appear, after the hook let it pass
BY_HAND_S, LOOK_S = 60.0, 1.0


def close(worker: Worker, guest: str, order: Order | None, is_only: bool = False) -> Steps:
    """Write `stopped` and let go, once the hypervisors have said that the guest is gone.

    A record that names another server is not ours to end: an agent may have been killed between
    the lock and the certificate, or in a migration. is_only: the other end does not have it.
    """
    if not worker.rules.knows_guests(worker.seen) or is_here(worker, guest):
        return None  # the lock stays; the agent's next look decides
    read = yield ReadRecord(guest)
    if not read.ok:
        return None
    own = _own(worker, read.value)
    if own is not None:
        if own.target is not None and not is_only:
            return None  # release() asks the other end
        stopped = record(worker, guest, GuestState.STOPPED, own, order)
        written = yield WriteRecord(guest, stopped)
        if not written.ok:
            return None
    yield DropFromKeeper(guest_lock(guest))
    return None


def release(worker: Worker, guest: str) -> Steps:
    """Record and unlock a guest that ended by itself, or hand over one that went elsewhere."""
    power = power_of(worker, guest)
    read = yield ReadRecord(guest)
    if not read.ok:
        yield Wait(RETRY_S)
        return None
    own = _own(worker, read.value)
    target = own.target if own is not None else None
    # libvirt forgets, as it restarts, that it has sent a guest
    if power is Power.MIGRATED or _has_come(worker, guest, target):
        worker.ended[guest] = Power.MIGRATED  # before the lock goes, as below
        if (yield from hand_over(worker, guest, read.value)) is None:
            worker.ended.pop(guest, None)
        return None
    if own is not None and own.is_by_hand:
        until = worker.seen.now + BY_HAND_S
        while not is_here(worker, guest) and worker.seen.now < until and not worker.seen.stopping:
            yield Wait(LOOK_S)
        if is_here(worker, guest):
            return None
    if target is not None:
        proof = yield from certified(worker, guest, read.value, own_copy=True)
        if not isinstance(proof, Granted):
            yield Wait(RETRY_S)
            return None
    # Before the lock goes: a report without both would tell of a crash, and a guest that its
    # operator has shut down would be started again. After a retry its hypervisor has forgotten it.
    if own is not None or power is not None:
        worker.ended[guest] = power or worker.ended.get(guest) or Power.CRASHED
    yield from close(worker, guest, None, is_only=target is not None)
    if guest_lock(guest) in worker.seen.kept:
        yield Wait(RETRY_S)
    return None


def _own(worker: Worker, found: RecordRead) -> OwnerRecord | None:
    """Return a record that names us as the owner."""
    if isinstance(found, OwnerRecord) and found.owner == worker.identity.node:
        return found
    return None


def hand_over(worker: Worker, guest: str, before: RecordRead, order: Order | None = None) -> Steps:
    """Name the server where the guest's only copy waits as its owner, then unlock.

    The copy here is gone: from now on the record must not name us. Without a server that has
    it, the lock stays: a guest that went nobody knows where must not be started.
    """
    old = before if isinstance(before, OwnerRecord) else None
    target = old.target if old is not None else None
    files = worker.seen.files
    reports = files.reports if files else {}
    if target is None:
        target = next(
            (n for n, s in reports.items() if _has_arrived(worker, s.report, guest)), None
        )
    if target is None or target not in reports:
        yield Wait(RETRY_S)
        return None
    mine = record(worker, guest, GuestState.MIGRATING, before, order, target)
    theirs = OwnerRecord(
        mine.guest_uuid, target, worker.identity.numbers[target], reports[target].report.boot,
        mine.incarnation, GuestState.MIGRATING, target, mine.order, mine.sequence,
    )  # fmt: skip
    written = yield WriteRecord(guest, theirs)
    if not written.ok:
        yield Wait(RETRY_S)
        return None
    yield DropFromKeeper(guest_lock(guest))
    return Answer(DONE)


def _has_come(worker: Worker, guest: str, target: str | None) -> bool:
    files = worker.seen.files
    found = files.reports.get(target) if files is not None and target is not None else None
    return found is not None and _has_arrived(worker, found.report, guest)


def _has_arrived(worker: Worker, report: Report, guest: str) -> bool:
    local = report.guests.get(guest)
    is_other = report.node != worker.identity.node
    return is_other and local is not None and local.power.is_here and not local.locked
