"""`ovstools vm start`, `stop`, `migrate`, `relocate`: say what is wanted, and wait for it."""

from __future__ import annotations

from typing import Any

from ...errors import RefusedError
from ..explain import unlocked_on
from ..forms.edit import with_changes
from ..forms.guest_file import GuestFile
from ..orders import Phase
from ..wishes import ASK_RELOCATE, ASK_START, IGNORED, STARTED, STOPPED
from . import guests
from .answer import Answer
from .asking import Ask
from .edits import edit
from .guest_progress import progress_of
from .pool_view import PoolView, guest_path
from .servers import roughly
from .session import Session
from .waiting import Await, Progress
from .work import Stage, Step, Work

#: how long to wait when nothing else is said
START_S, STOP_MARGIN_S, MOVE_S = 300.0, 60.0, 3600.0
IGNORED_S = 60.0


def start(session: Session, name: str, limit_s: float | None, is_waiting: bool) -> Work:
    """Want a guest to run, forget why it is off, and wait until it runs."""
    view = session.view()
    file = guests.demand(view, name)
    _demand_ha(view, name, STARTED)
    _demand_lock(session, view, name)
    if file.mark is not None:
        raise RefusedError(
            f"{name} is marked {file.mark.kind} by {file.mark.writer}: a job writes its image",
            hint=f"when that is over for good: ovstools vm set {name} mark=",
        )
    entry = view.orders.entries.get(name)
    if file.state == STARTED and entry is not None and entry.phase is Phase.RUNNING:
        return Work((), _answer(name, "already runs", entry.node, False))
    stages = [_wanting(session, view, file, STARTED)]
    if file.state == IGNORED:
        seen = Await(f"until the master looks after {name}", IGNORED_S, lambda v: _noticed(v, name))
        stages.append(Stage((Step(f"wait for the master to look at {name}", seen),)))
    ask = Ask(ASK_START, name, "", (limit_s or START_S) if is_waiting else None)
    stages.append(Stage((Step(f"start {name}", ask),)))
    return Work(tuple(stages), finish=lambda s: _ended(s, name, is_waiting, "start"))


def stop(session: Session, name: str, limit_s: float | None, is_waiting: bool) -> Work:
    """Want a guest to be off, and wait until it is."""
    view = session.view()
    file = guests.demand(view, name)
    _demand_ha(view, name, STOPPED)
    _demand_lock(session, view, name)
    if file.state == STOPPED and _is_off(view, name):
        return Work((), _answer(name, "is already off", None, False))
    stages = [_wanting(session, view, file, STOPPED)]
    if is_waiting:
        limit = limit_s or file.stop_s + STOP_MARGIN_S
        off = Await(f"until {name} is off", limit, lambda v: _stopped(session, v, name))
        stages.append(Stage((Step(f"stop {name}", off),)))
    text = "is off" if is_waiting else "will be stopped"
    return Work(tuple(stages), _answer(name, text, None, True))


def move(
    session: Session, verb: str, name: str, word: str, limit_s: float | None, is_waiting: bool
) -> Work:
    """Have the master move a guest to a server; relocate: stopped here, started there."""
    node = session.members.named(word)
    view = session.view()
    guests.demand(view, name)
    _demand_lock(session, view, name)
    entry = view.orders.entries.get(name)
    if entry is not None and entry.phase is Phase.RUNNING and entry.node == node:
        return Work((), _answer(name, "already runs", node, False))
    how = "stop it here, start it there" if verb == ASK_RELOCATE else "live where it can"
    ask = Ask(verb, name, node, (limit_s or MOVE_S) if is_waiting else None)
    step = Step(f"move {name} to {node} ({how})", ask)
    return Work((Stage((step,)),), finish=lambda s: _ended(s, name, is_waiting, verb))


def _demand_ha(view: PoolView, name: str, state: str) -> None:
    if not view.policy.ha:
        raise RefusedError(
            f"HA is off for the pool: nobody would carry that out for {name}",
            hint=f"ovstools pool ha on; or, to say it for later: ovstools vm set {name} "
            f"state={state}",
        )


def _demand_lock(session: Session, view: PoolView, name: str) -> None:
    """Refuse what no agent would carry out: an order to a guest that has not its lock."""
    entry = view.orders.entries.get(name)
    nodes = roughly(session, view).nodes
    node = unlocked_on(entry, name, nodes) if entry is not None else None
    if node is not None:
        raise RefusedError(
            f"{name} is on {node.name} without its lock: no order touches it",
            "its agent adopts it within seconds, or suspends it when another server may have it",
            hint=f"try again then; if it stays so: ovstools vm show {name}; on {node.name}: "
            "systemctl status ovs-locks ovs-agent",
        )


def _wanting(session: Session, view: PoolView, file: GuestFile, state: str) -> Stage:
    path = guest_path(file.name)
    before = view.texts[path]
    after = with_changes(before, {"state": state})
    return Stage(edit(session, f"set {file.name} to {state}", path, before, after), edits=True)


def _noticed(view: PoolView, name: str) -> Progress:
    entry = view.orders.entries.get(name)
    is_done = entry is None or entry.phase is not Phase.IGNORED
    return Progress(is_done, f"the master has not looked at {name} yet")


def _is_off(view: PoolView, name: str) -> bool:
    entry = view.orders.entries.get(name)
    return (entry is None or entry.phase is Phase.OFF) and not view.whereabouts(name)


def _stopped(session: Session, view: PoolView, name: str) -> Progress:
    if name not in view.wishes.guests:
        return Progress(True, f"{name} is no longer under HA")
    if _is_off(view, name):
        return Progress(True, f"{name} is off")
    return progress_of(session, view, name)


def _ended(session: Session, name: str, is_waiting: bool, verb: str) -> Answer:
    entry = session.view().orders.entries.get(name)
    if not is_waiting:
        return _answer(name, f"is asked for: {verb}", None, True)
    if entry is not None and entry.phase is Phase.RUNNING:
        return _answer(name, "runs", entry.node, True)
    if entry is not None and entry.phase is Phase.OFF:
        return _answer(name, "stays off; its next start is", entry.node, True)
    return _answer(name, "will start", entry.node if entry is not None else None, True)


def _answer(name: str, text: str, node: str | None, is_changed: bool) -> Answer:
    data: dict[str, Any] = {"guest": name, "node": node, "changed": is_changed}
    return Answer((f"{name} {text}{f' on {node}' if node else ''}",), data)
