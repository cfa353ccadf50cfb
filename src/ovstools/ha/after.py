"""Guests that come first: what a guest waits for, which probes tell, and cycles.

`after` is an order and no requirement: what is wanted off, stopped by a person, ignored, unknown
or in error is not waited for, and a timeout starts the later guest anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from .orders import Entry, Phase
from .view import Condition
from .wishes import STARTED, WAIT_STARTED, After, Wish, Wishes

if TYPE_CHECKING:
    from .master import Deciding

#: how a reason begins while a guest waits for another one
STARTS_AFTER = "starts after"
NOT_WAITED_FOR = "not waited for"
_STARTED = {Phase.RUNNING, Phase.MIGRATING}


class Probe(NamedTuple):
    """One question to a guest, asked on the server where it runs; as text it names the answer.

    wait: agent (a ping of the guest's agent) or tcp:HOST:PORT (a connection is accepted).
    """

    guest: str
    wait: str

    def __str__(self) -> str:
        return f"{self.guest} {self.wait}"


def probes(wishes: Wishes, here: Collection[str]) -> tuple[Probe, ...]:
    """Return what the agent of a server asks the guests that run there, again and again.

    Not only while somebody waits: a failover must not wait for the first answer.
    """
    asked = {
        Probe(after.guest, after.wait)
        for wish in wishes.guests.values()
        if wish.after and wish.state == STARTED
        for after in wish.after
        if after.wait != WAIT_STARTED and after.guest in here
    }
    return tuple(sorted(asked))


def cycles(guests: Mapping[str, Wish]) -> dict[str, frozenset[str]]:
    """Return for each guest on a cycle those of its `after` that wait, in the end, for itself."""
    edges = {
        name: {after.guest for after in wish.after if after.guest in guests}
        for name, wish in guests.items()
        if wish.after
    }
    found = {}
    for guest, others in edges.items():
        closing = frozenset(each for each in others if guest in _reached(each, edges))
        if closing:
            found[guest] = closing
    return found


def _reached(guest: str, edges: Mapping[str, Collection[str]]) -> set[str]:
    """Return all that a guest waits for in the end, and itself."""
    found = {guest}
    waiting = [guest]
    while waiting:
        fresh = set(edges.get(waiting.pop(), ())) - found
        found |= fresh
        waiting += fresh
    return found


def hold_back(deciding: Deciding, wish: Wish, entry: Entry) -> Entry | None:
    """Return the entry as it waits for another guest; None: for nothing any more.

    One by one, in the order of the guest's file: each has its own timeout, which begins when it
    is its turn (and anew under another master).
    """
    for after in wish.after:
        if not _is_awaited(deciding, wish, entry, after):
            continue
        reason = f"{STARTS_AFTER} {after.guest} ({after.wait})"
        if entry.reason != reason:
            return entry._replace(reason=reason, wait_s=0.0)
        if not deciding.is_older(wish.name, after.timeout_s):
            return entry
        text = f"{after.guest} ({after.wait}) took more than {after.timeout_s:g} s: started anyway"
        deciding.say(NOT_WAITED_FOR, wish.name, text)
        return entry._replace(overdue=(*entry.overdue, after.guest), reason="")
    return None


def say_ignored(deciding: Deciding, wish: Wish) -> None:
    """Note, as a guest is started, for which others it should have waited and could not."""
    for after in wish.after:
        other = deciding.entries.get(after.guest)
        if after.guest in deciding.cycles.get(wish.name, ()):
            deciding.say(NOT_WAITED_FOR, wish.name, f"{after.guest} waits for it: a cycle")
        elif after.guest not in deciding.view.wishes.guests:
            deciding.say(NOT_WAITED_FOR, wish.name, f"there is no guest {after.guest} under HA")
        elif other is not None and other.phase is Phase.ERROR:
            deciding.say(NOT_WAITED_FOR, wish.name, f"{after.guest} is in error")


def _is_awaited(deciding: Deciding, wish: Wish, entry: Entry, after: After) -> bool:
    if after.guest in entry.overdue or after.guest in deciding.cycles.get(wish.name, ()):
        return False
    other_wish = deciding.view.wishes.guests.get(after.guest)
    if other_wish is None or other_wish.state != STARTED:
        return False
    other = deciding.entries.get(after.guest)
    if other is None:
        return True  # decided on in this cycle for the first time
    if other.phase is Phase.ERROR or other.halted:
        return False
    if other.phase not in _STARTED or not _is_there(deciding, after.guest, other):
        return True
    return after.wait != WAIT_STARTED and not _answers(deciding, other, after)


def _is_there(deciding: Deciding, guest: str, other: Entry) -> bool:
    """Tell whether a server reports it; what was decided before a cold start is not enough.

    A silent server's guests count as running.
    """
    is_reported = guest in deciding.whereabouts or guest in deciding.arrivals
    return is_reported or deciding.condition(other.node) is Condition.SILENT


def _answers(deciding: Deciding, other: Entry, after: After) -> bool:
    probe = str(Probe(after.guest, after.wait))
    nodes = [deciding.node(name) for name in (other.node, other.target) if name is not None]
    reports = [node.report for node in nodes if node.condition.is_ready]
    return any(report is not None and probe in report.answering for report in reports)
