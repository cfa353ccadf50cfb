r"""Transient units of process guests: names, and what `systemctl show` says of them.

What tells the ends apart (systemd.service(5)): RemainAfterExit= keeps a unit whose program ended
well `active (exited)`; one that failed stays `failed`. A program that is stopped would leave no
trace, so ExecStop= runs, which only a requested stop does, and ExecStopPost= fails, which leaves
the unit `failed` with what ExecStop= left behind. While such a unit is stopped, also one whose
program ended long ago, the one task in it may be ExecStop='s own (ControlPID).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

PREFIX, SUFFIX = "ovs-guest-", ".service"
#: every unit of a guest, for systemctl
PATTERN = f"{PREFIX}*{SUFFIX}"
PROPERTIES = (
    "Id", "ActiveState", "SubState", "FreezerState", "TasksCurrent", "ExecStop", "MainPID",
    "ControlPID",
)  # fmt: skip
_LITERAL = re.compile(r"[^A-Za-z0-9_.:-]", re.ASCII)
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})", re.ASCII)


class Life(Enum):
    """What a guest's unit says of its program."""

    RUNS = "runs"
    FROZEN = "frozen"
    DONE = "done"  #: it ended by itself, successfully
    FAILED = "failed"
    UNKILLABLE = "unkillable"  #: systemd has given up on processes that are still there
    STOPPED = "stopped"  #: by systemctl stop, or with the system


@dataclass(frozen=True)
class GuestUnit:
    """A guest's unit."""

    guest: str
    life: Life


def unit_name(guest: str) -> str:
    r"""Return the unit's name; what none may have becomes \xNN, as in systemd-escape(1)."""
    escaped = _LITERAL.sub(lambda found: _hex(found.group()), guest)
    return f"{PREFIX}{escaped}{SUFFIX}"


def _hex(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def guest_name(unit: str) -> str:
    """Return the guest of a unit. Raises ValueError."""
    if not (unit.startswith(PREFIX) and unit.endswith(SUFFIX)):
        raise ValueError(f"expected {PATTERN}, found {unit!r}")
    escaped = unit[len(PREFIX) : -len(SUFFIX)]
    raw = _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), escaped)
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")


def parse_units(text: str) -> Mapping[str, GuestUnit]:
    """Parse `systemctl show` of all guests' units, by guest. Raises ValueError."""
    found = {}
    for paragraph in text.strip().split("\n\n") if text.strip() else ():
        said = dict(line.partition("=")[::2] for line in paragraph.splitlines())
        missing = [name for name in ("Id", "ActiveState", "SubState") if not said.get(name)]
        if missing:
            raise ValueError(f"systemctl show: no {missing[0]} in {paragraph!r}")
        guest = guest_name(said["Id"])
        life = _life(said)
        if life is not None:
            found[guest] = GuestUnit(guest, life)
    return found


def _life(said: Mapping[str, str]) -> Life | None:
    state = said["ActiveState"]
    # Children of a program that ended, or processes that storage keeps from dying.
    has_tasks = said.get("TasksCurrent", "").isdecimal() and said["TasksCurrent"] != "0"
    if state == "inactive":
        return None  # about to be forgotten by systemd
    is_over = state == "failed" and not has_tasks
    if is_over or (state == "deactivating" and _is_empty(said)):
        return Life.STOPPED if _has_run(said.get("ExecStop", "")) else Life.FAILED
    if said["SubState"] == "exited" and not has_tasks:
        return Life.DONE
    if state == "failed":
        return Life.UNKILLABLE
    return Life.FROZEN if said.get("FreezerState") in ("frozen", "freezing") else Life.RUNS


def _is_empty(said: Mapping[str, str]) -> bool:
    """Tell whether nothing is left of the program; not known counts as no."""
    words = [said.get(name, "") for name in ("MainPID", "ControlPID", "TasksCurrent")]
    if not all(word.isdecimal() for word in words):
        return False
    main, control, tasks = map(int, words)
    return main == 0 and tasks <= (1 if control else 0)


def _has_run(exec_stop: str) -> bool:
    """Tell whether a command has been started: { path=... ; start_time=[Sun ...] ; pid=123 ; ..."""
    found = re.search(r"\bpid=(\d+)", exec_stop)
    return found is not None and int(found.group(1)) > 0
