"""Guests paused on an I/O error: resumed by their server when its storage answers again.

Only where the guest's lock is held, so it is the one copy; never elsewhere, and with pauses and
a limit: an image on a full repository gets stuck again at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.owner_record import GuestState, OwnerRecord
from .actions import ReadRecord, ResumeGuest
from .failures import pause_s
from .report import Power
from .wishes import STARTED
from .work import Steps, Worker, power_of

if TYPE_CHECKING:
    from .agent import Agent

#: about 25 minutes, with pauses that grow from 5 s to 300 s
TRIES = 10


class Tries:
    """What became of one guest's resumes."""

    __slots__ = ("count", "last", "runs_since")

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0
        self.runs_since: float | None = None


class Stuck:
    """One agent's attempts; forgotten with it, and whenever its storage was away."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._tries: dict[str, Tries] = {}
        self._mounted: frozenset[str] | None = None

    def look(self) -> None:
        """Count anew when a repository has come back."""
        mounted = self._agent.seen.repositories
        if mounted is not None and not mounted <= (self._mounted or frozenset()):
            self.forget()
        self._mounted = mounted

    def forget(self) -> None:
        """Count anew: the storage was away, and is back."""
        self._tries.clear()

    def runs(self, guest: str) -> None:
        """Note that a guest runs."""
        tries = self._tries.get(guest)
        if tries is not None and tries.runs_since is None:
            tries.runs_since = self._agent.seen.now

    def attempt(self, guest: str) -> Steps | None:
        """Return the job that resumes a guest that is stuck, when it is time for that."""
        agent, seen = self._agent, self._agent.seen
        if seen.files is None or seen.stopping or not self._may(guest):
            return None
        policy = seen.files.wishes.policy
        tries = self._tries.setdefault(guest, Tries())
        if tries.runs_since is not None and seen.now - tries.runs_since >= policy.stable_s:
            tries = self._tries[guest] = Tries()
        tries.runs_since = None
        if tries.count >= TRIES:
            return None
        due = tries.last + pause_s(tries.count) if tries.count else seen.now
        if seen.now < due:
            agent.wake(due)
            return None
        tries.count += 1
        tries.last = seen.now
        return resume(agent, guest, tries.count)

    def _may(self, guest: str) -> bool:
        """Tell whether its operator wants it to run, and its repository is there."""
        files, mounted = self._agent.seen.files, self._agent.seen.repositories
        wish = files.wishes.guests.get(guest) if files is not None else None
        if files is None or wish is None or wish.state != STARTED or not files.wishes.policy.ha:
            return False
        return not wish.repository or mounted is None or wish.repository in mounted


def resume(worker: Worker, guest: str, count: int) -> Steps:
    """Let a guest run on whose record names us, lock in hand."""
    read = yield ReadRecord(guest)
    found = read.value if read.ok else None
    if not isinstance(found, OwnerRecord) or found.owner != worker.identity.node:
        return None
    if found.state is GuestState.STOPPED or power_of(worker, guest) is not Power.STUCK:
        return None
    resumed = yield ResumeGuest(guest)
    if resumed.ok:
        worker.event("resumed", guest, f"it was paused on an I/O error; attempt {count} of {TRIES}")
    elif count == TRIES:
        worker.event("finding", guest, f"paused on an I/O error, and given up: {resumed.value}")
    return None
