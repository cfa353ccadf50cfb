"""The start certificate as a step of a job: asked lock in hand, and again while it may come."""

from __future__ import annotations

from collections.abc import Generator
from typing import Union

from ..model.owner_record import GuestState, OwnerRecord, RecordRead
from .actions import Action, Result, Wait
from .certificate import Granted, Lacking
from .report import Power
from .work import Worker, evidence, is_here, sequences

#: how long a certificate waits for what may come: other servers' next reports, a death that the
#: master has seen and our kernel is about to see; and how often it is asked for. Two reports take
#: two beats, 4 s, on idle servers, and several times that on loaded ones
CERTIFICATE_S, REPORTS_PAUSE_S, NEAR_PAUSE_S = 20.0, 3.0, 0.25
Certified = Generator[Action, Result, Union[Granted, Lacking]]


def certified(
    worker: Worker, guest: str, found: RecordRead, own_copy: bool = False, by_hand: bool = False
) -> Certified:
    """Ask for the start certificate, lock in hand.

    own_copy: the copy here is the one. by_hand: somebody waits, and cannot ask again later.
    """
    at_grant = sequences(worker)
    until = worker.seen.now + CERTIFICATE_S
    while True:
        other = None if own_copy else _is_elsewhere(worker, guest, by_hand)
        if other is not None:
            return Lacking(f"{guest} is on {other}, without a lock")
        absent = own_copy or (worker.rules.knows_guests(worker.seen) and not is_here(worker, guest))
        proof = worker.rules.certify(
            found, guest, worker.identity.numbers, evidence(worker, at_grant, absent)
        )
        if isinstance(proof, Granted) or worker.seen.now >= until:
            return proof
        is_settled = isinstance(found, OwnerRecord) and found.state is not GuestState.MIGRATING
        if is_settled and not proof.is_near:
            return proof
        yield Wait(NEAR_PAUSE_S if proof.is_near else REPORTS_PAUSE_S)


def _is_elsewhere(worker: Worker, guest: str, by_hand: bool) -> str | None:
    """Return a server that the record need not name: where the guest was moved by hand.

    Of two starts by hand at once each sees the other's copy, not complete: without the lock it is
    refused there, so that it ends. An agent waits until it has ended; it may also be a guest
    that has just been moved by hand, and runs by now.
    """
    files, seen = worker.seen.files, worker.seen
    for name, found in files.reports.items() if files else ():
        number = worker.identity.numbers.get(name)
        if seen.live is not None and number in seen.live and name != worker.identity.node:
            local = found.report.guests.get(guest)
            if local is None or local.locked or (by_hand and local.power is Power.MOVING):
                continue
            if local.power.is_here:
                return name
    return None
