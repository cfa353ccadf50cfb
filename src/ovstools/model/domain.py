"""Libvirt's domains as virsh shows them: states and reasons, definitions, details."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: virDomainState, in its order, in the words of `virsh domstate`
STATES = (
    "no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended",
)  # fmt: skip
#: virDomainRunningReason to virDomainPMSuspendedReason, in their order and virsh's words; only of
#: these two states does the reason matter
REASONS: Mapping[str, tuple[str, ...]] = {
    "paused": (
        "unknown", "user", "migrating", "saving", "dumping", "I/O error", "watchdog",
        "from snapshot", "shutting down", "creating snapshot", "crashed", "starting up",
        "post-copy", "post-copy failed", "api error",
    ),
    "shut off": (
        "unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed",
        "from snapshot", "daemon",
    ),
}  # fmt: skip
UNKNOWN = "unknown"
_HEAD = re.compile(r"Domain: '(?P<name>.*)'")
_NUMBER = re.compile(r" *state\.(?P<key>state|reason)=(?P<number>\d+)", re.ASCII)
_STATE = re.compile(r"(?P<state>[^()]+?)(?: \((?P<reason>[^()]*)\))?")


@dataclass(frozen=True)
class DomainState:
    """A domain's state and, where virsh says one, the reason for it, in virsh's words."""

    state: str
    reason: str = UNKNOWN

    def __str__(self) -> str:
        """Spell it as `virsh domstate --reason` does."""
        return f"{self.state} ({self.reason})"


def parse_domstats(text: str) -> Mapping[str, DomainState]:
    """Parse `virsh domstats --state`: active and inactive domains by name.

    Raises ValueError for what is no such list: half an answer must not be taken for absence.
    """
    found: dict[str, dict[str, int]] = {}
    name = None
    for line in text.splitlines():
        head, number = _HEAD.fullmatch(line), _NUMBER.fullmatch(line)
        if head:
            name = head["name"]
            found[name] = {}
        elif number and name is not None:
            found[name][number["key"]] = int(number["number"])
        elif line.strip():
            raise ValueError(f"virsh domstats: expected a domain or its state, found {line!r}")
    for name, numbers in found.items():
        if "state" not in numbers:
            raise ValueError(f"virsh domstats: no state of {name!r}")
    return {name: _named(numbers) for name, numbers in found.items()}


def _named(numbers: Mapping[str, int]) -> DomainState:
    state = _word(STATES, numbers["state"])
    return DomainState(state, _word(REASONS.get(state, ()), numbers.get("reason", 0)))


def _word(words: tuple[str, ...], number: int) -> str:
    return words[number] if number < len(words) else UNKNOWN


@dataclass(frozen=True)
class ListedDomain:
    """A domain's state, and its number while it is active."""

    state: DomainState
    id: int | None = None


def parse_domstates(text: str) -> Mapping[str, ListedDomain]:
    """Parse system/virsh.py's domstates: a line `= NAME`, that domain's state, and its number.

    One that went meanwhile has neither, and is left out. Raises ValueError.
    """
    found: dict[str, ListedDomain] = {}
    name = None
    for line in text.splitlines():
        if line.startswith("= "):
            name = line[len("= ") :]
        elif not line.strip():
            continue
        elif name is None:
            raise ValueError(f"virsh domstate: expected = and a name, found {line!r}")
        elif name not in found:
            found[name] = ListedDomain(parse_domstate(line))
        elif line.isdecimal():
            found[name] = ListedDomain(found[name].state, int(line))
        elif line != "-":
            raise ValueError(f"virsh domid: expected a number or -, found {line!r}")
    return found


def parse_domstate(line: str) -> DomainState:
    """Parse the line of `virsh domstate --reason`: `shut off (crashed)`. Raises ValueError."""
    found = _STATE.fullmatch(line.strip())
    if not found or found["state"] not in STATES:
        raise ValueError(f"virsh domstate: expected a state, found {line!r}")
    return DomainState(found["state"], found["reason"] or UNKNOWN)


def parse_names(text: str) -> tuple[str, ...]:
    """Parse `virsh list --all --name`."""
    return tuple(line for line in text.splitlines() if line.strip())


def parse_dominfo(text: str) -> Mapping[str, str]:
    """Parse `virsh dominfo`: `Managed save:   no`; the keys are virsh's own words."""
    pairs = (line.partition(":")[::2] for line in text.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}
