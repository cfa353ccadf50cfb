"""orders.json: what the master decided of each guest, and the orders that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

OrderId = tuple[int, int]  #: (epoch, sequence)

START, STOP, MIGRATE = "start", "stop", "migrate"


class Phase(Enum):
    """Where a guest is in its life under HA, as the master sees it."""

    OFF = "off"  #: wanted off, and off
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"  #: with a target: to be started there
    MIGRATING = "migrating"
    LOST = "lost"  #: its server is lost; proof is awaited
    WAITING = "waiting"  #: proof or permission is there, but no server to run it
    FROZEN = "frozen"  #: waits for its server to come back
    ERROR = "error"
    IGNORED = "ignored"

    #: members are single: the identity will do, and Enum's own hash is a slow one
    __hash__ = object.__hash__


#: phases in which a copy without its lock is no guest on its way, and no order may touch it
SETTLED_WITHOUT_LOCK = frozenset(
    {Phase.RUNNING, Phase.WAITING, Phase.LOST, Phase.ERROR, Phase.FROZEN}
)


class Order(NamedTuple):
    """One order to one server; `to`: the other end of a migration; record as rule 3 names it."""

    id: OrderId
    verb: str
    node: str
    to: str | None = None


class Entry(NamedTuple):
    """The master's memory of one guest; it lives in orders.json and outlives masters.

    node: where the guest runs, or ran last, or shall run. restarts: failures on this server since
    it was last healthy; failed: servers given up; wait_s: pause before the next attempt;
    back_to: the server it left for maintenance or a shutdown; boot: boot id of `node` when it
    was started there; halted: stopped by a person behind our back; moves: failed moves in a row.
    shunned: servers given up, or left on request, which no mere preference leads back to.
    overdue: guests that it waited for in vain, and waits for no longer.
    """

    phase: Phase
    node: str
    order: Order | None = None
    target: str | None = None
    boot: str | None = None
    reason: str = ""
    restarts: int = 0
    failed: tuple[str, ...] = ()
    wait_s: float = 0.0
    back_to: str | None = None
    halted: bool = False
    moves: int = 0
    ask: str | None = None
    home: str = ""
    shunned: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()


@dataclass(frozen=True)
class Orders:
    """The whole file. node_locks: servers whose node lock the master holds (rule 3, *Dead*).

    boots: boot ids of the servers that were seen ready; none of them alive: a cold start.
    answers: what became of operator requests.
    """

    epoch: int = 0
    sequence: int = 0
    master: str | None = None
    entries: Mapping[str, Entry] = field(default_factory=dict)
    node_locks: frozenset[str] = frozenset()
    boots: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
