"""Requests to the master about guests: taken when they can be, answered when they are done.

An answer begins with accepted (under way), done, failed or refused; all but the first are final.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import moves
from .failures import cleared
from .orders import SETTLED_WITHOUT_LOCK, Entry, Phase
from .view import Condition
from .wishes import ASK_MASTER, ASK_MIGRATE, ASK_RELOCATE, ASK_START, STARTED, Ask, Wish, Wishes

if TYPE_CHECKING:
    from .master import Deciding

ACCEPTED = "accepted"
_VERBS = (ASK_MIGRATE, ASK_RELOCATE, ASK_START)
#: a guest that is none of these is still on its way
SETTLED = {Phase.OFF, Phase.RUNNING, Phase.ERROR, Phase.IGNORED}


def take_asks(deciding: Deciding) -> None:
    """Begin what is asked for, or answer why not; what comes too early stays."""
    for ask in deciding.view.wishes.asks:
        if ask.uid in deciding.answers or ask.verb == ASK_MASTER:
            continue
        answer = _take(deciding, ask)
        if answer is not None:
            deciding.answers[ask.uid] = answer


def settle_asks(deciding: Deciding) -> None:
    """Answer requests that were accepted, when it is known what became of them."""
    for ask in deciding.view.wishes.asks:
        if deciding.answers.get(ask.uid) != ACCEPTED or ask.verb == ASK_MASTER:
            continue
        entry = deciding.entries.get(ask.guest)
        if entry is None:
            deciding.answers[ask.uid] = f"failed: {ask.guest} is no longer under HA"
        elif entry.phase in SETTLED:
            deciding.answers[ask.uid] = _outcome(ask, entry)


def refuse(wishes: Wishes, answers: Mapping[str, str]) -> dict[str, str]:
    """Answer requests about guests while nothing is decided."""
    found = dict(answers)
    for ask in wishes.asks:
        if ask.verb != ASK_MASTER and found.get(ask.uid, ACCEPTED) == ACCEPTED:
            found[ask.uid] = "refused: HA is off for the pool (`ovstools pool ha on`)"
    return found


def _outcome(ask: Ask, entry: Entry) -> str:
    is_there = ask.verb == ASK_START or entry.node == ask.node
    if entry.phase is Phase.RUNNING and is_there:
        return f"done: on {entry.node}"
    where = f" on {entry.node}" if entry.phase is Phase.RUNNING else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return f"failed: {ask.guest} is {entry.phase.value}{where}{reason}"


def _take(deciding: Deciding, ask: Ask) -> str | None:
    if ask.verb not in _VERBS:
        return f"refused: this master knows no request to {ask.verb}"
    wish = deciding.view.wishes.guests.get(ask.guest)
    if wish is None:
        return f"refused: no guest {ask.guest} under HA"
    entry = deciding.entries.get(ask.guest)
    if entry is None:
        return None
    unlocked = deciding.arrivals.get(ask.guest)
    if unlocked is not None and entry.phase in SETTLED_WITHOUT_LOCK:
        text = f"{ask.guest} is on {unlocked} without its lock: no order touches it"
        return f"refused: {text} (`ovstools vm show {ask.guest}`)"
    if entry.phase is Phase.IGNORED:
        return f"refused: {ask.guest} is ignored"
    if ask.node and deciding.condition(ask.node) is not Condition.ONLINE:
        return f"refused: {ask.node} is {deciding.condition(ask.node).phrase}"
    if ask.node and wish.tier_of(ask.node) is None:
        return f"refused: {ask.guest} may not run on {ask.node}: policy manual"
    if ask.verb == ASK_START:
        return _start(deciding, ask, wish, entry)
    if not ask.node:
        return "refused: the request names no server"
    return _move(deciding, ask, wish, entry)


def _start(deciding: Deciding, ask: Ask, wish: Wish, entry: Entry) -> str | None:
    """Forget why a guest is off, in error or frozen; its ordinary life then starts it."""
    if wish.state != STARTED:
        return f"refused: its file says {wish.state}"
    if entry.phase in (Phase.OFF, Phase.ERROR):
        node = ask.node or entry.node
        entry = cleared(entry)._replace(phase=Phase.OFF, node=node, halted=False, shunned=())
        deciding.entries[ask.guest] = entry
    elif entry.phase is Phase.FROZEN:
        _thaw(deciding, ask, entry)
    return ACCEPTED


def _thaw(deciding: Deciding, ask: Ask, entry: Entry) -> None:
    """Wait no longer for the server's return."""
    deciding.entries[ask.guest] = entry._replace(phase=Phase.LOST, target=ask.node or None)


def _move(deciding: Deciding, ask: Ask, wish: Wish, entry: Entry) -> str | None:
    if entry.phase is Phase.ERROR:
        return f"refused: {ask.guest} is in error: {entry.reason}"
    if entry.phase is Phase.FROZEN:
        _thaw(deciding, ask, entry)
        return ACCEPTED
    if entry.phase is Phase.OFF:
        if wish.state == STARTED and not entry.halted:
            return None
        deciding.entries[ask.guest] = entry._replace(node=ask.node)
        return "done: it will start there"
    if entry.phase is not Phase.RUNNING or not deciding.condition(entry.node).is_ready:
        return None
    if entry.node == ask.node:
        return "done: already there"
    obstacle = deciding.placement.obstacle(wish, ask.node)
    if obstacle is not None:
        return f"refused: {ask.node}: {obstacle}"
    group = deciding.placement.together.get(ask.guest, frozenset((ask.guest,)))
    for guest in group & deciding.entries.keys():
        shunned = _liked_better(deciding, guest, ask.node)
        entry = deciding.entries[guest]
        deciding.entries[guest] = entry._replace(shunned=shunned, failed=(), restarts=0, moves=0)
    moves.move_group(deciding, sorted(group), ask.node, ask.verb == ASK_MIGRATE)
    return ACCEPTED


def _liked_better(deciding: Deciding, guest: str, node: str) -> tuple[str, ...]:
    """Return the servers that a guest prefers to where its operator wants it: his word counts."""
    wish = deciding.view.wishes.guests.get(guest)
    rank = wish.tier_of(node) if wish is not None else None
    if wish is None or rank is None:
        return ()
    ranks = {name: wish.tier_of(name) for name in deciding.view.nodes}
    return tuple(name for name, each in ranks.items() if each is not None and each < rank)
