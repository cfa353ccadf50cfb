"""What the operator wants: the pool's policy, rules between guests, and each guest's file.

Pure values: pool.yaml, rules.yaml and guests/NAME.yaml as the decision sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

STARTED, STOPPED, DISABLED, IGNORED = "started", "stopped", "disabled", "ignored"
CONDITIONAL, FREEZE, FAILOVER, MIGRATE = "conditional", "freeze", "failover", "migrate"
FREE_MEMORY, COUNT = "free-memory", "count"
BACKUP, CREATE = "backup", "create"
VM, CONTAINER = "vm", "ct"
TOGETHER, APART = "together", "apart"
HONOUR, RESTART = "honour", "restart"  #: on_shutdown, as the guest's file spells it
IGNORE = "ignore"  #: what `pool ha off` means: this, or FREEZE
#: what an Ask is about; MASTER names a server and no guest, START no server
ASK_MIGRATE, ASK_RELOCATE, ASK_START, ASK_MASTER = "migrate", "relocate", "start", "master"
WAIT_STARTED, WAIT_AGENT, WAIT_TCP = "started", "agent", "tcp:"


class Mark(NamedTuple):
    """A mark that a job in progress left in the guest's file: what, and who writes there."""

    kind: str
    writer: str


class After(NamedTuple):
    """Another guest that comes first: until it has started, its agent or a port answers.

    wait: started, agent or tcp:HOST:PORT. timeout_s: then the later one starts anyway.
    """

    guest: str
    wait: str = WAIT_STARTED
    timeout_s: float = 300.0


class Wish(NamedTuple):
    """What the operator wants of one guest.

    home: the server it was created on. tiers: preferred servers, best first; strict: no others
    (the product's policy `manual`). stop_s: how long a stop may take before it is forced.
    repository: UUID of the one that a server must have mounted; empty: any server will do.
    on_shutdown: what a shutdown from inside means. after: those that start before, one by one.
    """

    name: str
    home: str
    state: str = STARTED
    tiers: tuple[frozenset[str], ...] = ()
    strict: bool = False
    failback: bool = True
    max_restart: int = 1
    max_relocate: int = 1
    priority: int = 100
    kind: str = VM
    cpu: float = 1.0
    mem_mb: int = 512
    mark: Mark | None = None
    stop_s: float = 60.0
    repository: str = ""
    on_shutdown: str = HONOUR
    after: tuple[After, ...] = ()

    def tier_of(self, node: str) -> int | None:
        """Rank a server for this guest, 0 best; None: not allowed there."""
        for rank, tier in enumerate(self.tiers):
            if node in tier:
                return rank
        return None if self.strict and self.tiers else len(self.tiers)


class Rule(NamedTuple):
    """Guests that must run on one server, or on different ones; always strict."""

    kind: str
    guests: frozenset[str]


@dataclass(frozen=True)
class Policy:
    """The pool's switches and limits; freeze_max_s None: a frozen guest waits for its server.

    ha_off: what it means when `ha` is off: freeze (nothing is decided), or ignore (all guests are
    treated as ignored).
    """

    ha: bool = True
    shutdown: str = CONDITIONAL
    placement: str = FREE_MEMORY
    maintenance: frozenset[str] = frozenset()
    max_starts: int = 4
    startup_wait_s: float = 120.0
    freeze_max_s: float | None = None
    stale_s: float = 30.0
    stable_s: float = 120.0
    drain_s: float = 600.0
    ha_off: str = FREEZE


class Ask(NamedTuple):
    """A request to the master; verb is one of ASK_*.

    Migrate or relocate a guest to a server; start a guest that was stopped by a person or is in
    error; make a server the master.
    """

    uid: str
    verb: str
    guest: str = ""
    node: str = ""


@dataclass(frozen=True)
class Wishes:
    """All operator files together, and what follows from them, once it was asked for."""

    policy: Policy = field(default_factory=Policy)
    guests: Mapping[str, Wish] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    asks: tuple[Ask, ...] = ()

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """Return all guests, most important first."""
        ranked = sorted(self.guests.values(), key=lambda wish: (-wish.priority, wish.name))
        return tuple(wish.name for wish in ranked)

    @cached_property
    def together(self) -> Mapping[str, frozenset[str]]:
        """Return for each guest under such a rule the whole group it must stay with."""
        groups: dict[str, frozenset[str]] = {}
        for rule in self.rules:
            if rule.kind == TOGETHER:
                merged = frozenset().union(*(groups.get(g, frozenset((g,))) for g in rule.guests))
                for guest in merged:
                    groups[guest] = merged
        return groups

    @cached_property
    def apart(self) -> Mapping[str, frozenset[str]]:
        """Return for each guest those it must never share a server with."""
        found: dict[str, frozenset[str]] = {}
        for rule in self.rules:
            if rule.kind == APART:
                for guest in rule.guests:
                    found[guest] = found.get(guest, frozenset()) | (rule.guests - {guest})
        return found
