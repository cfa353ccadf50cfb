"""o2cb's timing: presets, minimums, and what follows from the values.

Sources: o2cb.sysconfig(5), o2cb(7); the kernel's fs/ocfs2/cluster/heartbeat.h (one beat in 2 s) and
tcp_internal.h (O2NET_QUORUM_DELAY_MS); the minimums are those of o2cb's init script.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Optional, Union

from ..errors import UsageError

BEAT_S = 2  #: O2HB_REGION_TIMEOUT_MS

THRESHOLD = "O2CB_HEARTBEAT_THRESHOLD"
IDLE = "O2CB_IDLE_TIMEOUT_MS"
KEEPALIVE = "O2CB_KEEPALIVE_DELAY_MS"
RECONNECT = "O2CB_RECONNECT_DELAY_MS"

#: field, variable, word on the command line, the init script's minimum
_FIELDS = (
    ("threshold", THRESHOLD, "threshold", 7),
    ("idle_ms", IDLE, "idle", 5000),
    ("keepalive_ms", KEEPALIVE, "keepalive", 1000),
    ("reconnect_ms", RECONNECT, "reconnect", 2000),
)
_FORM = "fast, default, multipath, or threshold=N,idle=MS,keepalive=MS,reconnect=MS"


@dataclass(frozen=True)
class Timing:
    """What all servers of a pool must agree on, or the kernel refuses the connection."""

    threshold: int = 31
    idle_ms: int = 30000
    keepalive_ms: int = 2000
    reconnect_ms: int = 2000

    @property
    def fence_s(self) -> int:
        """Say after how many seconds without its storage a server fences itself."""
        return (self.threshold - 1) * BEAT_S

    @property
    def dead_s(self) -> int:
        """Say after how many seconds without a heartbeat the others declare a node dead."""
        return self.threshold * BEAT_S

    @property
    def quorum_delay_s(self) -> int:
        """Say how many seconds after a lost connection the quorum is decided."""
        return (self.threshold + 2) * BEAT_S

    @property
    def split_s(self) -> float:
        """Say for how many seconds a split network can keep the others' I/O waiting.

        The connection falls idle, the quorum is decided, the losers fence themselves, and are
        declared dead; only then are their locks recovered.
        """
        return self.idle_ms / 1000 + self.quorum_delay_s + self.dead_s

    def problems(self) -> list[str]:
        """List what o2cb's init script or the kernel would refuse or raise."""
        found = [
            f"{word} is {getattr(self, field)}, the least that o2cb takes is {least}"
            for field, _, word, least in _FIELDS
            if getattr(self, field) < least
        ]
        if self.keepalive_ms >= self.idle_ms:
            found.append(
                f"keepalive ({self.keepalive_ms} ms) is not below idle ({self.idle_ms} ms)"
            )
        return found

    def to_vars(self) -> dict[str, str]:
        """Name the values as in o2cb's settings file."""
        return {variable: str(getattr(self, field)) for field, variable, _, _ in _FIELDS}


PRESETS = {
    "fast": Timing(16, 10000, 2000, 2000),
    "default": Timing(31, 30000, 2000, 2000),
    "multipath": Timing(61, 60000, 2000, 2000),
}
FAST, DEFAULT, MULTIPATH = PRESETS["fast"], PRESETS["default"], PRESETS["multipath"]


def threshold_for(timeout_s: float) -> int:
    """Compute the threshold with which a server survives an outage of so many seconds."""
    return math.ceil(timeout_s / BEAT_S) + 1


def parse_timing(word: str) -> Timing:
    """Read a preset's name, or values that replace those of the default preset."""
    if word in PRESETS:
        return PRESETS[word]
    fields = {name: field for field, _, name, _ in _FIELDS}
    values: dict[str, int] = {}
    for part in word.split(","):
        name, equals, value = part.partition("=")
        if not equals or name not in fields or fields[name] in values:
            raise UsageError(f"{part!r} in timing {word!r} makes no sense", hint=f"use {_FORM}")
        values[fields[name]] = _number(value, f"{name} in timing {word!r}")
    return Timing(**values)


def format_timing(timing: Timing) -> str:
    """Name the preset, or spell the values for parse_timing()."""
    for name, preset in PRESETS.items():
        if timing == preset:
            return name
    return ",".join(f"{word}={getattr(timing, field)}" for field, _, word, _ in _FIELDS)


#: ShellVars.get, or a dictionary
Variables = Union[Mapping[str, str], Callable[[str], Optional[str]]]


def from_vars(variables: Variables) -> Timing:
    """Read the values from o2cb's settings; what is missing or empty has o2cb's default."""
    get = variables if callable(variables) else variables.get
    values = {}
    for field, variable, _, _ in _FIELDS:
        value = get(variable)
        if value:
            values[field] = _number(value, variable)
    return Timing(**values)


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise UsageError(f"{name} is {text!r}, expected a whole number")
    return int(text)
