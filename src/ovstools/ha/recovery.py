"""The master's transitions of a guest whose server is lost, leaves, or is yet to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import after, life
from .orders import START, Entry, Phase
from .report import REBOOT, Report
from .view import Condition
from .wishes import CONDITIONAL, FREEZE, MIGRATE, STARTED, Wish

if TYPE_CHECKING:
    from .master import Deciding


#: for the other servers' agents to report, once the pool file system goes on
AFTER_RECOVERY_S = 5.0


def freezes(policy: str, leaving: str | None) -> bool:
    """Tell whether guests wait for a server that shuts down in this way."""
    return policy == FREEZE or (policy == CONDITIONAL and leaving == REBOOT)


def has_left_cleanly(report: Report | None, wish: Wish, entry: Entry) -> bool:
    """Tell whether a server's last word was that it shuts down, with the guest stopped."""
    return (
        report is not None
        and report.leaving is not None
        and report.boot == entry.boot
        and wish.name not in report.guests
    )


def stopped_by_leaving(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Freeze or recover a guest that was stopped because its server shuts down."""
    report = deciding.node(entry.node).report
    if wish.state != STARTED:
        return entry._replace(phase=Phase.OFF, order=None)
    if report is not None and freezes(deciding.policy.shutdown, report.leaving):
        deciding.say("frozen", wish.name, f"until {entry.node} is back")
        return entry._replace(phase=Phase.FROZEN, order=None, target=None)
    back_to = entry.node if deciding.policy.shutdown == MIGRATE else None
    return entry._replace(phase=Phase.WAITING, order=None, target=None, back_to=back_to)


def lost(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Wait for proof that the server is dead, or for its return."""
    here = deciding.whereabouts.get(wish.name)
    if here is not None:
        return life.found_running(deciding, entry, here)
    node = deciding.node(entry.node)
    if node.condition is Condition.DEAD:
        if wish.state != STARTED:
            return entry._replace(phase=Phase.OFF, order=None, target=None)
        # Where it may be is another question now than when a server was given up, or left
        return entry._replace(phase=Phase.WAITING, order=None, shunned=())
    if node.condition.is_ready and node.report is not None:
        local = node.report.guests.get(wish.name)
        if local is not None and (local.locked or local.power.is_here):
            return entry
        if wish.state != STARTED:
            return entry._replace(phase=Phase.OFF, order=None, target=None)
        return entry._replace(phase=Phase.WAITING, order=None, target=entry.target or node.name)
    return entry


def _others_will_report(deciding: Deciding, wish: Wish, entry: Entry) -> bool:
    """Tell whether a guest of a dead server should wait for servers that are silent.

    For the time of a recovery the pool file system stands still for everybody, and who writes to
    it first afterwards becomes or stays the master: the others would get no guests.
    """
    if deciding.condition(entry.node) is not Condition.DEAD:
        return False
    is_silent = any(each.condition is Condition.SILENT for each in deciding.view.nodes.values())
    return is_silent and not deciding.is_older(wish.name, AFTER_RECOVERY_S)


def waiting(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Find a server and order the start there."""
    here = deciding.whereabouts.get(wish.name)
    if here is not None:
        return life.found_running(deciding, entry, here)
    if wish.state != STARTED:
        return entry._replace(phase=Phase.OFF, order=None, target=None)
    is_new = entry.moves and deciding.newly_dead  # it may be this proof that was lacking
    if entry.wait_s and not is_new and not deciding.is_older(wish.name, entry.wait_s):
        return entry
    if wish.name in deciding.arrivals:
        return entry  # a server has it without our lock: adopted or a finding, never doubled
    if _others_will_report(deciding, wish, entry):
        return entry
    held_back = after.hold_back(deciding, wish, entry)
    if held_back is not None:
        return held_back
    placement = deciding.placement
    node = placement.choose(wish, (*entry.failed, *entry.shunned), entry.target)
    if node is None and entry.shunned:
        node = placement.choose(wish, (), entry.target)
    if node is None:
        return entry._replace(wait_s=0.0, reason=placement.why_nowhere(wish, entry.failed))
    if deciding.starts.get(node, 0) >= deciding.policy.max_starts:
        return entry._replace(wait_s=0.0, reason=f"{node} is starting others")
    deciding.starts[node] = deciding.starts.get(node, 0) + 1
    after.say_ignored(deciding, wish)
    return entry._replace(
        phase=Phase.STARTING, node=node, order=deciding.order(START, node), target=None,
        wait_s=0.0, boot=None, reason="",
    )  # fmt: skip


def frozen(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Wait for the server's next boot, or until freeze_max is over."""
    here = deciding.whereabouts.get(wish.name)
    if here is not None:
        return life.found_running(deciding, entry, here)
    if wish.state != STARTED:
        return entry._replace(phase=Phase.OFF)
    node = deciding.node(entry.node)
    is_back = node.report is not None and node.report.boot != entry.boot
    if node.condition in (Condition.ONLINE, Condition.MAINTENANCE) and is_back:
        return entry._replace(phase=Phase.WAITING, target=entry.node)
    limit = deciding.policy.freeze_max_s
    if limit is not None and deciding.is_older(wish.name, limit):
        deciding.say("thawed", wish.name, f"{entry.node} is not back after {limit:.0f} s")
        return entry._replace(phase=Phase.LOST)
    return entry
