"""The pool file system as this agent sees it, parsed; only what has changed is parsed anew.

Safety rule 5: an agent that cannot read and write it acts on nothing. Rule 4: a report ages on
our own monotonic clock since its sequence number was first seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...model.sealed_block import Missing
from ...system.clock import Clock
from ..forms.guest_file import GuestFile, wish_of
from ..observation import Files
from ..orders import Orders
from ..pool_io import Abandoned, Done, Failed, PoolIo
from ..report import Seen
from ..wishes import Policy, Wishes
from . import parsing, sighting
from .loop import Task
from .parsing import GUESTS, MASTER_FILE, NODES, ORDERS, POLICY, REQUESTS, RULES, Unusable
from .sighting import Content, Found, Names

#: so often everything is read whatever the signatures say: clocks of file systems are coarse
FULL_S = 10.0
#: no sight without these; a guest's file that cannot be used concerns that guest alone
ESSENTIAL = (ORDERS, POLICY, RULES, MASTER_FILE)

FULL = "the pool file system is full"
MAKE_ROOM = "make room there; whatever else is on that file system counts as well"


class Sight:
    """What was read last; files() is None while the pool file system cannot be relied on.

    limit_s: a read that takes longer is given up. Longer than it takes to declare a server dead
    and to recover its locks and journal, through which every read waits: that is no loss of sight.
    """

    def __init__(
        self, io: PoolIo, clock: Clock, me: str, nodes: Iterable[str], limit_s: float,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        self._io = io
        self._clock = clock
        self.own_name = f"{NODES}/{me}.json"
        self._reports = {f"{NODES}/{node}.json": node for node in nodes}
        self.limit_s = limit_s
        self._say = say
        self._signatures: dict[str, str] = {}
        self._listed: dict[str, frozenset[str]] = {GUESTS: frozenset(), REQUESTS: frozenset()}
        self._values: dict[str, Any] = {}
        self._unusable: dict[str, Unusable] = {}
        self._seen: dict[str, Seen] = {}
        self._written_at: dict[str, float] = {}
        self._full_at = 0.0
        self._to_check: frozenset[str] = frozenset()
        self._wishes: Wishes | None = None
        self._files: Files | None = None
        self._lost: str | None = "the pool file system has not been read yet"
        self.is_full = False
        #: when what is seen became whole again; a failover's own share counts from there
        self.since: float | None = None
        self.changes = 0  #: rises with every change but a mere new sequence number

    # ------------------------------------------------------------ what is seen

    @property
    def trouble(self) -> str | None:
        """Return why nothing can be seen; None: it can."""
        if self._lost is not None or self.is_full:
            return self._lost or FULL
        for name, found in sorted(self._unusable.items()):
            if name in ESSENTIAL or found.is_newer:
                return f"{name}: {found.reason}"
        return None

    def files(self) -> Files | None:
        """Return everything, parsed; None: no sight."""
        if self.trouble is not None:
            return None
        if self._files is None:
            own, master = self._values.get(self.own_name), self._values.get(MASTER_FILE)
            self._files = Files(
                self.wishes(), self._values.get(ORDERS) or Orders(), dict(self._seen),
                own.report if own else None, master.epoch if master else 0,
            )  # fmt: skip
        return self._files

    def wishes(self) -> Wishes:
        """Return what the operator wants, as last read."""
        if self._wishes is None:
            guests = {name: wish_of(file) for name, file in self.guests().items()}
            for name in self._unusable:
                if name.startswith(f"{GUESTS}/"):
                    wish = parsing.hands_off(name)
                    guests[wish.name] = wish
            asks = [self._values[n] for n in sorted(self._listed[REQUESTS]) if n in self._values]
            self._wishes = Wishes(
                self._values.get(POLICY) or Policy(), guests, self._values.get(RULES) or (),
                tuple(request.ask for request in asks),
            )  # fmt: skip
        return self._wishes

    def guests(self) -> Mapping[str, GuestFile]:
        """Return the guests' files as last read."""
        found = (self._values.get(name) for name in self._listed[GUESTS])
        return {file.name: file for file in found if file is not None}

    @property
    def own_sequence(self) -> int:
        """Return the sequence number of our last report, perhaps of an earlier life."""
        own = self._values.get(self.own_name)
        return own.sequence if own else 0

    # ------------------------------------------------------------ our own writes

    def wrote(self, name: str, value: Any) -> None:
        """Take note of what we have written: reads that began before do not know it."""
        self._values[name] = value
        self._written_at[name] = self._clock.monotonic()
        self._signatures.pop(name, None)
        self._files = None

    def lose(self, why: str) -> None:
        """Take note that the pool file system cannot be read, or cannot be written: rule 5."""
        if self._lost != why:
            self._say(f"no sight of the pool file system: {why}")
            self.changes += 1
        self._lost = why
        self._signatures.clear()
        self.since = None

    def fill(self) -> None:
        """Take note that a write found no room: no sight until there is some again."""
        if not self.is_full:
            self._say(f"{FULL}, which is loss of sight: {MAKE_ROOM}")
            self.changes += 1
        self.is_full = True
        self.since = None

    def find_room(self) -> Task[None]:
        """Look whether there is room again."""
        found = yield sighting.room(self._io, self.limit_s)
        if isinstance(found, Done):
            self.is_full = False
            self.since = self._clock.monotonic()
            self._changed(POLICY)

    # ------------------------------------------------------------ reading

    def round(self) -> Task[bool]:
        """Read what has changed; tell whether everything was read."""
        begun = self._clock.monotonic()
        if begun >= self._full_at:
            self._full_at = begun + FULL_S
            for folder in self._listed:
                self._signatures.pop(folder, None)
        is_read = yield from self._read((*ESSENTIAL, *self._reports, *self._listed), begun)
        if is_read and self._to_check:
            is_read = yield from self._read(self._to_check, begun)
        if is_read and self._lost is not None:
            self._lost = None
            self.since = self._clock.monotonic()
            self._changed(POLICY)
        return bool(is_read)

    def _read(self, names: Iterable[str], begun: float) -> Task[bool]:
        known = {name: self._signatures.get(name, "") for name in names}
        found = yield sighting.look(self._io, known, self.limit_s)
        if isinstance(found, Abandoned):
            self.lose(f"no answer within {found.after_s:.0f} s")
            return False
        failed = found if isinstance(found, Failed) else _first_failed(found)
        if failed is not None:
            self.lose(failed.reason)
            return False
        for name, each in found.items():
            if self._written_at.get(name, -1.0) < begun:
                self._take(name, each)
        self._to_check -= known.keys()
        return True

    def _take(self, name: str, found: Found) -> None:
        if isinstance(found, Names):
            self._signatures[name] = found.signature
            there = frozenset(f"{name}/{n}" for n in found.names if parsing.is_ours(name, n))
            for gone in self._listed[name] - there:
                self._forget(gone)
            self._listed[name] = there
            self._to_check |= there  # a file may have been replaced, its name as before
        elif isinstance(found, Content):
            self._signatures[name] = found.signature
            self._parse(name, found.data)
        elif isinstance(found, Missing):
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._signatures.pop(name, None)
        self._seen.pop(self._reports.get(name, ""), None)
        is_known = self._values.pop(name, None) is not None
        if self._unusable.pop(name, None) is not None or is_known:
            self._changed(name)

    def _parse(self, name: str, data: bytes) -> None:
        value = parsing.parse(name, data)
        if isinstance(value, Unusable):
            if self._unusable.get(name) != value:
                self._say(f"{name}: {value.reason}")
                self._unusable[name] = value
                self._changed(name)
            return
        if self._unusable.pop(name, None) is not None:
            self._changed(name)
        old, self._values[name] = self._values.get(name), value
        if name in self._reports:
            self._sheet(self._reports[name], value)
            old, value = old and old.report, value.report
        if old != value:
            self._changed(name)

    def _sheet(self, node: str, sheet: Any) -> None:
        before = self._seen.get(node)
        if before is None or before.sequence != sheet.sequence:
            now = self._clock.monotonic()
            self._seen[node] = Seen(sheet.report, sheet.sequence, now, before is not None)
            self._files = None

    def _changed(self, name: str) -> None:
        self.changes += 1
        self._files = None
        if name not in (ORDERS, MASTER_FILE) and name not in self._reports:
            self._wishes = None


def _first_failed(found: Mapping[str, Found]) -> Failed | None:
    return next((each for each in found.values() if isinstance(each, Failed)), None)
