"""Records that say of a guest that it runs here, while it is nowhere and its lock is free.

So it is when a guest ends whose lock was lost (the keeper and its descriptors are gone). No other
server may start it as long as the record names this boot of a live server: rule 3. What this
server can do, and nobody else, is to ask its hypervisors and to write `stopped`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.owner_record import GuestState, OwnerRecord, RecordRead
from .actions import ReadRecord, ReleaseLock, TakeLock, WriteRecord, guest_lock
from .certificate import Granted
from .certifying import certified
from .orders import Entry, Phase
from .work import Steps, Worker, is_here, record

if TYPE_CHECKING:
    from .agent import Agent

#: between two looks at the record of a guest that waits
LOOK_AGAIN_S = 10.0


class Leftovers:
    """When one agent looked at the records of guests that wait."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._looked: dict[str, float] = {}

    def attempt(self, guest: str, entry: Entry) -> Steps | None:
        """Return the job that settles a record, when it may be what a guest waits for."""
        agent, now = self._agent, self._agent.seen.now
        is_held_up = entry.phase is Phase.WAITING and (entry.moves or self._is_unlocked(guest))
        if not is_held_up:
            self._looked.pop(guest, None)
            return None
        if is_here(agent, guest) or not agent.rules.knows_guests(agent.seen):
            return None
        due = self._looked.get(guest, now - LOOK_AGAIN_S) + LOOK_AGAIN_S
        if now < due:
            agent.wake(due)
            return None
        self._looked[guest] = now
        return settle(agent, guest)

    def _is_unlocked(self, guest: str) -> bool:
        """Tell whether another server has it, and waits to adopt it."""
        files = self._agent.seen.files
        for seen in files.reports.values() if files is not None else ():
            local = seen.report.guests.get(guest)
            if local is not None and local.power.is_here and not local.locked:
                return True
        return False


def settle(worker: Worker, guest: str) -> Steps:
    """Write `stopped` over a record that names us, lock in hand, for a guest that is not here."""
    read = yield ReadRecord(guest)
    if not read.ok or not _names_us(worker, read.value):
        return None
    name = guest_lock(guest)
    granted = yield TakeLock(name)
    if not granted.ok:
        return None
    if _names_us(worker, granted.value):
        # What is asked is not where it may be started, only that it is not here: own_copy
        proof = yield from certified(worker, guest, granted.value, own_copy=True)
        is_gone = worker.rules.knows_guests(worker.seen) and not is_here(worker, guest)
        if isinstance(proof, Granted) and is_gone:
            written = yield WriteRecord(
                guest, record(worker, guest, GuestState.STOPPED, granted.value)
            )
            if written.ok:
                proofs = tuple(map(str, proof.proofs))
                worker.event("settled", guest, "it is not here; its record says so now", proofs)
    yield ReleaseLock(name)
    return None


def _names_us(worker: Worker, found: RecordRead | None) -> bool:
    return (
        isinstance(found, OwnerRecord)
        and found.state is not GuestState.STOPPED
        and worker.identity.node in found.nodes
    )
