"""Where an agent runs: what differs between a server of a pool and a try on one machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..hypervisors.protocol import Hypervisor
from ..keeper_client import KeeperClient
from ..observation import Identity
from ..pool_io import PoolIo
from .membership import Membership


@dataclass(frozen=True)
class Pace:
    """How often an agent looks and writes, in seconds.

    idle_s, busy_s: between two looks at the pool file system, with nothing going on and with
    something; beat_s: between two rising numbers of its report; keeper_s: between two questions
    to the keeper.
    """

    idle_s: float = 0.5
    busy_s: float = 0.1
    beat_s: float = 2.0
    keeper_s: float = 5.0

    def rest_s(self, is_busy: bool, took_s: float) -> float:
        """Return how long to wait until the next look, after one that took so long.

        Where a look is slow, looking all the time would take the processor from what is waited
        for: three quarters of the time is left to others, as far as idle_s allows.
        """
        return max(self.busy_s, min(self.idle_s, 3 * took_s)) if is_busy else self.idle_s


@dataclass(frozen=True)
class Place:
    """The surroundings of one agent.

    run: its folder for small files in memory. repositories: UUIDs of those mounted here, None:
    all. notify: a program that gets each event as JSON on its standard input; empty: none.
    hang_s: how long I/O on a pool that is well can hang, until dying servers are declared dead.
    """

    identity: Identity
    io: PoolIo
    keeper: KeeperClient
    membership: Membership
    hypervisors: tuple[Hypervisor, ...]
    run: Path
    say: Callable[[str], None]
    repositories: Callable[[], frozenset[str] | None] = lambda: None
    notify: str = ""
    pace: Pace = field(default_factory=Pace)
    hang_s: float = 0.0

    def is_same(self, other: Place) -> bool:
        """Tell whether an agent may go on there: the same mount, and the same cluster."""
        ours, theirs = self.identity, other.identity
        return self.io.is_same(other.io) and dict(ours.numbers) == dict(theirs.numbers)
