"""`ovstools pool`: what the pool is and does as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import RefusedError, UsageError
from ..forms.policy import FIELDS, READERS
from ..wishes import ASK_MASTER, FREEZE, IGNORE
from . import pool_text
from .answer import Answer, pairs
from .asking import Ask
from .assignments import assigned
from .pool_view import POOL, PoolView
from .servers import Judge
from .session import Session
from .work import Stage, Step, Work

#: keys of pool.yaml that have a command of their own, or are nobody's to change
_ELSEWHERE = {
    "ha": "ovstools pool ha on|off",
    "ha_off": "ovstools pool ha off --freeze|--ignore",
    "maintenance": "ovstools pool maintenance on|off NODE",
}
#: how long a new master may take: the waiters have 15 s (ha/hand_over.py), then it decides
HAND_OVER_S = 60.0
HA_OFF = (
    "decisions stop, nothing else: guests' locks and the start certificate hold, and o2cb goes on "
    "to fence servers that lose storage or network"
)


def values_of(view: PoolView) -> dict[str, Any]:
    """Return the pool's policy by the file's keys."""
    policy = view.policy
    found = {key: getattr(policy, name) for key, name in FIELDS.items()}
    found["maintenance"] = sorted(policy.maintenance)
    found["utility"] = view.pool.utility if view.pool is not None else None
    return found


def show(session: Session) -> Answer:
    """Say what the pool is: its UUID, servers, master, switch and policies."""
    servers = Judge(session).look()
    view = servers.view
    values = values_of(view)
    master = servers.master
    data: dict[str, Any] = {
        "uuid": view.pool.uuid if view.pool is not None else None,
        "path": session.root,
        "servers": {name: node.condition.value for name, node in sorted(servers.nodes.items())},
        "master": master.name if master is not None else None,
        "epoch": view.epoch,
        "guests": len(view.wishes.guests),
        "policy": values,
    }
    lines = pairs(
        {
            "pool": data["uuid"] or f"no {POOL} yet: everything is as by default",
            "path": session.root,
            "servers": ", ".join(f"{name} ({how})" for name, how in data["servers"].items()),
            "master": f"{data['master'] or 'nobody'}, epoch {view.epoch}",
            "guests": str(data["guests"]),
            **{key: _shown(value) for key, value in values.items()},
        }
    )
    return Answer(lines, data)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g} s"
    if isinstance(value, list):
        return " ".join(value) or "-"
    return "-" if value is None else str(value)


def switch(session: Session, is_on: bool, meaning: str = FREEZE) -> Work:
    """Switch HA on or off for the whole pool."""
    view = session.view()
    changes: Mapping[str, Any] = {"ha": True} if is_on else {"ha": False, "ha_off": meaning}
    word = "on" if is_on else f"off ({meaning})"
    stage = pool_text.stage(session, view, f"switch HA {word} for the pool", changes)
    notices = () if is_on else (HA_OFF,)
    if not is_on and meaning == IGNORE:
        notices = (*notices, "guests that stop meanwhile are looked at afresh when HA is on again")
    data = {"ha": is_on, "ha_off": None if is_on else meaning, "changed": bool(stage.steps)}
    verb = "is" if stage.steps else "was already"
    return Work((stage,), Answer((f"HA {verb} {word}",), data), notices)


def say_master(session: Session) -> Answer:
    """Name the master. Raises RefusedError when there is none."""
    servers = Judge(session).look()
    master = servers.master
    if master is None:
        last = servers.nodes.get(servers.view.orders.master or "")
        raise RefusedError(
            "nobody is the master",
            *([f"the last one was {last.name}, which is {last.condition.value}"] if last else []),
            hint="on each server: systemctl status ovs-agent.service",
        )
    data = {"master": master.name, "epoch": servers.view.epoch}
    return Answer((master.name,), data)


def hand_over(session: Session, word: str, limit_s: float | None, is_waiting: bool) -> Work:
    """Make a server the master."""
    node = session.members.named(word)
    view = session.view()
    if view.orders.master == node and node in (session.members.live or {node}):
        return Work((), Answer((f"{node} was already the master",), _handed(node, False)))
    wait_s = (limit_s or HAND_OVER_S) if is_waiting else None
    step = Step(f"hand the master's role over to {node}", Ask(ASK_MASTER, "", node, wait_s))
    text = f"{node} is the master" if is_waiting else f"{node} is asked to become the master"
    return Work((Stage((step,)),), Answer((text,), _handed(node, True)))


def _handed(node: str, is_changed: bool) -> dict[str, Any]:
    return {"master": node, "changed": is_changed}


def set_values(session: Session, words: tuple[str, ...]) -> Work:
    """Change keys of pool.yaml; an empty value takes a key away: it is as by default then."""
    for word in words:
        key = word.partition("=")[0]
        if key in _ELSEWHERE:
            raise UsageError(f"{key} has a command of its own", hint=_ELSEWHERE[key])
    known = {key: reader for key, reader in READERS.items() if key not in {"uuid", *_ELSEWHERE}}
    changes = assigned(words, known)
    if changes.get("utility"):
        changes["utility"] = session.members.named(changes["utility"])
    stage = pool_text.stage(session, session.view(), f"change {POOL}", changes)
    said = "changed" if stage.steps else "already so"
    data = {"changed": bool(stage.steps), "values": changes}
    return Work((stage,), Answer((f"{said}: {' '.join(words)}",), data))
