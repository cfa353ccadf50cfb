"""Requests to the master, from the first answer to the last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ovstools.ha.master import decide_nothing
from ovstools.ha.orders import Entry, Phase
from ovstools.ha.report import Local, Power
from ovstools.ha.view import Condition
from ovstools.ha.wishes import (
    ASK_MASTER,
    ASK_MIGRATE,
    ASK_RELOCATE,
    ASK_START,
    IGNORED,
    STOPPED,
    TOGETHER,
    Ask,
    Rule,
)

from .pools import decided, report, running, view, waiting, wish

TO_B = Ask("1", ASK_MIGRATE, "g", "b")
START = Ask("1", ASK_START, "g")
ERROR = Entry(Phase.ERROR, "a", reason="it burns", failed=("b",), restarts=2)
HALTED = Entry(Phase.OFF, "a", halted=True, home="a", reason="shut-down on a")
FROZEN = Entry(Phase.FROZEN, "a", boot="a-1", home="a")
MANUAL = wish("g", tiers=(frozenset("c"),), strict=True)


@pytest.mark.parametrize(
    ("ask", "guest", "entry", "answer"),
    [
        (TO_B, wish("other"), running(), "refused: no guest g under HA"),
        (TO_B, wish("g"), running(), "accepted"),
        (TO_B, wish("g"), running("b"), "done: already there"),
        (TO_B, wish("g", mem_mb=9000), running(), "refused: b: no room for 9000 MB"),
        (TO_B, MANUAL, running("c"), "refused: g may not run on b: policy manual"),
        (TO_B, wish("g"), ERROR, "refused: g is in error: it burns"),
        (TO_B, wish("g"), FROZEN, "accepted"),
        (TO_B, wish("g"), HALTED, "done: it will start there"),
        (TO_B, wish("g", state=IGNORED), Entry(Phase.IGNORED, "a"), "refused: g is ignored"),
        (TO_B, wish("g"), waiting(reason="", wait_s=99), None),
        (TO_B._replace(node="z"), wish("g"), running(), "refused: z is lost"),
        (TO_B._replace(node=""), wish("g"), running(), "refused: the request names no server"),
        (
            TO_B._replace(verb="clone"), wish("g"), running(),
            "refused: this master knows no request to clone",
        ),
        (TO_B._replace(verb=ASK_RELOCATE), wish("g"), running(), "accepted"),
        (START, wish("g"), HALTED, "accepted"),
        (START, wish("g"), ERROR, "accepted"),
        (START, wish("g"), FROZEN, "accepted"),
        (START, wish("g"), running(), "done: on a"),
        (START, wish("g", state=STOPPED), Entry(Phase.OFF, "a", home="a"),
         "refused: its file says stopped"),
        (Ask("1", ASK_MASTER, "", "b"), wish("g"), running(), None),
    ],
)  # fmt: skip
def test_the_first_answer(ask, guest, entry, answer) -> None:  # type: ignore[no-untyped-def]
    orders, _ = decided(view((guest,), {guest.name: entry}, (ask,)))
    assert orders.answers.get("1") == answer


def test_a_start_clears_what_kept_it_off() -> None:
    orders, _ = decided(view((wish("g"),), {"g": HALTED}, (START._replace(node="b"),)))
    found = orders.entries["g"]
    assert (found.phase, found.node, found.halted) == (Phase.STARTING, "b", False)
    orders, _ = decided(view((wish("g"),), {"g": ERROR}, (START,)))
    found = orders.entries["g"]
    assert (found.phase, found.failed, found.restarts) == (Phase.STARTING, (), 0)


@pytest.mark.parametrize(
    ("ask", "entry", "answer"),
    [
        (TO_B, running("b"), "done: on b"),
        (TO_B, running("a", reason="the migration failed"),
         "failed: g is running on a: the migration failed"),
        (TO_B, ERROR, "failed: g is error: it burns"),
        (TO_B, HALTED, "failed: g is off: shut-down on a"),
        (TO_B, waiting(wait_s=99), "accepted"),
        (START, running("c"), "done: on c"),
        (START, ERROR, "failed: g is error: it burns"),
    ],
)  # fmt: skip
def test_the_last_answer(ask: Ask, entry: Entry, answer: str) -> None:
    orders, _ = decided(view((wish("g"),), {"g": entry}, (ask,), answers={"1": "accepted"}))
    assert orders.answers["1"] == answer


def test_a_guest_that_is_gone_and_answers_that_nobody_waits_for() -> None:
    orders, _ = decided(view((), {}, (TO_B,), answers={"1": "accepted", "0": "done"}))
    assert orders.answers == {"1": "failed: g is no longer under HA"}


@pytest.mark.parametrize("verb", [ASK_MIGRATE, ASK_RELOCATE, ASK_START])
@pytest.mark.parametrize("entry", [running(), waiting(), ERROR, FROZEN])
def test_no_order_touches_a_guest_without_its_lock(verb: str, entry: Entry) -> None:
    there = {"a": report("a", guests={"g": Local(Power.RUNNING, False)})}
    ask = Ask("1", verb, "g", "b" if verb != ASK_START else "")
    orders, _ = decided(view((wish("g"),), {"g": entry}, (ask,), reports=there))
    assert orders.entries["g"].order is None
    assert orders.answers["1"] == (
        "refused: g is on a without its lock: no order touches it (`ovstools vm show g`)"
    )


def test_nor_is_it_moved_with_its_group() -> None:
    guests = (wish("g"), wish("h"))
    there = {"a": report("a", guests={"g": Local(Power.RUNNING, True),
                                      "h": Local(Power.RUNNING, False)})}  # fmt: skip
    seen = view(guests, {"g": running(), "h": running()}, (TO_B,), reports=there)
    wishes = replace(seen.wishes, rules=(Rule(TOGETHER, frozenset("gh")),))
    orders, _ = decided(replace(seen, wishes=wishes))
    assert orders.entries["h"].order is None


@pytest.mark.parametrize(
    ("condition", "phrase"),
    [
        (Condition.SILENT, "silent"),
        (Condition.MAINTENANCE, "in maintenance"),
        (Condition.LEAVING, "shutting down"),
    ],
)
def test_a_server_that_is_not_online_takes_nothing(condition: Condition, phrase: str) -> None:
    seen = view((wish("g"),), {"g": running()}, (TO_B,), conditions={"b": condition})
    orders, _ = decided(seen)
    assert orders.answers["1"] == f"refused: b is {phrase}"


def test_the_repository_must_be_there() -> None:
    guest = wish("g", repository="AA")
    there = {"b": report("b", repositories=frozenset({"BB"}))}
    orders, _ = decided(view((guest,), {"g": running()}, (TO_B,), reports=there))
    assert orders.answers["1"] == "refused: b: repository AA is not mounted"


def test_with_ha_off_requests_are_refused_and_nothing_is_decided() -> None:
    role = Ask("2", ASK_MASTER, "", "b")
    crashed = {"a": report("a", {"g": Power.CRASHED})}
    seen = view((wish("g"),), {"g": running()}, (TO_B, role), reports=crashed)
    orders = decide_nothing(seen)
    assert orders.answers == {"1": "refused: HA is off for the pool (`ovstools pool ha on`)"}
    assert orders == replace(seen.orders, answers=orders.answers, master="a")
