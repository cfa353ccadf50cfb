"""What a guest's state means to its operator: one word, the reason, and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .orders import SETTLED_WITHOUT_LOCK, Entry, Phase
from .placement import NO_ROOM
from .report import Local, Power
from .switches import is_frozen, is_ignoring
from .view import Condition, NodeView
from .wishes import IGNORED, STARTED, Policy, Wish

RUNNING, WAITING, ERROR, STUCK, PAUSED = "running", "waiting", "error", "stuck", "paused"
UNLOCKED = "unlocked"
FROZEN, SILENT, OFF = "frozen", "silent", "off"
STARTING, STOPPING, MIGRATING = "starting", "stopping", "migrating"
STATES = (RUNNING, WAITING, ERROR, STUCK, PAUSED, UNLOCKED, FROZEN, SILENT, OFF, IGNORED,
          STARTING, STOPPING, MIGRATING)  # fmt: skip
_BUSY = {Phase.STARTING: STARTING, Phase.STOPPING: STOPPING, Phase.MIGRATING: MIGRATING}
#: phases in which a guest has, or may have, a copy on its server
_PLACED = {Phase.RUNNING, *_BUSY}
TURN_ON = "`ovstools pool ha on`"


class Explained(NamedTuple):
    """A guest's state for people; reason and way_out are empty where nothing is to be said."""

    state: str
    reason: str = ""
    way_out: str = ""


def explain(
    entry: Entry | None, wish: Wish, policy: Policy, nodes: Mapping[str, NodeView]
) -> Explained:
    """Explain one guest; nodes: the servers as view.look() or what_if.conditions() judge them."""
    if is_ignoring(policy):
        return Explained(IGNORED, "HA is off for the pool, and guests are ignored", TURN_ON)
    if wish.state == IGNORED:
        return Explained(IGNORED, "HA is off for this guest", f"`ovstools vm start {wish.name}`")
    if entry is None:
        return _undecided(wish, policy)
    node = nodes.get(entry.node)
    unlocked = unlocked_on(entry, wish.name, nodes)
    if unlocked is not None:
        found = _unlocked(wish, unlocked)
    elif entry.phase in _PLACED:
        found = _placed(entry, wish, node)
    elif entry.phase is Phase.LOST:
        found = _lost(entry, node)
    else:
        found = _apart(entry, wish)
    return _with_ha_off(found) if is_frozen(policy) else found


def unlocked_on(entry: Entry, guest: str, nodes: Mapping[str, NodeView]) -> NodeView | None:
    """Return the server that has a copy which no order touches: without its lock (rules 1, 9)."""
    if entry.phase not in SETTLED_WITHOUT_LOCK:
        return None
    for node in nodes.values():
        local = node.report.guests.get(guest) if node.report is not None else None
        if local is None or local.locked or node.condition.is_gone:
            continue
        if local.power.is_here and local.power is not Power.MOVING:
            return node
    return None


def _unlocked(wish: Wish, node: NodeView) -> Explained:
    assert node.report is not None
    local, name = node.report.guests[wish.name], node.name
    if local.power is Power.PAUSED:
        reason = f"suspended on {name}: it is there without its lock, and may be elsewhere"
        way_out = (
            f"`ovstools vm history {wish.name}` has the finding; `virsh destroy` there ends it"
        )
        return Explained(PAUSED, reason, way_out)
    reason = f"it runs on {name} without its lock; its agent adopts it, and no order touches it"
    way_out = f"if it stays so, on {name}: `systemctl status ovs-locks ovs-agent`"
    return Explained(UNLOCKED, reason, way_out)


def _undecided(wish: Wish, policy: Policy) -> Explained:
    if wish.state != STARTED:
        return Explained(OFF, f"its file says {wish.state}")
    if is_frozen(policy):
        return Explained(FROZEN, "HA is off for the pool", TURN_ON)
    return Explained(WAITING, "no master has decided on it yet", "`ovstools status`")


