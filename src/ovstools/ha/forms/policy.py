"""pool.yaml: the pool's UUID, the HA switch and the policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..wishes import (
    CONDITIONAL,
    COUNT,
    FAILOVER,
    FREE_MEMORY,
    FREEZE,
    IGNORE,
    MIGRATE,
    Policy,
)
from . import shape
from .reading import Read, Unreadable
from .shape import Reader
from .yaml_form import format_yaml, parse_yaml, unknown_keys

FORMAT = 1
#: the file's keys and Policy's fields; in the file, durations are plain seconds
FIELDS = {
    "ha": "ha",
    "ha_off": "ha_off",
    "shutdown": "shutdown",
    "placement": "placement",
    "maintenance": "maintenance",
    "max_starts": "max_starts",
    "startup_wait": "startup_wait_s",
    "freeze_max": "freeze_max_s",
    "stale": "stale_s",
    "stable": "stable_s",
    "drain": "drain_s",
}


@dataclass(frozen=True)
class Pool:
    """The whole file. utility: the server for long storage work, None: any.

    unknown: keys that mean nothing to this ovstools; misspelled ones, perhaps.
    """

    uuid: str
    policy: Policy = field(default_factory=Policy)
    utility: str | None = None
    unknown: tuple[str, ...] = ()


def format_pool(pool: Pool) -> bytes:
    """Return a new file; an existing one is changed by edit.with_changes()."""
    values: dict[str, Any] = {"uuid": pool.uuid}
    values.update((key, getattr(pool.policy, name)) for key, name in FIELDS.items())
    return format_yaml(FORMAT, {**values, "utility": pool.utility})


def parse_pool(data: bytes) -> Read[Pool]:
    """Read the whole file."""
    return parse_yaml(FORMAT, data, _pool)


def parse_policy(data: bytes) -> Read[Policy]:
    """Read what the agent decides by."""
    read = parse_pool(data)
    return read if isinstance(read, Unreadable) else read.policy


READERS: dict[str, Reader[Any]] = {
    "uuid": shape.uuid,
    "ha": shape.flag,
    "ha_off": shape.one_of(FREEZE, IGNORE),
    "shutdown": shape.one_of(CONDITIONAL, FREEZE, FAILOVER, MIGRATE),
    "placement": shape.one_of(FREE_MEMORY, COUNT),
    "maintenance": shape.set_of(shape.node_name, "a list of servers"),
    "max_starts": shape.whole(1, 1000),
    "startup_wait": shape.seconds,
    "freeze_max": shape.seconds,
    "stale": shape.number("seconds, a plain number from 5", least=5.0),
    "stable": shape.seconds,
    "drain": shape.seconds,
    "utility": shape.node_name,
}
_file = shape.record(READERS, ("uuid",), is_open=True)


def _pool(value: Any) -> Pool:
    values = _file(value)
    policy = {FIELDS[key]: found for key, found in values.items() if key in FIELDS}
    return Pool(
        values["uuid"], Policy(**policy), values.get("utility"), unknown_keys(value, READERS)
    )
