"""nodes/NODE.json: what each agent reports of its server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from .orders import OrderId

DONE, FAILED, REFUSED, ACCEPTED = "done", "failed", "refused", "accepted"
REBOOT, POWER_OFF = "reboot", "power-off"


class Power(Enum):
    """What a hypervisor says of a guest that it knows."""

    RUNNING = "running"
    PAUSED = "paused"  #: arrived by migration, or suspended by us
    STUCK = "stuck"  #: paused on an I/O error
    MOVING = "moving"  #: its memory is on its way here or away, or not complete yet: hands off
    CRASHED = "crashed"
    SHUT_DOWN = "shut-down"  #: from inside, or by our own stop
    DESTROYED = "destroyed"  #: by hand
    MIGRATED = "migrated"  #: its copy went to another server

    #: members are single: the identity will do, and Enum's own hash is a slow one
    __hash__ = object.__hash__

    @property
    def is_here(self) -> bool:
        """Tell whether there is a copy in memory."""
        return self in _HERE


_HERE = {Power.RUNNING, Power.PAUSED, Power.STUCK, Power.MOVING}


class Answer(NamedTuple):
    """What became of an order."""

    status: str
    text: str = ""


class Local(NamedTuple):
    """A guest on a server: the hypervisor's word, and whether our lock is held there."""

    power: Power
    locked: bool


@dataclass(frozen=True)
class Report:
    """One server's report; the driver adds the rising sequence number.

    asked: every hypervisor there has answered. guests: those it knows; a guest that is not in it
    is not there. leaving: the server is shutting down. repositories: UUIDs of those mounted
    there; None: not reported, which counts as all. lacking: guests that could not start there,
    with the file that is missing. answering: probes (after.Probe as text) that succeed.
    """

    node: str
    boot: str
    node_lock: bool
    asked: bool
    guests: Mapping[str, Local] = field(default_factory=dict)
    answers: Mapping[OrderId, Answer] = field(default_factory=dict)
    leaving: str | None = None
    cpu: float = 8.0
    mem_mb: int = 16384
    reserve_mb: int = 0
    repositories: frozenset[str] | None = None
    lacking: Mapping[str, str] = field(default_factory=dict)
    answering: frozenset[str] = frozenset()


class Seen(NamedTuple):
    """A report as one reader sees it.

    since: this reader's monotonic time when the sequence number was first seen; moved: it has
    changed at least once under this reader's eyes.
    """

    report: Report
    sequence: int
    since: float
    moved: bool
