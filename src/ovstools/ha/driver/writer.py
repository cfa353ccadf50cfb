"""What this agent writes to the pool file system: report, orders, epoch, records, events."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace

from ...model import master_record
from ...model.lock_names import MASTER, guest_lock
from ...model.master_record import MasterRecord
from ...model.owner_record import OwnerRecord, format_record
from ..forms.event import Event, format_event
from ..forms.orders import format_orders
from ..forms.report import Sheet, format_report
from ..locks import read_blocks, record_of, write_block
from ..observation import Identity
from ..orders import Orders
from ..pool_files import append_lines, remove_file, replace_file
from ..pool_io import Done, Failed, PoolIo
from ..report import Report
from . import sighting
from .lock_desk import Ended, LockDesk
from .loop import Loop, Pause, Task
from .parsing import MASTER_FILE, ORDERS
from .sight import Sight

#: events that wait for a pool file system that cannot be written; the oldest are lost first
MAX_WAITING = 2000
RETRY_S = 5.0
#: what EIO, EROFS and the like are of a write: no sight. These alone say nothing of the storage
OUR_OWN = {errno.EPERM, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Writer:
    """One agent's writes; each of them durable when its task ends."""

    def __init__(
        self, loop: Loop, io: PoolIo, sight: Sight, desk: LockDesk, identity: Identity,
        limit_s: float,
    ) -> None:  # fmt: skip
        self._loop = loop
        self._io = io
        self._sight = sight
        self._desk = desk
        self._identity = identity
        self._limit_s = limit_s
        self._events: list[Event] = []
        self._is_appending = False
        self._sheet: Sheet | None = None
        self._is_reporting = False
        self.beat_at = 0.0  #: when our sequence number last rose

    # ------------------------------------------------------------ our report

    def report(self, report: Report) -> Task[Ended]:
        """Replace our report, its sequence number above all that we ever wrote."""
        while self._is_reporting:
            yield Pause(0.02)
        sheet = Sheet(report, self._next(), self._identity.incarnation)
        return (yield from self._write_sheet(sheet))

    def beat(self) -> Task[None]:
        """Raise our report's sequence number, which says that we live and see."""
        if self._sheet is not None and not self._is_reporting:
            yield from self._write_sheet(self._sheet._replace(sequence=self._next()))

    def _next(self) -> int:
        return max(self._sheet.sequence if self._sheet else 0, self._sight.own_sequence) + 1

    def _write_sheet(self, sheet: Sheet) -> Task[Ended]:
        self._is_reporting = True
        self._sheet = sheet
        name = self._sight.own_name
        try:
            found = yield replace_file(self._io, name, format_report(sheet), self._limit_s)
        finally:
            self._is_reporting = False
        if isinstance(found, Done):
            self.beat_at = self._loop.clock.monotonic()
            self._sight.wrote(name, sheet)
            return True, None
        return (yield from self._failed(found))

    # ------------------------------------------------------------ as master

    def raise_epoch(self) -> Task[Ended]:
        """Write an epoch above all that were, under the master's lock; the value is the epoch."""
        files = self._sight.files()
        if files is None or MASTER not in self._desk.held:
            return False, "no sight, or no role"
        has_room = yield sighting.room(self._io, self._limit_s)
        if not isinstance(
            has_room, Done
        ):  # the epoch alone would find room: it is written in place
            return (yield from self._failed(has_room))
        found = yield read_blocks(self._io, [MASTER], self._limit_s)
        if not isinstance(found, Mapping):
            return (yield from self._failed(found))
        content = found[MASTER_FILE]
        before = master_record.parse_master(content) if isinstance(content, bytes) else None
        last = before.epoch if isinstance(before, MasterRecord) else 0
        identity = self._identity
        record = MasterRecord(
            max(last, files.epoch, files.orders.epoch) + 1,
            identity.node, identity.boot, identity.incarnation,
        )  # fmt: skip
        ended = yield from self._write_block(MASTER, master_record.format_master(record))
        if ended[0]:
            self._sight.wrote(MASTER_FILE, record)
            return True, record.epoch
        return ended

    def orders(self, orders: Orders) -> Task[Ended]:
        """Replace orders.json, under the master's lock."""
        descriptor, _ = yield from self._desk.borrow(MASTER)
        if descriptor < 0 or MASTER not in self._desk.held:
            return False, "we are not the master"
        data = format_orders(orders)
        found = yield replace_file(self._io, ORDERS, data, self._limit_s, under=descriptor)
        if isinstance(found, Done):
            self._sight.wrote(ORDERS, orders)
            return True, None
        return (yield from self._failed(found))

    # ------------------------------------------------------------ owner records

    def record(self, guest: str, record: OwnerRecord) -> Task[Ended]:
        """Write a guest's owner record under its lock, which is ours or our keeper's."""
        file = self._sight.guests().get(guest)
        if file is not None and file.uuid and record.guest_uuid == guest:
            record = replace(record, guest_uuid=file.uuid)
        return (yield from self._write_block(guest_lock(guest), format_record(record)))

    def read_record(self, guest: str) -> Task[Ended]:
        """Read a guest's owner record, whose lock our keeper holds."""
        name = guest_lock(guest)
        found = yield read_blocks(self._io, [name], self._limit_s)
        if not isinstance(found, Mapping):
            return (yield from self._failed(found))
        read = next(iter(found.values()))
        return (yield from self._failed(read)) if isinstance(read, Failed) else (
            True, record_of(read))  # fmt: skip

    def _write_block(self, name: str, block: bytes) -> Task[Ended]:
        descriptor, is_copy = yield from self._desk.borrow(name)
        if descriptor < 0:
            return False, f"we do not have the lock {name}"
        found = yield write_block(self._io, name, descriptor, block, self._limit_s)
        if is_copy:
            yield from self._desk.close_copy(descriptor)
        return (True, None) if isinstance(found, Done) else (yield from self._failed(found))

    # ------------------------------------------------------------ events

    def event(self, event: Event) -> None:
        """Append an event; it waits while nothing can be written."""
        self._events.append(event)
        del self._events[:-MAX_WAITING]
        if not self._is_appending:
            self._is_appending = True
            self._loop.start(self._append())

    def _append(self) -> Task[None]:
        name = f"events/{self._identity.node}.jsonl"
        while self._events:
            waiting = list(self._events)
            data = b"".join(map(format_event, waiting))
            found = yield append_lines(self._io, name, data, self._limit_s)
            if isinstance(found, Done):
                self._events = [event for event in self._events if event not in waiting]
            else:
                yield Pause(RETRY_S)
        self._is_appending = False

    # ------------------------------------------------------------ what cannot be written

    def _failed(self, found: object) -> Task[Ended]:
        reason = found.reason if isinstance(found, Failed) else "it took too long"
        number = found.number if isinstance(found, Failed) else 0
        if number == errno.ENOSPC:
            is_first = not self._sight.is_full
            self._sight.fill()
            if is_first:
                yield remove_file(self._io, sighting.BALLAST, self._limit_s)
        elif number not in OUR_OWN:
            self._sight.lose(f"cannot write: {reason}")
        return False, reason
