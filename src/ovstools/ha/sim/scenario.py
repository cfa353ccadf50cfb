"""Scenario files: what they may say, and the values that they mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...errors import UsageError
from ...model.timing import Timing
from ..wishes import Policy, Rule, Wish
from .words import COMMANDS, command_words

GUEST_STATES = ("started", "stopped", "disabled", "ignored")
FINAL_STATES = ("running", "stopped", "error", "waiting", "frozen", "unmanaged", "down", "paused")
NODE_STATES = ("online", "fence-pending", "maintenance")
FINAL_NODES = ("dead", "maintenance", "online")
CPU, MEM_MB = 8, 16384
GUEST_CPU, GUEST_MEM_MB = 1, 512


class Size(NamedTuple):
    """A server's CPUs and memory, and the repositories mounted there; None: every one."""

    cpu: float = CPU
    mem_mb: int = MEM_MB
    repositories: tuple[str, ...] | None = None


class Fault(NamedTuple):
    """What goes wrong with a guest; answers_after: seconds from its start to its first answer."""

    start_fails: int = 0
    migrate_fails: int = 0
    stop_fails: bool = False
    cannot_start: bool = False
    only_on: str | None = None
    answers_after: float = 5.0
    never_answers: bool = False


class Command(NamedTuple):
    """One command of the timeline."""

    second: float
    words: tuple[str, ...]


class Expected(NamedTuple):
    """Where and how a guest shall be at the end; no nodes: anywhere."""

    nodes: tuple[str, ...]
    state: str | None


@dataclass(frozen=True)
class Scenario:
    """A scenario, checked: every guest and node that it names exists."""

    name: str
    proves: str
    nodes: Mapping[str, Size]
    powered: tuple[str, ...]
    net_off: tuple[str, ...]
    master: str | None
    node_states: Mapping[str, str]
    guest_states: Mapping[str, tuple[str, ...]]
    policy: Policy
    timing: Timing
    guests: Mapping[str, Wish]
    faults: Mapping[str, Fault]
    rules: tuple[Rule, ...]
    timeline: tuple[Command, ...]
    final: Mapping[str, Expected]
    final_nodes: Mapping[str, str]
    must: tuple[str, ...]
    never: tuple[str, ...]
    seed: int = 0
    final_master: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)


class Reader:
    """Reads the values of one scenario, and names the place of what it does not understand."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, what: str) -> UsageError:
        """Return the error that names the scenario."""
        return UsageError(f"{self.where}: {what}", hint="the format is in ovstools-simulate(8)")

    def mapping(self, value: Any, what: str, known: tuple[str, ...] = ()) -> Mapping[str, Any]:
        """Return a mapping with known keys; None is an empty one."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.fail(f"{what}: expected keys and values, found {value!r}")
        for key in value:
            if known and key not in known:
                raise self.fail(f"{what}: unknown key {key!r}; known: {', '.join(known)}")
        return {str(key): item for key, item in value.items()}

    def names(self, value: Any, what: str) -> tuple[str, ...]:
        """Return a list of names."""
        if value is None:
            return ()
        if isinstance(value, str) or not isinstance(value, (list, tuple)):
            raise self.fail(f"{what}: expected a list of names, found {value!r}")
        return tuple(str(item) for item in value)

    def those_known(self, value: Any, names: Any, what: str) -> tuple[str, ...]:
        """Return a list of names, or a mapping's keys, that must be among those known."""
        listed = list(value) if isinstance(value, Mapping) else value
        return tuple(self.known(name, names, what) for name in self.names(listed, what))

    def known(self, name: Any, names: Any, what: str) -> str:
        """Return a name that must be among those known."""
        if str(name) not in names:
            raise self.fail(f"{what}: unknown {str(name)!r}; known: {', '.join(map(str, names))}")
        return str(name)

    def number(self, value: Any, what: str, least: float = 0) -> float:
        """Return a number."""
        is_other = isinstance(value, bool) or not isinstance(value, (int, float))
        if is_other or not least <= value < math.inf:  # NaN is in no order with anything
            raise self.fail(f"{what}: expected a number from {least}, found {value!r}")
        number: float = value
        return number

    def flag(self, value: Any, what: str) -> bool:
        """Return true or false."""
        if not isinstance(value, bool):
            raise self.fail(f"{what}: expected true or false, found {value!r}")
        return value

    def commands(
        self, value: Any, nodes: Mapping[str, Any], guests: set[str]
    ) -> tuple[Command, ...]:
        """Return the timeline, ordered by time."""
        if value is not None and not isinstance(value, list):
            raise self.fail(f"timeline: expected a list, found {value!r}")
        found = []
        for item in value or []:
            if not isinstance(item, (list, tuple)) or len(item) not in (2, 3):
                raise self.fail(f"timeline: expected [second, command], found {item!r}")
            second = self.number(item[0], "timeline")
            words = tuple(str(item[1]).split())
            if words[:1] == ("add",) and len(words) > 1:
                guests.add(words[1])
            problem = command_words(words, nodes, guests)
            if problem:
                raise self.fail(f"timeline: {item[1]!r}: {problem}")
            found.append(Command(float(second), words))
        return tuple(sorted(found, key=lambda command: command.second))


__all__ = ["COMMANDS", "Command", "Expected", "Fault", "Reader", "Scenario", "Size"]
