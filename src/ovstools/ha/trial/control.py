"""Start, stop and look at a try."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import RefusedError, ToolError, UsageError
from ...model.lock_names import guest_lock
from ...settings import PREFIX
from ...system import files
from ...system.clock import Clock
from ..forms.edit import with_changes
from ..forms.guest_file import GuestFile, format_guest
from ..wishes import CONTAINER, STARTED
from . import layout, power
from .layout import LEAST_DEAD_S, MARKER, MOST_DEAD_S, Trial

#: what a first start makes
SERVERS, GUESTS, DEAD_S = 3, 4, 4.0

#: what an example guest does: it tells where it is, once a second, and ends when it is asked to
PROGRAM = """command:
- /bin/sh
- -c
- |
  count=0
  while :; do
    count=$((count + 1))
    echo "$SERVER $count" >>"$TRY/running_pool/$GUEST.data"
    sleep 1
  done
"""


@dataclass(frozen=True)
class Wanted:
    """What a start is asked for; None: nothing was said, and what is there already stays."""

    servers: int | None = None
    guests: int | None = None
    dead_s: float | None = None
    notify: str | None = None


def start(
    folder: Path, wanted: Wanted, program: Path, clock: Clock, say: Callable[[str], None]
) -> Trial:
    """Make a pool with guests, and switch all its servers on; fine if it is there.

    Raises RefusedError when there is another one, UsageError, and ToolError when a server does
    not work.
    """
    trial = plan(layout.find(folder), folder, wanted)
    layout.make(trial)
    for sub in ("guests", "requests", "nodes", "events", "locks", "ssh"):
        with contextlib.suppress(FileExistsError):
            (trial.pool / sub).mkdir(0o700)
    for number in range(1, trial.guests + 1):
        add_guest(trial, f"guest{number}", trial.nodes[(number - 1) % len(trial.nodes)])
    trial = replace(trial, guests=0)
    layout.make(trial)
    begun = {node: power.begin(trial, node, program) for node in trial.nodes}
    for node, pid in begun.items():
        power.await_up(trial, node, clock, pid)
        if pid is not None:
            say(f"{node} is on")
    return trial


def plan(found: Trial | None, folder: Path, wanted: Wanted) -> Trial:
    """Return the try that is to be, if it goes with the one found.

    Raises UsageError for a value that cannot be, RefusedError when that one is another.
    """
    if wanted.dead_s is not None and not LEAST_DEAD_S <= wanted.dead_s <= MOST_DEAD_S:
        raise UsageError(
            f"--dead: expected {LEAST_DEAD_S:g} to {MOST_DEAD_S:g} seconds, found {wanted.dead_s:g}"
        )
    if wanted.notify is not None and not _is_program(wanted.notify):
        raise RefusedError(
            f"{wanted.notify!r} is no program that can be run",
            hint="give --notify an absolute path, with the right to execute it",
        )
    if found is None:
        nodes = tuple(f"vmserver{number}" for number in range(1, (wanted.servers or SERVERS) + 1))
        guests = GUESTS if wanted.guests is None else wanted.guests
        return Trial(folder, nodes, wanted.dead_s or DEAD_S, guests, wanted.notify or "")
    for word, there, asked in (
        ("servers", len(found.nodes), wanted.servers),
        ("dead", found.dead_s, wanted.dead_s),
        ("notify", found.notify, wanted.notify),
    ):
        if asked is not None and asked != there:
            raise RefusedError(
                f"there is a try in {folder} already, and it is another",
                f"--{word}: it has {there or 'none'}, asked for was {asked}",
                hint=f"leave --{word} out, or end that one: {layout.command(folder, 'stop')}",
            )
    return found if wanted.guests is None else replace(found, guests=wanted.guests)


def _is_program(path: str) -> bool:
    return os.path.isabs(path) and os.path.isfile(path) and os.access(path, os.X_OK)


def add_guest(trial: Trial, name: str, home: str, changes: Mapping[str, Any] | None = None) -> None:
    """Put a guest into the pool, unless there is one of that name; changes: to its file's keys."""
    guest_lock(name)
    path = trial.pool / "guests" / f"{name}.yaml"
    definition = trial.definitions / f"{name}.yaml"
    if path.exists():
        return
    if not definition.exists():
        definition.write_text(PROGRAM)
    file = GuestFile(
        name=name, uuid="", hypervisor="process", definition=str(definition), state=STARTED,
        home=home, kind=CONTAINER, mem_mb=64, stop_s=5.0,
    )  # fmt: skip
    text = with_changes(format_guest(file).decode(), changes or {})
    files.replace(path, text, None, 0o600)


def stop(trial: Trial, clock: Clock) -> None:
    """Cut all servers' power, and remove the try's folder; what says whose it is goes last.

    Raises ToolError; then the same again goes on.
    """
    for node in trial.nodes:
        power.cut(trial, node, clock)
    folder = trial.folder.resolve()
    marker = folder / MARKER
    for path in (*(each for each in folder.iterdir() if each != marker), marker, folder):
        try:
            _remove(path)
        except OSError as error:
            raise ToolError(
                f"cannot remove {path}: {error.strerror}",
                str(error.filename),
                hint=f"findmnt shows what is mounted there; then {layout.command(folder, 'stop')}",
            ) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def variables(trial: Trial, node: str) -> dict[str, str]:
    """Return the settings that make ovstools commands be those of a server of the try."""
    values = {"PATHS__RUN": trial.run(node), "PATHS__POOL": trial.pool}
    return {f"{PREFIX}{name}": str(value) for name, value in values.items()}


def environment(trial: Trial, node: str) -> tuple[str, ...]:
    """Return the lines that set them in a shell."""
    values = variables(trial, node).items()
    return tuple(f"export {name}={shlex.quote(value)}" for name, value in values)
