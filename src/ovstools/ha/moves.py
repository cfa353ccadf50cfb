"""The master's moves of running guests: leaving a server, rules, failback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import life
from .failures import pause_s
from .orders import MIGRATE, STOP, Entry, Phase
from .report import DONE, FAILED, REFUSED
from .view import Condition
from .wishes import CONTAINER, VM, Wish
from .wishes import MIGRATE as MIGRATE_POLICY

if TYPE_CHECKING:
    from .master import Deciding

#: failed live migrations after which a guest that must move is stopped and started
LIVE_TRIES = 2
#: failed moves after which a mere preference is given up
PREFERENCE_TRIES = 3
#: how long a guest that has left may take to appear at the other end
ARRIVAL_S = 60.0


def move_group(deciding: Deciding, group: list[str], target: str, may_be_live: bool) -> None:
    """Move running guests that belong together, all at once."""
    for guest in group:
        entry = deciding.entries.get(guest)
        wish = deciding.view.wishes.guests.get(guest)
        if entry is None or wish is None or entry.phase is not Phase.RUNNING:
            continue
        if guest in deciding.arrivals:
            continue  # without its lock: adopted first
        if entry.node != target and deciding.condition(entry.node).is_ready:
            is_live = may_be_live and wish.kind == VM
            entry = _move(deciding, entry._replace(back_to=None), target, is_live)
            deciding.entries[guest] = entry
            deciding.placement.put(guest, target)


def _move(deciding: Deciding, entry: Entry, target: str, is_live: bool) -> Entry:
    if is_live:
        order = deciding.order(MIGRATE, entry.node, target)
        return entry._replace(phase=Phase.MIGRATING, target=target, order=order)
    order = deciding.order(STOP, entry.node)
    return entry._replace(phase=Phase.STOPPING, target=target, order=order)


def better(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Return the entry with a move begun, or the entry itself when it may stay."""
    if entry.wait_s and not deciding.is_older(wish.name, entry.wait_s):
        return entry
    if wish.mark is not None:
        return entry  # its file is being written: it could not start elsewhere
    found = _required(deciding, wish, entry)
    is_required = found is not None
    if found is None and wish.failback and entry.moves < PREFERENCE_TRIES:
        found = _preferred(deciding, wish, entry)
    if found is None or found == entry.node:
        return _arrived(deciding, entry)
    if not is_required and wish.name in deciding.placement.together:
        move_group(deciding, sorted(deciding.placement.together[wish.name]), found, True)
        return deciding.entries[wish.name]
    is_live = wish.kind != CONTAINER and not (is_required and entry.moves >= LIVE_TRIES)
    if entry.back_to is None and _evacuates(deciding, entry.node):
        entry = entry._replace(back_to=entry.node)
    return _move(deciding, entry, found, is_live)


def _arrived(deciding: Deciding, entry: Entry) -> Entry:
    if entry.back_to == entry.node and deciding.condition(entry.node) is Condition.ONLINE:
        return entry._replace(back_to=None)
    return entry


def _evacuates(deciding: Deciding, node: str) -> bool:
    condition = deciding.condition(node)
    if condition is Condition.LEAVING:
        return deciding.policy.shutdown == MIGRATE_POLICY
    return condition is Condition.MAINTENANCE


def _required(deciding: Deciding, wish: Wish, entry: Entry) -> str | None:
    """Return where the guest must go, if it must and can."""
    placement = deciding.placement
    if _evacuates(deciding, entry.node):
        return placement.choose(wish, (entry.node,))
    if deciding.condition(entry.node) is not Condition.ONLINE:
        return None
    if wish.tier_of(entry.node) is None:
        return placement.choose(wish, (entry.node,), None, is_anchored=False)
    meeting = placement.meeting_place(wish)
    if meeting is not None and meeting != entry.node:
        return meeting
    for other in placement.apart.get(wish.name, ()):
        if placement.located.get(other) == entry.node and _yields(deciding, wish, entry, other):
            return placement.choose(wish, (entry.node,), None, is_anchored=False)
    return None


