"""Everything an agent sees in one cycle, and what it decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .actions import Issued, Result
from .orders import Orders
from .report import Power, Report, Seen
from .wishes import Wishes


@dataclass(frozen=True)
class Identity:
    """Who this agent is; constant for one boot. numbers: every node of cluster.conf."""

    node: str
    boot: str
    incarnation: str  #: of the agent, new at each start
    numbers: Mapping[str, int]
    dead_s: float  #: T x 2 s
    cpu: float = 8.0
    mem_mb: int = 16384
    reserve_mb: int = 0

    @property
    def number(self) -> int:
        """Return this server's node number."""
        return self.numbers[self.node]


@dataclass(frozen=True)
class Files:
    """The pool file system, parsed; an agent that cannot read and write it has None instead.

    epoch: what locks/master says: a master that was replaced may still have a write on its way.
    """

    wishes: Wishes
    orders: Orders
    reports: Mapping[str, Seen] = field(default_factory=dict)
    own: Report | None = None  #: our last report, perhaps of an earlier life
    epoch: int = 0


@dataclass(frozen=True)
class Observation:
    """One cycle's input.

    now: monotonic seconds. live: node numbers, None when they cannot be read; steady_since: when
    our region last became steady. kept: locks in the keeper; held: locks of this process.
    guests: what the hypervisors say; None: unknown yet. stopping: the system shuts down, and how.
    repositories, lacking, answering: as in the report. read_at: when the pool file system was last
    read to the end, None: now.
    """

    now: float
    live: frozenset[int] | None
    steady_since: float | None
    kept: frozenset[str]
    held: frozenset[str]
    guests: Mapping[str, Power] | None
    files: Files | None
    results: tuple[Result, ...] = ()
    busy: frozenset[str] = frozenset()  #: guests whose hypervisor command has not ended
    stopping: str | None = None
    repositories: frozenset[str] | None = None
    lacking: Mapping[str, str] = field(default_factory=dict)
    answering: frozenset[str] = frozenset()
    read_at: float | None = None


@dataclass(frozen=True)
class Decision:
    """One cycle's output; wake_at: when time alone would make a difference."""

    actions: tuple[Issued, ...]
    sentence: str
    wake_at: float | None = None
