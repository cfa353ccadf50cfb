"""`ovstools vm list` and `vm show`: the guests under HA, how they are, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from ...errors import RefusedError
from .. import explain as explaining
from ..explain import Explained
from ..forms.guest_file import GuestFile, as_values
from ..forms.yaml_text import spelled
from ..orders import Entry
from ..switches import missing_switches
from ..wishes import IGNORED
from .answer import BAD, BUSY, DIM, GOOD, Answer, Table, pairs
from .pool_view import GUESTS, PoolView, guest_path
from .servers import Judge, Servers
from .session import Session

HEADER = ("GUEST", "STATE", "SERVER", "HA", "MEMORY", "PRIORITY", "REASON")
_STYLES = {
    explaining.RUNNING: GOOD,
    explaining.OFF: DIM,
    IGNORED: DIM,
    explaining.STARTING: BUSY,
    explaining.STOPPING: BUSY,
    explaining.MIGRATING: BUSY,
    explaining.WAITING: BUSY,
}


class Shown(NamedTuple):
    """One guest for people; node: where it is, or was last; empty: nobody knows."""

    name: str
    explained: Explained
    node: str
    missing: tuple[str, ...]
    file: GuestFile | None
    entry: Entry | None

    @property
    def style(self) -> str:
        """Return the style of its row."""
        return _STYLES.get(self.explained.state, BAD)


def every(servers: Servers) -> tuple[Shown, ...]:
    """Return all guests, by name."""
    return tuple(one(servers, name) for name in sorted(servers.view.wishes.guests))


def one(servers: Servers, name: str) -> Shown:
    """Return a guest."""
    view = servers.view
    wish, entry = view.wishes.guests[name], view.orders.entries.get(name)
    explained = explaining.explain(entry, wish, view.policy, servers.nodes)
    broken = view.unusable.get(guest_path(name))
    if broken is not None:
        reason = f"its file cannot be used: {broken.reason}"
        explained = Explained(explained.state, reason, f"correct {guest_path(name)}")
    node = entry.node if entry is not None else wish.home
    return Shown(
        name, explained, node, missing_switches(view.policy, wish), view.guests.get(name), entry
    )


def demand(view: PoolView, name: str) -> GuestFile:
    """Return a guest's file. Raises RefusedError when there is none, or it cannot be used."""
    broken = view.unusable.get(guest_path(name))
    if broken is not None:
        raise RefusedError(f"{guest_path(name)}: {broken.reason}", hint="correct the file")
    if name not in view.guests:
        known = " ".join(sorted(view.guests)) or "none"
        raise RefusedError(f"there is no guest {name} under HA", f"guests: {known}")
    return view.guests[name]


def switches(shown: Shown) -> str:
    """Say whether HA is effective for a guest, or whose switch is off."""
    return f"off: {', '.join(shown.missing)}" if shown.missing else "on"


def table(guests: tuple[Shown, ...]) -> Table:
    """Return the guests as a table."""
    rows = tuple(
        (
            each.name,
            each.explained.state,
            each.node or "-",
            switches(each),
            f"{each.file.mem_mb} MiB" if each.file is not None else "-",
            str(each.file.priority) if each.file is not None else "-",
            each.explained.reason,
        )
        for each in guests
    )
    return Table(HEADER, rows, tuple(each.style for each in guests))


def data_of(shown: Shown) -> dict[str, Any]:
    """Return a guest for --json."""
    file = shown.file
    return {
        "name": shown.name,
        "state": shown.explained.state,
        "node": shown.node or None,
        "reason": shown.explained.reason,
        "way_out": shown.explained.way_out,
        "ha": not shown.missing,
        "missing_switches": list(shown.missing),
        "wanted": file.state if file is not None else None,
        "mem_mb": file.mem_mb if file is not None else None,
        "cpu": file.cpu if file is not None else None,
        "priority": file.priority if file is not None else None,
    }


def list_guests(session: Session) -> Answer:
    """List the guests."""
    found = every(Judge(session).look())
    return Answer((table(found),), {"guests": [data_of(each) for each in found]})


def show(session: Session, name: str) -> Answer:
    """Show everything of one guest."""
    servers = Judge(session).look()
    if name not in servers.view.wishes.guests:
        demand(servers.view, name)
    shown = one(servers, name)
    explained, entry = shown.explained, shown.entry
    here = servers.view.whereabouts(name)
    first = {
        "state": explained.state,
        "reason": explained.reason or "-",
        "way out": explained.way_out or "-",
        "server": shown.node or "-",
        "in memory on": ", ".join(here) or "no server reports it",
        "HA": switches(shown),
    }
    if entry is not None and (entry.restarts or entry.failed):
        first["failures"] = f"{entry.restarts} here; given up: {', '.join(entry.failed) or 'none'}"
    values = {} if shown.file is None else file_values(shown.file)
    lines = pairs({**first, **{f"  {key}": _spelled(value) for key, value in values.items()}})
    data = {**data_of(shown), "in_memory": list(here), "file": values}
    return Answer((f"{name}: {GUESTS}/{name}.yaml", *lines), data)


def file_values(file: GuestFile) -> dict[str, Any]:
    """Return a guest's file as plain values, by its keys."""
    values: Mapping[str, Any] = {each.name: getattr(file, each.name) for each in fields(file)}
    return {**values, **as_values(file), "unknown": list(file.unknown)}


def _spelled(value: Any) -> str:
    return spelled(value) or "-"