def _yields(deciding: Deciding, wish: Wish, entry: Entry, other: str) -> bool:
    """Of two guests that must be apart, the one with less priority goes, then the later name.

    The other way round when that one has no other place.
    """
    rival = deciding.view.wishes.guests.get(other)
    if rival is None or (-wish.priority, wish.name) > (-rival.priority, rival.name):
        return True
    return deciding.placement.choose(rival, (entry.node,), None, is_anchored=False) is None


def _preferred(deciding: Deciding, wish: Wish, entry: Entry) -> str | None:
    """Return where the guest would rather be: where it came from, or a better tier."""
    if deciding.condition(entry.node) is not Condition.ONLINE:
        return None
    placement = deciding.placement
    if not _leads(deciding, wish):
        return None
    rank = wish.tier_of(entry.node)
    if entry.back_to is None and not (wish.tiers and rank):
        return None
    group = placement.together.get(wish.name, frozenset((wish.name,)))
    known = group & deciding.entries.keys()
    members = [deciding.entries[guest] for guest in known]
    located = [deciding.entries[guest] for guest in known & placement.located.keys()]
    if any(each.phase is not Phase.RUNNING for each in located):
        return None  # it would stay behind, and the others would be called back to it
    avoid = {node for each in members for node in (*each.shunned, *each.failed)}
    back_to = entry.back_to
    if back_to is not None and deciding.condition(back_to) is Condition.ONLINE:
        back_rank = wish.tier_of(back_to)
        is_as_good = back_rank is not None and rank is not None and back_rank <= rank
        if is_as_good and back_to not in avoid and placement.fits(wish, back_to):
            return back_to
    if wish.tiers and rank is not None and rank > 0:
        best = placement.choose(wish, avoid, None, is_anchored=False)
        if best is not None and (wish.tier_of(best) or 0) < rank:
            return best
    return None


def _leads(deciding: Deciding, wish: Wish) -> bool:
    """Of a group, one guest's preference counts, or those that differ would never settle."""
    group = deciding.placement.together.get(wish.name)
    wishes = deciding.view.wishes.guests
    members = [wishes[guest] for guest in group or () if guest in wishes]
    ranked = sorted(members, key=lambda each: (not each.tiers, -each.priority, each.name))
    return not ranked or ranked[0].name == wish.name


def migrating(deciding: Deciding, wish: Wish, entry: Entry) -> Entry:
    """Wait until the guest is resumed at the other end, or the migration has failed."""
    target = entry.target or entry.node
    here = deciding.whereabouts.get(wish.name)
    if here == target:
        deciding.say("migrated", wish.name, f"from {entry.node} to {target}")
        back_to = None if entry.back_to == target else entry.back_to
        return life.found_running(deciding, entry, target)._replace(back_to=back_to, moves=0)
    source = deciding.node(entry.node)
    if source.condition.is_gone:
        report = deciding.node(target).report
        local = report.guests.get(wish.name) if report is not None else None
        if local is not None and local.power.is_here:
            return entry  # it arrives, and is taken over there or ended
        return entry._replace(phase=Phase.LOST, order=None)
    if not source.condition.is_ready or source.report is None or entry.order is None:
        return entry
    if source.report.boot != entry.boot:
        return entry._replace(phase=Phase.LOST, order=None)  # its server booted anew meanwhile
    answer = source.report.answers.get(entry.order.id)
    if answer is None:
        return entry
    if answer.status == DONE:
        if deciding.condition(target).is_gone or deciding.is_older(wish.name, ARRIVAL_S):
            return entry._replace(phase=Phase.LOST, node=target, target=None, order=None)
        return entry
    if answer.status in (FAILED, REFUSED):
        deciding.say("migration failed", wish.name, answer.text)
        return entry._replace(
            phase=Phase.RUNNING, target=None, order=None, moves=entry.moves + 1,
            wait_s=pause_s(entry.moves + 1), reason=answer.text,
        )  # fmt: skip
    return entry
