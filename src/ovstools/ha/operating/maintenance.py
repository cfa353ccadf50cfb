"""`ovstools pool maintenance`: guests leave a server, and none comes."""

from __future__ import annotations

from typing import Any

from ..orders import Phase
from . import pool_text
from .answer import Answer
from .futures import stays
from .pool_view import PoolView
from .servers import Judge
from .session import Session
from .waiting import Await, Progress
from .work import Stage, Step, Work

_PLACED = {Phase.RUNNING, Phase.STARTING, Phase.STOPPING, Phase.MIGRATING}
#: beyond the pool's own limit for a drain
MARGIN_S = 60.0


def switch(
    session: Session, word: str, is_on: bool, limit_s: float | None, is_waiting: bool
) -> Work:
    """Switch maintenance of a server on or off; on: wait until the guests have left that can."""
    node = session.members.named(word)
    servers = Judge(session).look()
    view = servers.view
    now = view.policy.maintenance
    wanted = now | {node} if is_on else now - {node}
    title = f"switch maintenance of {node} {'on' if is_on else 'off'}"
    changes = {} if wanted == now else {"maintenance": sorted(wanted)}
    stage = pool_text.stage(session, view, title, changes)
    stages, notices = [stage], []
    staying: dict[str, str] = {}
    if is_on and view.policy.ha:
        staying = stays(session, servers, node)
        notices = [f"{guest} stays: {reason}" for guest, reason in staying.items()]
    elif is_on:
        notices = ["HA is off for the pool: guests stay where they are"]
    if is_on and is_waiting and view.policy.ha:
        limit = limit_s or view.policy.drain_s + MARGIN_S
        wait = Await(
            f"until guests have left {node}", limit, lambda v: _left(v, node, staying.keys())
        )
        stages.append(Stage((Step(f"wait for the guests of {node}", wait),)))
    data: dict[str, Any] = {
        "node": node, "maintenance": is_on, "changed": bool(stage.steps), "stay": staying,
    }  # fmt: skip
    return Work(tuple(stages), Answer((_said(node, is_on, bool(stage.steps)),), data), (*notices,))


def _said(node: str, is_on: bool, is_changed: bool) -> str:
    word = "is" if is_changed else "was already"
    return f"{node} {word} {'in' if is_on else 'out of'} maintenance"


def _left(view: PoolView, node: str, staying: Any) -> Progress:
    """Tell which guests have not left yet."""
    if node not in view.policy.maintenance:
        return Progress(True, f"maintenance of {node} was switched off meanwhile")
    left = [
        guest
        for guest, entry in sorted(view.orders.entries.items())
        if entry.node == node and entry.phase in _PLACED and guest not in staying
        and guest in view.wishes.guests
    ]  # fmt: skip
    if not left:
        return Progress(True, f"no guest is left on {node}")
    said = ", ".join(f"{guest} ({view.orders.entries[guest].phase.value})" for guest in left[:4])
    more = f" and {len(left) - 4} more" if left[4:] else ""
    return Progress(
        False,
        f"still on {node}: {said}{more}",
        "ovstools status says why",
    )
