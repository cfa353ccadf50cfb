"""What an operator should look at, with the way out; `status` shows it, and exits with 3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..driver.sight import FULL, MAKE_ROOM
from ..explain import ERROR, FROZEN, PAUSED, SILENT, STUCK, UNLOCKED, WAITING
from ..view import Condition
from . import conditions, guests
from .local_state import LocalState
from .pool_view import guest_path
from .servers import Servers

_GUESTS_STATES = {WAITING, ERROR, STUCK, PAUSED, UNLOCKED, FROZEN, SILENT}
_FINE = {Condition.ONLINE, Condition.MAINTENANCE, Condition.LEAVING}


class Notice(NamedTuple):
    """One of them; is_trouble: something is not as it is wanted, and not by an operator's word."""

    about: str
    text: str
    way_out: str = ""
    is_trouble: bool = True

    @property
    def line(self) -> str:
        """Return it as a line."""
        way = f" -> {self.way_out}" if self.way_out else ""
        return f"{self.about}: {self.text}{way}" if self.about else f"{self.text}{way}"

    @property
    def data(self) -> dict[str, Any]:
        """Return it for --json."""
        return {
            "about": self.about or None,
            "text": self.text,
            "way_out": self.way_out,
            "trouble": self.is_trouble,
        }


def of_pool(servers: Servers, local: LocalState | None) -> tuple[Notice, ...]:
    """Return all of them, the gravest first."""
    everywhere = (*_files(servers), *_pool(servers), *_nodes(servers), *_guests(servers))
    found = (*everywhere, *of_here(local))
    return tuple(sorted(found, key=lambda each: not each.is_trouble))


def _files(servers: Servers) -> Iterator[Notice]:
    view = servers.view
    for name, broken in sorted(view.unusable.items()):
        way_out = "upgrade ovstools here" if broken.is_newer else "correct or restore the file"
        yield Notice(name, broken.reason, way_out)
    if view.pool is not None and view.pool.unknown:
        yield _misspelled("pool.yaml", view.pool.unknown)
    for name, file in sorted(view.guests.items()):
        if file.unknown:
            yield _misspelled(guest_path(name), file.unknown)


def _misspelled(name: str, keys: tuple[str, ...]) -> Notice:
    text = f"keys that mean nothing: {' '.join(keys)}"
    return Notice(name, text, "ovstools-pool-files(5) has them all", is_trouble=False)


def _pool(servers: Servers) -> Iterator[Notice]:
    policy = servers.view.policy
    if not policy.ha:
        text = f"HA is off for the pool ({policy.ha_off}): no guest is restarted anywhere"
        yield Notice("", text, "ovstools pool ha on", is_trouble=False)
    if servers.is_full:
        text = f"{FULL}: no agent can write, so nothing is decided, and none restarted"
        yield Notice("", text, MAKE_ROOM)
    elif servers.master is None:
        text = "nobody is the master: nothing is decided"
        yield Notice("", text, f"on each server: {conditions.AGENT}")
    if servers.live is None:
        yield Notice("", "which servers are live cannot be seen from here", "ovs-cluster-check")


def _nodes(servers: Servers) -> Iterator[Notice]:
    for name, node in sorted(servers.nodes.items()):
        if node.condition not in _FINE:
            reason = conditions.why(servers, node)
            yield Notice(name, f"{node.condition.value}: {reason.text}", reason.way_out)


def _guests(servers: Servers) -> Iterator[Notice]:
    for shown in guests.every(servers):
        state, reason, way_out = shown.explained
        if guest_path(shown.name) in servers.view.unusable:
            continue
        if state in _GUESTS_STATES:
            by_operator = state == FROZEN and not servers.view.policy.ha
            text = f"{state}: {reason}" if reason else state
            yield Notice(shown.name, text, _bare(way_out), not by_operator)


def _bare(way_out: str) -> str:
    """Leave the quotes out where a way out is one command, and nothing else."""
    is_one = way_out.count("`") == 2 and way_out.startswith("`") and way_out.endswith("`")
    return way_out.strip("`") if is_one else way_out


def of_here(local: LocalState | None) -> Iterator[Notice]:
    """Return what is wrong with this server's own agent."""
    if local is None:
        yield Notice("", "no agent has run on this server since its boot", conditions.AGENT)
    elif not local.is_running:
        yield Notice(local.node, "its agent does not run", conditions.AGENT)
    elif local.trouble:
        yield Notice(local.node, f"its agent says: {local.trouble}", conditions.AGENT)
