"""`ovstools what-if`: where the guests of servers that fail would go, and after how long."""

from __future__ import annotations

from typing import Any

from ...errors import ExitStatus, OvsError
from ...model.timing import BEAT_S, Timing
from .. import what_if as future
from ..what_if import WhatIf
from . import chronicle
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
    pool, timing, start_s = _pool(servers), _timing(session), _start_s(session)
    if names:
        found: tuple[WhatIf, ...] = (future.what_if(pool, names, timing, start_s),)
    else:
        found = future.each_server(pool, timing, start_s)
    holds = all(each.holds for each in found)
    parts: list[Part] = [part for each in found for part in _shown(each)]
    parts.append(_verdict(found, bool(names)))
    data: dict[str, Any] = {
        "holds": holds,
        "dead_s": timing.dead_s,
        "start_s": start_s,
        "failures": [_data(each) for each in found],
    }
    return Answer(tuple(parts), data, ExitStatus.OK if holds else ExitStatus.UNHEALTHY)


def _pool(servers: Servers) -> future.Pool:
    view = servers.view
    numbers = {name: node.number for name, node in servers.nodes.items()}
    return future.Pool(view.wishes, view.orders, view.reports, numbers, servers.up)


def _timing(session: Session) -> Timing:
    return Timing(threshold=max(1, round(session.members.dead_s / BEAT_S)))


def _start_s(session: Session) -> float:
    try:
        return chronicle.usual_start_s(chronicle.read(session).events, START_S)
    except OvsError:
        return START_S


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


def _verdict(found: tuple[WhatIf, ...], is_named: bool) -> str:
    without = [fate for each in found for fate in each.fates if fate.node is None]
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
