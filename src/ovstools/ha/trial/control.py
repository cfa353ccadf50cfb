"""Start, stop and look at a try."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...errors import RefusedError
from ...model.lock_names import guest_lock
from ...settings import PREFIX
from ...system import files
from ...system.clock import Clock
from ..forms.edit import with_changes
from ..forms.guest_file import GuestFile, format_guest
from ..wishes import CONTAINER, STARTED
from . import layout, power
from .layout import MARKER, Trial

#: what an example guest does: it tells where it is, once a second, and ends when it is asked to
PROGRAM = """command:
- /bin/sh
- -c
- |
  count=0
  while :; do
    count=$((count + 1))
    echo "$SERVER $count" >>{data}
    sleep 1
  done
"""


def start(
    folder: Path, servers: int, guests: int, dead_s: float, program: Path, clock: Clock,
    say: Callable[[str], None],
) -> Trial:  # fmt: skip
    """Make a pool with guests, and switch all its servers on; fine if it is there."""
    nodes = tuple(f"vmserver{number}" for number in range(1, servers + 1))
    trial = layout.make(folder, nodes, dead_s)
    for sub in ("guests", "requests", "nodes", "events", "locks", "ssh"):
        with contextlib.suppress(FileExistsError):
            (trial.pool / sub).mkdir(0o700)
    for number in range(1, guests + 1):
        add_guest(trial, f"guest{number}", nodes[(number - 1) % len(nodes)])
    for node in nodes:
        if power.switch_on(trial, node, program, clock):
            say(f"{node} is on")
    return trial


def add_guest(trial: Trial, name: str, home: str, changes: Mapping[str, Any] | None = None) -> None:
    """Put a guest into the pool, unless there is one of that name; changes: to its file's keys."""
    guest_lock(name)
    path = trial.pool / "guests" / f"{name}.yaml"
    definition = trial.definitions / f"{name}.yaml"
    if path.exists():
        return
    if not definition.exists():
        definition.write_text(PROGRAM.format(data=trial.definitions / f"{name}.data"))
    file = GuestFile(
        name=name, uuid="", hypervisor="process", definition=str(definition), state=STARTED,
        home=home, kind=CONTAINER, mem_mb=64, stop_s=5.0,
    )  # fmt: skip
    text = with_changes(format_guest(file).decode(), changes or {})
    files.replace(path, text, None, 0o600)


def stop(trial: Trial, clock: Clock) -> None:
    """Cut all servers' power, and remove the try's folder."""
    for node in trial.nodes:
        power.cut(trial, node, clock)
    if not (trial.folder / MARKER).exists():
        raise RefusedError(f"{trial.folder} is no folder of ha-try")
    shutil.rmtree(trial.folder)


def environment(trial: Trial, node: str) -> tuple[str, ...]:
    """Return the lines that make a shell's ovstools commands be those of a server of the try."""
    import shlex

    values = {"PATHS__RUN": trial.run(node), "PATHS__POOL": trial.pool}
    return tuple(
        f"export {PREFIX}{name}={shlex.quote(str(value))}" for name, value in values.items()
    )
