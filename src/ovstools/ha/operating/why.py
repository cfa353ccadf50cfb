"""`ovstools why NODE`: why a server is in the condition it is in, with the evidence."""

from __future__ import annotations

from typing import Any

from ...errors import OvsError
from ..driver.sight import FULL, MAKE_ROOM
from ..forms.event import Event, format_time
from . import chronicle, conditions, local_state
from .answer import Answer, pairs
from .servers import Judge, Servers
from .session import Session

LAST_EVENTS = 5


def look(session: Session, word: str) -> Answer:
    """Explain the condition of a server."""
    name = session.members.named(word)
    servers = Judge(session).look()
    node = servers.nodes[name]
    reason = conditions.why(servers, node)
    evidence = _evidence(session, servers, name)
    events = _events(session, name)
    lines = [f"{name} is {node.condition.value}: {reason.text}", "", *pairs(evidence)]
    if events:
        lines += ["", "events:", *(f"  {_line(event)}" for event in events)]
    if reason.way_out:
        lines += ["", f"way out: {reason.way_out}"]
    data: dict[str, Any] = {
        "node": name,
        "state": node.condition.value,
        "reason": reason.text,
        "way_out": reason.way_out,
        "evidence": evidence,
        "events": [_line(event) for event in events],
    }
    return Answer(tuple(lines), data)


def _evidence(session: Session, servers: Servers, name: str) -> dict[str, str]:
    view, node = servers.view, servers.nodes[name]
    found = {"node number": str(node.number)}
    if servers.live is None:
        found["live"] = f"cannot be seen from {session.members.node}"
    else:
        live = "yes" if name in servers.live else "no"
        found["live"] = f"{live} (live nodes: {conditions.live_numbers(servers) or 'none'})"
    sheet = view.sheets.get(name)
    if sheet is not None:
        age_s = session.host.clock.wall() - view.written_at[name]
        found["last report"] = (
            f"number {sheet.sequence}, {format_time(view.written_at[name])}, {age_s:.0f} s ago "
            f"by its clock and ours"
        )
        found["boot"] = sheet.report.boot
        known = view.orders.boots.get(name)
        if known is not None and known != sheet.report.boot:
            found["boot"] += f" (the master knows {known})"
        found["node lock"] = "with its keeper" if sheet.report.node_lock else "not with its keeper"
    else:
        found["last report"] = "none"
    if name in view.orders.node_locks:
        found["node lock"] = f"with the master, {view.orders.master}: proof of its death"
    if name in view.policy.maintenance:
        found["maintenance"] = "on"
    if servers.is_full:
        found["pool file system"] = f"{FULL}; {MAKE_ROOM}"
    if name == session.members.node:
        found["agent here"] = _agent(session)
    return found


def _agent(session: Session) -> str:
    local = local_state.read(session.host)
    if local is None:
        return "none has run since the boot"
    return f"{'runs' if local.is_running else 'does not run'}: {local.sentence}"


def _events(session: Session, name: str) -> tuple[Event, ...]:
    """Return the last events that are about a server: told by others, or of its own role."""
    try:
        events = chronicle.read(session).events
    except OvsError:
        return ()
    found = [
        event
        for event in events
        if event.guest is None and (event.text == name or event.node == name)
    ]
    return tuple(found[-LAST_EVENTS:])


def _line(event: Event) -> str:
    text = f": {event.text}" if event.text else ""
    return f"{format_time(event.time_s)} {event.node}: {event.event}{text}"