def _placed(entry: Entry, wish: Wish, node: NodeView | None) -> Explained:
    if node is None or node.condition.is_gone:
        return _lost(entry, node)
    if node.condition is Condition.SILENT:
        return Explained(
            SILENT,
            f"{node.name} is live, but its agent does not report: the guest counts as running",
            f"on {node.name}: `systemctl status ovs-agent`, and `ovs-cluster-check`",
        )
    local = node.report.guests.get(wish.name) if node.report is not None else None
    if local is not None and local.power.is_here:
        odd = _odd(entry, wish, node, local)
        if odd is not None:
            return odd
    if entry.phase in _BUSY:
        to = f" to {entry.target}" if entry.target and entry.target != entry.node else ""
        return Explained(_BUSY[entry.phase], f"on {entry.node}{to}")
    return Explained(RUNNING, entry.reason)


def _odd(entry: Entry, wish: Wish, node: NodeView, local: Local) -> Explained | None:
    """Explain a copy in memory that does not simply run."""
    name = node.name
    if local.power is Power.STUCK:
        reason = f"paused on an I/O error on {name}; it is resumed as its storage answers"
        way_out = f"mend its storage (full, or away?); `ovstools vm stop {wish.name}` gives it up"
        return Explained(PAUSED, reason, way_out)
    if local.power is Power.MOVING and entry.phase is Phase.RUNNING:
        reason = f"its memory is on its way to or from {name}, by nobody's order"
        return Explained(PAUSED, reason, f"on {name}: `virsh domjobinfo {wish.name}`")
    if local.power is Power.PAUSED and entry.phase is Phase.RUNNING:
        return Explained(
            PAUSED, f"suspended on {name}", f"on {name}: resume it as it was suspended"
        )
    mounted = node.report.repositories if node.report is not None else None
    if wish.repository and mounted is not None and wish.repository not in mounted:
        reason = f"repository {wish.repository} is not mounted on {name}, where it runs"
        return Explained(STUCK, reason, f"on {name}: `ovstools repositories start`")
    return None


def _lost(entry: Entry, node: NodeView | None) -> Explained:
    if node is None:
        reason = f"its server {entry.node} has left cluster.conf, and its death is not proven"
        return Explained(WAITING, reason, f"add {entry.node} again, and start it")
    if node.condition is Condition.LOST:
        reason = f"{entry.node} is not live; its node lock, the proof of its death, is awaited"
        way_out = f"by itself, when {entry.node} is back or proven dead: `ovstools status`"
        return Explained(WAITING, reason, way_out)
    if node.condition is Condition.DEAD:
        return Explained(WAITING, f"{entry.node} is dead; the next decision starts it elsewhere")
    reason = f"{entry.node} is {node.condition.value} again, and has not said what became of it"
    return Explained(WAITING, reason, f"on {entry.node}: `systemctl status ovs-agent`")


def _apart(entry: Entry, wish: Wish) -> Explained:
    """Explain a guest that is nowhere."""
    start = f"`ovstools vm start {wish.name}`"
    if entry.phase is Phase.ERROR:
        if wish.mark is not None:
            text = f"when that is over, remove the mark `{wish.mark.kind}` from its file, then "
            return Explained(ERROR, entry.reason, text + start)
        return Explained(ERROR, entry.reason, f"mend it, then {start}")
    if entry.phase is Phase.FROZEN:
        reason = f"it waits for {entry.node} to come back"
        return Explained(FROZEN, reason, f"start {entry.node}, or {start} for another server")
    if entry.phase is Phase.WAITING:
        if not entry.reason:
            return Explained(WAITING, "its start is about to be ordered")
        return Explained(WAITING, entry.reason, _until_then(wish, entry.reason))
    if wish.state != STARTED:
        return Explained(OFF, f"its file says {wish.state}")
    if entry.halted:
        return Explained(OFF, entry.reason, start)
    return Explained(WAITING, "its start is about to be decided")


def _until_then(wish: Wish, reason: str) -> str:
    if NO_ROOM not in reason:
        return f"it is tried again by itself; `ovstools vm history {wish.name}` has what happened"
    less = f"`ovstools vm set {wish.name} mem_mb=N` if it needs less than {wish.mem_mb} MiB"
    return f"it starts by itself when there is room; {less}"


def _with_ha_off(found: Explained) -> Explained:
    """Say that nothing will be done about it."""
    reason = f"HA is off for the pool; {found.reason}".rstrip("; ")
    if found.state in (WAITING, FROZEN):
        return Explained(FROZEN, reason, TURN_ON)
    return Explained(found.state, reason, found.way_out or TURN_ON)
