"""What each action of the agent is: a task on locks, pool file system or hypervisors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...model.lock_names import GUEST_PREFIX, is_guest
from .. import actions as act
from ..forms.event import Event
from .guest_desk import GuestDesk
from .lock_desk import Ended, LockDesk
from .loop import Pause, Task
from .marks import clear_mark
from .notices import Notices
from .place import Place
from .sight import Sight
from .writer import Writer


class Hands:
    """Carries out actions."""

    def __init__(
        self, place: Place, sight: Sight, locks: LockDesk, guests: GuestDesk, writer: Writer,
        notices: Notices,
    ) -> None:  # fmt: skip
        self._place = place
        self._sight = sight
        self._locks = locks
        self._guests = guests
        self._writer = writer
        self._notices = notices
        self._table: dict[type, Callable[[Any], Task[Ended]]] = {
            act.TakeLock: lambda action: self._locks.take(action.name, action.blocking),
            act.ReleaseLock: lambda action: self._locks.release(action.name),
            act.PutToKeeper: lambda action: self._locks.put(action.name),
            act.DropFromKeeper: self._drop,
            act.RaiseEpoch: lambda action: self._writer.raise_epoch(),
            act.WriteRecord: lambda action: self._writer.record(action.guest, action.record),
            act.ReadRecord: lambda action: self._writer.read_record(action.guest),
            act.WriteOrders: lambda action: self._writer.orders(action.orders),
            act.WriteReport: lambda action: self._writer.report(action.report),
            act.StartGuest: lambda action: self._tell(action.guest, "start"),
            act.StopGuest: lambda action: self._tell(action.guest, "stop", action.within_s),
            act.MigrateGuest: lambda action: self._tell(action.guest, "migrate", action.to),
            act.ResumeGuest: lambda action: self._tell(action.guest, "resume"),
            act.SuspendGuest: lambda action: self._tell(action.guest, "suspend"),
            act.ClearMark: lambda action: clear_mark(place.io, locks, action.guest),
            act.AppendEvent: self._event,
            act.Wait: _wait,
        }

    def task(self, action: act.Action) -> Task[Ended]:
        """Return what carries an action out."""
        return self._table[type(action)](action)

    def _tell(self, guest: str, verb: str, *words: Any) -> Task[Ended]:
        file = self._sight.guests().get(guest)
        if file is None:
            return False, f"{guest} has no usable file in guests/"
        return (yield from self._guests.tell(file, verb, *words))

    def _drop(self, action: act.DropFromKeeper) -> Task[Ended]:
        """Let go of a lock; a guest that ended is forgotten before, with its reason."""
        if is_guest(action.name):
            guest = action.name[len(GUEST_PREFIX) :]
            power = (self._guests.guests({guest}) or {}).get(guest)
            if power is not None and not power.is_here:
                ok, why = yield from self._tell(guest, "forget")
                if not ok:
                    self._place.say(f"{guest} is still defined here: {why}")
        return (yield from self._locks.drop(action.name))

    def _event(self, action: act.AppendEvent) -> Task[Ended]:
        event = Event(
            time.time(), self._place.identity.node, action.event, action.guest, action.text,
            action.proofs, dict(action.parts),
        )  # fmt: skip
        self._writer.event(event)
        self._notices.tell(event)
        about = " ".join(filter(None, (action.guest, action.text)))
        self._place.say(f"{action.event}: {about}" if about else action.event)
        return True, None
        yield Pause(0)


def _wait(action: act.Wait) -> Task[Ended]:
    yield Pause(action.seconds)
    return True, None
