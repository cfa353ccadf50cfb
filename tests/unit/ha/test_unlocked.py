"""Guests in memory whose lock is not ours: no order touches them, and none stays down for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from ovstools.ha import actions as act
from ovstools.ha import certifying, jobs, node, transfers
from ovstools.ha.agent import Agent
from ovstools.ha.certificate import Lacking
from ovstools.ha.leftovers import LOOK_AGAIN_S, Leftovers, settle
from ovstools.ha.orders import MIGRATE, STOP, Entry, Order, Orders, Phase
from ovstools.ha.report import REFUSED, Local, Power, Seen
from ovstools.ha.view import Condition
from ovstools.ha.work import Steps
from ovstools.model.owner_record import GuestState, OwnerRecord

from .pools import decided, report, view, waiting, wish
from .test_node import FakeAgent

OURS = OwnerRecord("g", "a", 0, "a-1", "life", GuestState.RUNNING)
THEIRS = OwnerRecord("g", "b", 1, "b-1", "life", GuestState.RUNNING)
OFF = replace(OURS, state=GuestState.STOPPED)


def done(steps: Steps, **results: Any) -> tuple[list[str], Any]:
    """Carry a job out; results by the action's name: ok, or the value of what went well."""
    said, sent, names = [], None, []
    try:
        while True:
            action = next(steps) if sent is None else steps.send(sent)
            name = type(action).__name__
            names.append(name)
            said = results.get(name, True)
            sent = act.Result(1, said is not False and not isinstance(said, str), said)
    except StopIteration as ended:
        return names, ended.value


def agent(power: Power | None, is_kept: bool = False) -> Any:
    """Return what a job sees of its agent, with server b beside it."""
    found: Any = FakeAgent(power, is_kept)
    found.identity = replace(found.identity, numbers={"a": 0, "b": 1})
    files = replace(found.seen.files, reports={"b": Seen(report("b"), 9, 0.0, True)})
    found.seen = replace(found.seen, files=files, live=frozenset({0, 1}))
    return found


@pytest.mark.parametrize(
    ("verb", "power"),
    [(STOP, Power.RUNNING), (STOP, Power.PAUSED), (MIGRATE, Power.RUNNING)],
)
def test_no_order_is_carried_out(verb: str, power: Power) -> None:
    order = Order((1, 1), verb, "a", "b")
    job = jobs.stop if verb == STOP else transfers.migrate
    names, answer = done(job(agent(power), "g", order))
    assert names == [] and answer.status == REFUSED and "without its lock" in answer.text


@pytest.mark.parametrize(
    ("lock", "kept", "touched"),
    [
        (OURS, True, ["TakeLock", "PutToKeeper", "WriteRecord"]),
        (OFF, True, ["TakeLock", "PutToKeeper", "WriteRecord"]),
        (THEIRS, True, ["TakeLock", "ReleaseLock", "SuspendGuest"]),
        (act.HELD, True, ["TakeLock", "SuspendGuest"]),
        ("no answer within 92 s", True, ["TakeLock", "Wait"]),
        (OURS, False, ["TakeLock", "PutToKeeper", "ReleaseLock", "Wait"]),
    ],
)
def test_adopted_or_suspended(lock: Any, kept: bool, touched: list[str]) -> None:
    """Only another's lock, or another server that may have it, suspends what runs here."""
    names, _ = done(transfers.adopt(agent(Power.RUNNING), "g"), TakeLock=lock, PutToKeeper=kept)
    assert names == touched


@pytest.mark.parametrize(
    ("power", "by_hand", "reason"),
    [
        (Power.MOVING, False, "g is on b, without a lock"),  # it may have arrived since
        (Power.MOVING, True, ""),  # refused over there, for we have the lock
        (Power.RUNNING, True, "g is on b, without a lock"),
    ],
)
def test_an_incomplete_copy_elsewhere_holds_up_agents_alone(
    power: Power, by_hand: bool, reason: str
) -> None:
    found = agent(None)
    other = Seen(report("b", {"g": Local(power, False)}), 9, 0.0, True)
    found.seen = replace(found.seen, files=replace(found.seen.files, reports={"b": other}))
    _, proof = done(cast(Steps, certifying.certified(found, "g", OFF, by_hand=by_hand)))
    assert (proof.reason if isinstance(proof, Lacking) else "") == reason


