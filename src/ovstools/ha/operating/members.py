"""Which servers the pool has, which of them are live, and which is this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import RefusedError
from ...system import o2cb
from ...system.host import Host
from .. import pool_place
from ..observation import Identity
from . import local_state


@dataclass(frozen=True)
class Members:
    """The pool's servers; node: this one. live: None: nobody can tell. dead_s: T x 2 s."""

    node: str
    numbers: Mapping[str, int]
    live: frozenset[str] | None
    dead_s: float

    def named(self, word: str) -> str:
        """Return the server that a person means, in full or up to the first dot.

        Raises RefusedError when there is none.
        """
        if word in self.numbers:
            return word
        found = [name for name in self.numbers if name.partition(".")[0] == word]
        if len(found) == 1:
            return found[0]
        names = " ".join(sorted(self.numbers))
        raise RefusedError(f"there is no server {word} in the pool", f"servers: {names}")


def find(host: Host) -> Members:
    """Ask the kernel; where it has no cluster (a try on one machine), this server's agent.

    Raises RefusedError when this server is no member of a pool.
    """
    identity = pool_place.identity(host)
    if isinstance(identity, Identity):
        numbers, live = identity.numbers, o2cb.read_live_nodes(host) or None
        return Members(identity.node, numbers, _names(numbers, live), identity.dead_s)
    if host.settings.paths.pool == "auto":
        raise RefusedError(f"this server is in no pool: {identity.reason}", hint=identity.hint)
    state = local_state.read(host)
    if state is None or not state.numbers:
        raise RefusedError(
            f"this server is in no pool: {identity.reason}, and no agent has run here",
            hint="start the agent: systemctl start ovs-agent.service",
        )
    live = state.live if state.is_running else None
    return Members(state.node, state.numbers, _names(state.numbers, live), state.dead_s)


def _names(numbers: Mapping[str, int], live: frozenset[int] | None) -> frozenset[str] | None:
    if live is None:
        return None
    return frozenset(name for name, number in numbers.items() if number in live)
