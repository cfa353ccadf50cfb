"""The driver: brings everything that is seen to the agent, and carries out what it decides."""

from __future__ import annotations

from functools import partial

from ...model.lock_names import GUEST_PREFIX, is_guest
from .. import actions as act
from ..agent import Agent
from ..observation import Observation
from ..pool_io import Done
from . import local_files, sighting
from .guest_desk import GuestDesk
from .hands import Hands
from .lock_desk import Ended, LockDesk
from .loop import Loop, Pause, Task
from .membership import Members
from .notices import Notices
from .place import Place
from .probing import Probing
from .sight import Sight
from .writer import Writer

#: for so long after a change, more are to be expected soon
BUSY_FOR_S = 5.0
RECOVERY_S = 30.0  #: for a dead server's locks and journal, after it is declared dead
#: a read that takes longer is worth a word: somebody may be dying
LATE_S = 8.0


class Driver:
    """One life of an agent on this server."""

    def __init__(self, loop: Loop, place: Place, agent: Agent) -> None:
        self.loop = loop
        self.place = place
        self._pace = place.pace
        self.agent = agent
        identity = place.identity
        limit_s = max(identity.dead_s, place.hang_s) + RECOVERY_S
        self.sight = Sight(
            place.io, loop.clock, identity.node, identity.numbers, limit_s, place.say
        )
        self.locks = LockDesk(place.io, place.keeper, limit_s, place.say)
        self.guests = GuestDesk(
            loop, place.hypervisors, f"{place.run}", self._changed, place.say
        )  # fmt: skip
        self.writer = Writer(loop, place.io, self.sight, self.locks, identity, limit_s)
        self.probing = Probing(
            loop, self._changed, [each.name for each in place.hypervisors], limit_s
        )
        self.notices = Notices(loop, place.notify)
        self.hands = Hands(place, self.sight, self.locks, self.guests, self.writer, self.notices)
        self.local = local_files.LocalFiles(place.run)
        self.stopping: str | None = None
        self.has_left = False
        self._results: list[act.Result] = []
        self._members = Members(None, None)
        self._is_due = False
        self._due_at = 0.0
        self._busy_until = 0.0
        self._is_reading = False
        self._reads_since = 0.0
        self._took_s = 0.0
        self._is_prepared = False
        self._changes = -1
        self._read_at: float | None = None
        self._repositories: frozenset[str] | None = None
        self._repositories_at = 0.0
        self._sentence = ""

    # ------------------------------------------------------------ the loop

    def begin(self) -> None:
        """Start to look; run() or the caller's loop goes on from there."""
        self.loop.start(self._ask_keeper())
        self.loop.start(self._beat())
        self.guests.begin()
        self.probing.begin()
        self._poll()

    def run_once(self) -> None:
        """Wait until something is due, do it, and let the agent decide if that may matter."""
        self.loop.run_once()
        now = self.loop.clock.monotonic()
        if self.locks.is_listed and (self._is_due or now >= self._due_at):
            self._is_due = False
            self._step(now)

    def let_go(self) -> None:
        """Close the locks of this process in children: a close may wait for dead storage."""
        for name in self.locks.held:
            self.loop.start(self.locks.release(name))

    def due(self) -> None:
        """Let the agent decide soon."""
        self._is_due = True

    def _changed(self) -> None:
        self._busy_until = self.loop.clock.monotonic() + BUSY_FOR_S
        self.due()

    def _poll(self) -> None:
        now = self.loop.clock.monotonic()
        members = self.place.membership.look(now)
        if members != self._members:
            self._members = members
            self._changed()
        if now >= self._repositories_at:
            self._repositories, self._repositories_at = (
                self.place.repositories(),
                now + self._pace.beat_s,
            )
        if not self._is_reading:
            self._is_reading = True
            self._reads_since = now
            self.loop.start(self._round(), self._was_read)
        self.loop.after(self._pace.rest_s(now < self._busy_until, self._took_s), self._poll)

    def _was_read(self, is_read: bool) -> None:
        self._is_reading = False
        self._took_s = self.loop.clock.monotonic() - self._reads_since
        if is_read:
            self._read_at = self.loop.clock.monotonic()
        if self.sight.changes != self._changes:
            self._changes = self.sight.changes
            self._changed()

    def _is_late(self) -> bool:
        return self._is_reading and self.loop.clock.monotonic() >= self._reads_since + LATE_S

    def _round(self) -> Task[bool]:
        """Read; before the first time, make the folders that a new pool lacks."""
        if not self._is_prepared:
            found = yield sighting.prepare(self.place.io, self.sight.limit_s)
            self._is_prepared = isinstance(found, Done)
        is_read = yield from self.sight.round()
        if is_read and self.sight.is_full:
            yield from self.sight.find_room()
            self._is_prepared = self.sight.is_full  # else the reserve is wanted back, if it fits
        return is_read

    def _ask_keeper(self) -> Task[None]:
        while True:
            before = self.locks.kept
            yield from self.locks.refresh()
            if self.locks.kept != before:
                self._changed()
            yield Pause(self._pace.keeper_s if self.locks.is_listed else self._pace.idle_s)

    def _beat(self) -> Task[None]:
        while True:
            left_s = self.writer.beat_at + self._pace.beat_s - self.loop.clock.monotonic()
            yield Pause(max(left_s, self._pace.idle_s))
            if self.loop.clock.monotonic() >= self.writer.beat_at + self._pace.beat_s:
                yield from self.writer.beat()

    # ------------------------------------------------------------ one cycle

    def _step(self, now: float) -> None:
        self._members = self.place.membership.look(now)
        files = self.sight.files()
        wishes = self.sight.wishes()
        kept = {n[len(GUEST_PREFIX) :] for n in self.locks.kept if is_guest(n)}
        results, self._results = tuple(self._results), []
        guests = self.guests.guests(kept | wishes.guests.keys())
        if files is not None:
            here = [name for name, power in (guests or {}).items() if power.is_here]
            self.probing.want(wishes, self.sight.guests(), here)
        observation = Observation(
            now=now,
            live=self._members.live,
            steady_since=self._members.steady_since,
            kept=self.locks.kept,
            held=self.locks.held,
            guests=guests,
            files=files,
            results=results,
            busy=self.guests.busy,
            stopping=self.stopping,
            repositories=self._repositories,
            lacking=self.probing.lacking,
            answering=self.probing.answering,
            read_at=self._read_at,
        )
        decision = self.agent.step(observation)
        for issued in decision.actions:
            self._act(issued)
        self._due_at = now + self._pace.beat_s
        if decision.wake_at is not None:
            self._due_at = min(self._due_at, max(decision.wake_at, now + 0.01))
        self.loop.at(self._due_at, lambda: None)
        self._tell_about(decision.sentence)

    def _act(self, issued: act.Issued) -> None:
        if isinstance(issued.action, act.LeaveNow):
            self.has_left = True
            return
        self.loop.start(self.hands.task(issued.action), partial(self._ended, issued.ticket))

    def _ended(self, ticket: int, ended: Ended) -> None:
        self._results.append(act.Result(ticket, *ended))
        self._changed()

    def _tell_about(self, sentence: str) -> None:
        trouble = self.sight.trouble or self.locks.trouble
        if not trouble and self._is_late():
            sentence = f"{sentence}; waiting for the pool file system to answer"
        if trouble:
            sentence = f"{sentence}; {trouble}"
        if sentence != self._sentence:
            self._sentence = sentence
            self.place.say(sentence)
        self.local.write(
            self.place.identity, sentence, trouble, self.sight, self.locks, self._members
        )