@pytest.mark.parametrize(
    ("before", "power", "lock", "touched"),
    [
        (OURS, None, OURS, ["ReadRecord", "TakeLock", "WriteRecord", "ReleaseLock"]),
        (OURS, Power.CRASHED, OURS, ["ReadRecord", "TakeLock", "WriteRecord", "ReleaseLock"]),
        (OURS, Power.RUNNING, OURS, ["ReadRecord", "TakeLock", "ReleaseLock"]),
        (OURS, None, OFF, ["ReadRecord", "TakeLock", "ReleaseLock"]),
        (OURS, None, act.HELD, ["ReadRecord", "TakeLock"]),
        (THEIRS, None, THEIRS, ["ReadRecord"]),
        (OFF, None, OFF, ["ReadRecord"]),
        (replace(OURS, state=GuestState.MIGRATING, target="c"), None,
         replace(OURS, state=GuestState.MIGRATING, target="c"),
         ["ReadRecord", "TakeLock", "ReleaseLock"]),
    ],
)  # fmt: skip
def test_what_is_not_here_is_said_to_be_off(
    before: Any, power: Power | None, lock: Any, touched: list[str]
) -> None:
    found = agent(power)
    found.seen = replace(found.seen, now=100.0)  # the certificate of what may come has no time
    names, _ = done(patient(found, settle(found, "g")), ReadRecord=before, TakeLock=lock)
    assert [name for name in names if name != "Wait"] == touched


def patient(found: Any, steps: Steps) -> Steps:
    """Let the time of each pause pass."""
    sent = None
    while True:
        try:
            action = next(steps) if sent is None else steps.send(sent)
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
        if isinstance(action, act.Wait):
            found.seen = replace(found.seen, now=found.seen.now + action.seconds)
        sent = yield action


def test_a_record_is_looked_at_when_it_may_hold_a_guest_up_and_not_all_the_time() -> None:
    found = agent(None)
    found.leftovers = Leftovers(cast(Agent, found))
    refused = Entry(Phase.WAITING, "b", moves=1, wait_s=5.0, reason="a is live")
    found.orders = Orders(entries={"g": refused})
    node.look_after(found)
    assert found.jobs.pop("g").verb == "settle"
    node.look_after(found)
    assert not found.jobs
    found.seen = replace(found.seen, now=LOOK_AGAIN_S)
    node.look_after(found)
    assert found.jobs.pop("g").verb == "settle"


@pytest.mark.parametrize(
    ("known", "moves", "phase"),
    [((), 1, Phase.STARTING), (("a",), 1, Phase.WAITING), ((), 0, Phase.WAITING)],
)
def test_a_death_ends_the_pause_after_a_refusal(
    known: tuple[str, ...], moves: int, phase: Phase
) -> None:
    """And no pause after a failure, which is no matter of proof."""
    entry = waiting("b", moves=moves, wait_s=300.0, reason="a is live")
    seen = view((wish("g"),), {"g": entry}, conditions={"a": Condition.DEAD})
    orders = replace(seen.orders, node_locks=frozenset(known))
    found, _ = decided(replace(seen, orders=orders))
    assert found.entries["g"].phase is phase


@pytest.mark.parametrize(
    ("entry", "is_there", "begins"),
    [
        (Entry(Phase.WAITING, "b"), False, False),  # a failover, most likely: it must be quick
        (Entry(Phase.WAITING, "b"), True, True),
        (Entry(Phase.STARTING, "b", moves=1), False, False),
        (Entry(Phase.RUNNING, "b", moves=1), False, False),
    ],
)
def test_not_for_every_guest(entry: Entry, is_there: bool, begins: bool) -> None:
    found = agent(None)
    if is_there:
        other = Seen(report("b", {"g": Local(Power.PAUSED, False)}), 9, 0.0, True)
        found.seen = replace(found.seen, files=replace(found.seen.files, reports={"b": other}))
    assert (Leftovers(cast(Agent, found)).attempt("g", entry) is not None) is begins
