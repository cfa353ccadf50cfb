"""The master's transitions of a guest's ordinary life: off, starting, running, stopping, error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import moves, recovery
from .failures import cleared, pause_s
from .orders import STOP, Entry, Phase
from .report import DONE, FAILED, REFUSED, Local, Power
from .view import Condition, NodeView
from .wishes import DISABLED, RESTART, STARTED, STOPPED, Wish

if TYPE_CHECKING:
    from .master import Deciding

#: pause after an order that a server refused, by how often it did so
REFUSED_PAUSE_S = 5.0
WENT = "moved by hand to another server"


def off(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Leave it off, re-home it, or start it as its operator wants."""
    here = deciding.whereabouts.get(wish.name)
    if here is not None:
        return found_running(deciding, entry, here)
    if entry.home != wish.home:
        return entry._replace(home=wish.home, node=wish.home)
    if wish.state != STARTED:
        entry = cleared(entry)._replace(halted=False, back_to=None, shunned=())
        is_dead = deciding.condition(entry.node) is Condition.DEAD
        if wish.state == STOPPED and (is_dead or deciding.has_left(entry.node)):
            node = deciding.placement.choose(wish)
            if node is not None:
                deciding.say("rehomed", wish.name, f"from {entry.node} to {node}")
                return entry._replace(node=node)
        return entry
    if deciding.rules.stays_off(entry):
        return entry
    is_lost = deciding.condition(entry.node) is Condition.LOST
    # nobody waits for one that has left; the certificate asks the owner record, as ever
    if is_lost and not deciding.has_left(entry.node):
        return entry._replace(phase=Phase.LOST, reason=f"{entry.node} is not live")
    return entry._replace(phase=Phase.WAITING, target=entry.node)


def found_running(deciding: Deciding, entry: Entry, node: str) -> Entry:
    """Take a guest as it is found: running, with our lock."""
    report = deciding.node(node).report
    return entry._replace(
        phase=Phase.RUNNING, node=node, order=None, target=None,
        boot=report.boot if report else None, reason="", wait_s=0.0, overdue=(),
    )  # fmt: skip


