"""`ovstools what-if`: where the guests of servers that fail would go, and after how long."""

from __future__ import annotations

from typing import Any

from ...errors import ExitStatus, OvsError, RefusedError
from ...model.timing import BEAT_S, Timing
from .. import what_if as future
from ..driver.sight import FULL, MAKE_ROOM
from ..view import Condition
from ..what_if import WhatIf
from . import chronicle, conditions
from .answer import BAD, GOOD, Answer, Part, Table
from .servers import Judge, Servers
from .session import Session

#: of a guest that was never started under HA
START_S = 5.0
HEADER = ("GUEST", "FROM", "TO", "SECONDS", "REASON")


def stays(session: Session, servers: Servers, node: str) -> dict[str, str]:
    """Return the guests that no other server can take, and why."""
    found = future.what_if(_pool(servers), (node,), _timing(session), START_S)
    return {fate.guest: fate.reason for fate in found.fates if fate.node is None}


def look(session: Session, words: tuple[str, ...]) -> Answer:
    """Let these servers fail together; without any, each of those that are up, alone."""
    names = tuple(session.members.named(word) for word in words)
    servers = Judge(session).look()
    unknown = _unknown(servers, names)
    pool, timing = _pool(servers), _timing(session)
    start_s, recovery_s = _usually(session)
    if names:
        found: tuple[WhatIf, ...] = (
            future.what_if(pool, names, timing, start_s, None, recovery_s),
        )
    else:
        found = future.each_server(pool, timing, start_s, None, recovery_s)
    holds = all(each.holds for each in found) and not unknown
    parts: list[Part] = [part for each in found for part in _shown(each)]
    parts.append(_verdict(found, bool(names), unknown))
    data: dict[str, Any] = {
        "holds": holds,
        "unknown": list(unknown),
        "dead_s": timing.dead_s,
        "start_s": start_s,
        "recovery_s": recovery_s,
        "failures": [_data(each) for each in found],
    }
    return Answer(tuple(parts), data, ExitStatus.OK if holds else ExitStatus.UNHEALTHY)


def _unknown(servers: Servers, failed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the servers of which nobody knows what they have; they take no guest either.

    Raises RefusedError where that is so of all: any answer would be a guess.
    """
    if servers.is_full:
        raise RefusedError(
            f"{FULL}: no agent can write, so none would be restarted anywhere",
            hint=MAKE_ROOM,
        )
    if not servers.up:
        states = [f"{name}: {node.condition.value}" for name, node in sorted(servers.nodes.items())]
        raise RefusedError(
            "no server is live and reports: where guests would go cannot be said", *states,
            hint=f"ovstools status; on each server: {conditions.AGENT}",
        )  # fmt: skip
    unknown = (name for name, n in servers.nodes.items() if n.condition is Condition.SILENT)
    return tuple(sorted(set(unknown) - set(failed)))


def _pool(servers: Servers) -> future.Pool:
    view = servers.view
    numbers = {name: node.number for name, node in servers.nodes.items()}
    return future.Pool(view.wishes, view.orders, view.reports, numbers, servers.up)


def _timing(session: Session) -> Timing:
    return Timing(threshold=max(1, round(session.members.dead_s / BEAT_S)))


def _usually(session: Session) -> tuple[float, float]:
    """Return what a start and the recovery of locks take here, by what happened so far."""
    try:
        events = chronicle.read(session).events
    except OvsError:
        events = ()
    usual = chronicle.usual_recovery_s(events, future.DLM_S, session.members.dead_s)
    return chronicle.usual_start_s(events, START_S), usual


def _shown(found: WhatIf) -> tuple[Part, ...]:
    title = f"{' and '.join(found.failed)} fail{'s' if len(found.failed) == 1 else ''}:"
    if not found.fates:
        return (f"{title} no guest runs there", "")
    rows = tuple(
        (
            fate.guest,
            fate.source,
            fate.node or "waits",
            "-" if fate.seconds is None else f"{fate.seconds:g}",
            fate.reason,
        )
        for fate in found.fates
    )
    styles = tuple(GOOD if fate.node else BAD for fate in found.fates)
    return (title, Table(HEADER, rows, styles), "")


def _verdict(found: tuple[WhatIf, ...], is_named: bool, unknown: tuple[str, ...]) -> str:
    without = [fate for each in found for fate in each.fates if fate.node is None]
    if unknown:
        more = f"; silent, so nobody knows of its guests: {' '.join(unknown)}"
        names = sorted({fate.guest for fate in without})
        return f"no place for: {' '.join(names) or 'nobody'}{more}"
    if not without:
        if is_named:
            return "every guest has a place"
        return "every guest has a place whichever server fails"
    names = sorted({fate.guest for fate in without})
    return f"no place for: {' '.join(names)}"


def _data(found: WhatIf) -> dict[str, Any]:
    return {
        "failed": list(found.failed),
        "holds": found.holds,
        "guests": [
            {
                "guest": fate.guest,
                "from": fate.source,
                "to": fate.node,
                "seconds": fate.seconds,
                "reason": fate.reason,
            }
            for fate in found.fates
        ],
    }