def starting(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Wait for the answer to a start."""
    node = deciding.node(entry.node)
    if node.condition.is_gone:
        return entry._replace(phase=Phase.LOST, order=None, target=None)
    answer = node.report.answers.get(entry.order.id) if node.report and entry.order else None
    if answer is None or not node.condition.is_ready or node.report is None:
        return entry
    if answer.status == DONE:
        _started(deciding, entry)
        if entry.back_to == entry.node:
            entry = entry._replace(back_to=None)
        return entry._replace(
            phase=Phase.RUNNING, order=None, target=None, boot=node.report.boot, wait_s=0.0,
            overdue=(),
        )  # fmt: skip
    if answer.status == FAILED:
        _started(deciding, entry)
        return deciding.rules.after_failure(entry, wish, answer.text)
    if answer.status == REFUSED:
        _started(deciding, entry)
        moves_ = min(entry.moves + 1, 7)
        return entry._replace(
            phase=Phase.WAITING, order=None, wait_s=pause_s(moves_), moves=moves_,
            reason=answer.text,
        )  # fmt: skip
    return entry


def _started(deciding: Deciding, entry: Entry) -> None:
    deciding.starts[entry.node] = max(0, deciding.starts.get(entry.node, 0) - 1)


def running(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Compare a guest that should run with what its server reports."""
    node = deciding.node(entry.node)
    elsewhere = deciding.whereabouts.get(wish.name, node.name)
    if elsewhere != node.name:  # there can be one lock only, whatever an old report says
        return found_running(deciding, entry, elsewhere)
    if node.condition.is_gone:
        if recovery.has_left_cleanly(node.report, wish, entry):
            return recovery.stopped_by_leaving(deciding, wish, entry)
        deciding.say("lost", wish.name, f"{node.name} is not live")
        return entry._replace(phase=Phase.LOST, reason=f"{node.name} is not live")
    if not node.condition.is_ready or node.report is None:
        return entry
    local = node.report.guests.get(wish.name)
    if local is not None and local.power.is_here:
        return _is_here(deciding, wish, entry, local)
    if node.condition is Condition.LEAVING:
        if local is not None and local.locked:
            return entry  # not released yet: a start elsewhere would be refused, again and again
        return recovery.stopped_by_leaving(deciding, wish, entry)
    if node.report.boot != entry.boot:
        deciding.say("lost", wish.name, f"{node.name} has booted anew")
        return entry._replace(phase=Phase.WAITING, target=node.name, order=None)
    return _is_gone(deciding, wish, entry, node, local)


def _is_here(deciding: Deciding, wish: Wish, entry: Entry, local: Local) -> Entry:
    if not local.locked:
        return entry  # being adopted, or a finding: never touched by an order
    if entry.boot is None:
        report = deciding.node(entry.node).report
        entry = entry._replace(boot=report.boot if report else None)
    if wish.state in (STOPPED, DISABLED):
        return entry._replace(phase=Phase.STOPPING, order=deciding.order(STOP, entry.node))
    moved = moves.better(deciding, wish, entry)
    if moved is not entry:
        return moved
    if (entry.restarts or entry.failed) and deciding.is_older(wish.name, deciding.policy.stable_s):
        return cleared(entry)._replace(moves=entry.moves)
    return entry


def _is_gone(
    deciding: Deciding, wish: Wish, entry: Entry, node: NodeView, local: Local | None
) -> Entry:
    power = local.power if local else Power.CRASHED
    if power is Power.MIGRATED:
        return _went_elsewhere(deciding, wish, entry)
    if local is not None and local.locked:
        return entry  # its agent has not released it yet
    if power is Power.SHUT_DOWN and wish.on_shutdown == RESTART and wish.state == STARTED:
        return _start_again(deciding, wish, entry)
    if power in (Power.SHUT_DOWN, Power.DESTROYED):
        deciding.say("stopped by a person", wish.name, power.value)
        return entry._replace(phase=Phase.OFF, halted=True, reason=f"{power.value} on {node.name}")
    if wish.state != STARTED:
        return entry._replace(phase=Phase.OFF, order=None)
    deciding.say("crashed", wish.name, f"on {node.name}")
    return deciding.rules.after_failure(entry, wish, "crashed")


def _start_again(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Start a guest again that was shut down from inside, which counts as no failure.

    But one that was started only just now has failed: else one that shuts itself down whenever
    it starts would be started for ever.
    """
    if deciding.age(wish.name) < deciding.policy.stable_s:
        text = "shut down from inside soon after its start"
        deciding.say("crashed", wish.name, f"{text}, on {entry.node}")
        return deciding.rules.after_failure(entry, wish, text)
    deciding.say("shut down from inside", wish.name, "started again")
    return entry._replace(phase=Phase.WAITING, target=entry.node, order=None)


def _went_elsewhere(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Wait for the server where it went by hand to report it, or to be lost."""
    if entry.reason != WENT:
        return entry._replace(reason=WENT)
    if wish.name in deciding.arrivals or not deciding.is_older(wish.name, moves.ARRIVAL_S):
        return entry
    return entry._replace(phase=Phase.WAITING, target=None, order=None, reason="")


def stopping(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Wait for the answer to a stop; then off, or to be started at the target."""
    node = deciding.node(entry.node)
    if node.condition.is_gone:
        return entry._replace(phase=Phase.LOST, order=None)
    if not node.condition.is_ready or node.report is None or entry.order is None:
        return entry
    answer = node.report.answers.get(entry.order.id)
    if answer is None:
        return entry
    if answer.status == FAILED:
        return entry._replace(phase=Phase.ERROR, order=None, target=None, reason=answer.text)
    if answer.status == REFUSED:
        return entry._replace(phase=Phase.RUNNING, order=None, target=None)
    if answer.status != DONE:
        return entry
    if wish.state != STARTED:
        home = entry.target or entry.node
        return entry._replace(phase=Phase.OFF, order=None, target=None, node=home)
    return entry._replace(phase=Phase.WAITING, order=None, target=entry.target or entry.node)


def error(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Stay until the operator wants it off; a fresh start begins there."""
    if wish.state not in (STOPPED, DISABLED):
        return entry
    here = deciding.whereabouts.get(wish.name)
    if here is not None and not entry.halted:
        return entry._replace(
            phase=Phase.STOPPING, node=here, order=deciding.order(STOP, here), halted=True
        )
    if here is not None:
        return entry
    return cleared(entry)._replace(phase=Phase.OFF)


def ignored(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Look afresh at a guest that is ours again."""
    if wish.state == "ignored":
        return entry
    here = deciding.whereabouts.get(wish.name)
    if here is not None:
        return found_running(deciding, entry, here)
    if entry.halted or deciding.condition(entry.node).is_ready:
        return entry._replace(phase=Phase.OFF)
    return entry._replace(phase=Phase.LOST)
