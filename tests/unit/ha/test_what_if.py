"""`what-if`: where guests would go, which would wait and why, and how long it would take."""

from __future__ import annotations

from typing import Any

import pytest

from ovstools.ha.orders import Entry, Orders, Phase
from ovstools.ha.view import Condition
from ovstools.ha.what_if import Fate, Pool, conditions, each_server, what_if
from ovstools.ha.wishes import APART, DISABLED, After, Policy, Rule, Wish, Wishes
from ovstools.model.timing import DEFAULT, FAST

from .pools import NAMES, report, running, wish

START_S = 10.0
#: T x 2, the DLM, our reaction, one start
SECONDS = 62 + 5 + 1 + START_S


def pool(
    guests: tuple[Wish, ...], entries: dict[str, Entry], rules: tuple[Rule, ...] = (),
    policy: Policy | None = None, up: str = NAMES, **reports: Any,
) -> Pool:  # fmt: skip
    """Return servers a, b and c with 8000 MB each."""
    wishes = Wishes(policy or Policy(), {each.name: each for each in guests}, rules)
    known = {name: reports.get(name, report(name)) for name in NAMES}
    numbers = {name: number for number, name in enumerate(NAMES)}
    return Pool(wishes, Orders(epoch=3, entries=entries), known, numbers, frozenset(up))


def test_a_guest_goes_where_there_is_most_room() -> None:
    guests = (wish("g"), wish("h", mem_mb=2000))
    found = what_if(pool(guests, {"g": running("a"), "h": running("b")}), ["a"], DEFAULT, START_S)
    assert found.failed == ("a",)
    assert found.fates == (Fate("g", "a", "c", "", SECONDS),)
    assert found.holds


def test_the_seconds_follow_from_the_timing() -> None:
    found = what_if(pool((wish("g"),), {"g": running("a")}), ["a"], FAST, START_S)
    assert found.fates[0].seconds == 32 + 5 + 1 + START_S


def test_starts_on_one_server_are_limited_and_by_priority() -> None:
    guests = tuple(wish(f"g{n}", mem_mb=100, priority=n) for n in range(6))
    seen = pool(
        guests, {g.name: running("a") for g in guests}, policy=Policy(max_starts=2), up="ab"
    )
    found = what_if(seen, ["a"], DEFAULT, START_S)
    assert {fate.node for fate in found.fates} == {"b"}
    later = [(fate.seconds or 0) - SECONDS for fate in found.fates]
    assert later == [2 * START_S, 2 * START_S, START_S, START_S, 0, 0]


def test_who_finds_no_room_waits_and_says_why() -> None:
    guests = (wish("big", mem_mb=7000), wish("b", mem_mb=4000), wish("c", mem_mb=4000))
    entries = {"big": running("a"), "b": running("b"), "c": running("c")}
    found = what_if(pool(guests, entries), ["a"], DEFAULT, START_S)
    assert found.fates == (Fate("big", "a", None, "b, c: no room for 7000 MB"),)
    assert not found.holds


@pytest.mark.parametrize(
    ("guest", "more", "reason"),
    [
        (wish("g", tiers=(frozenset("a"),), strict=True), {}, "g may not run there: policy manual"),
        (wish("g", repository="AA"),
         {"b": report("b", repositories=frozenset()), "c": report("c", lacking={"g": "/x/vm.xml"})},
         "b: repository AA is not mounted; c: /x/vm.xml is missing"),
        (wish("g"), {"rules": (Rule(APART, frozenset("gxy")),)}, "apart from"),
        (wish("g"), {"policy": Policy(ha=False)}, "HA is off for the pool"),
        (wish("g"), {"policy": Policy(maintenance=frozenset("bc"))}, "no server is online"),
        (wish("g"), {"up": "a"}, "no server is online"),
    ],
)  # fmt: skip
def test_why_a_guest_would_wait(guest: Wish, more: dict[str, Any], reason: str) -> None:
    guests = (guest, wish("x"), wish("y"))
    entries = {"g": running("a"), "x": running("b"), "y": running("c")}
    found = what_if(pool(guests, entries, **more), ["a"], DEFAULT, START_S)
    assert [fate.node for fate in found.fates if fate.guest == "g"] == [None]
    assert reason in found.fates[0].reason


def test_guests_that_come_first_come_first() -> None:
    guests = (wish("web", priority=200, after=(After("db", "agent"),)), wish("db"))
    found = what_if(
        pool(guests, {"web": running("a"), "db": running("a")}), ["a"], DEFAULT, START_S
    )
    assert {fate.guest: fate.seconds for fate in found.fates} == {
        "db": SECONDS,
        "web": SECONDS + START_S,
    }


def test_guests_that_are_off_do_not_count() -> None:
    guests = (wish("off", state=DISABLED), wish("g"), wish("waits"))
    entries = {
        "off": Entry(Phase.OFF, "a", home="a"),
        "g": running("b"),
        "waits": Entry(Phase.WAITING, "a", home="a"),
    }
    assert what_if(pool(guests, entries), ["a"], DEFAULT, START_S).fates == ()


def test_several_servers_at_once_and_all_of_them() -> None:
    seen = pool((wish("g"),), {"g": running("a")})
    assert what_if(seen, ["b", "a", "b"], DEFAULT, START_S).fates[0].node == "c"
    found = what_if(seen, NAMES, DEFAULT, START_S)
    assert found.failed == tuple(NAMES)
    assert found.fates == (Fate("g", "a", None, "no server is online"),)


def test_a_guest_under_way_goes_with_its_server() -> None:
    moving = Entry(Phase.MIGRATING, "a", target="b", boot="a-1", home="a")
    assert what_if(pool((wish("g"),), {"g": moving}), ["a"], DEFAULT, START_S).fates[0].node == "b"


def test_each_server_in_turn() -> None:
    guests = (wish("g", mem_mb=5000), wish("h", mem_mb=5000))
    seen = pool(guests, {"g": running("a"), "h": running("b")}, up="ab")
    found = each_server(seen, DEFAULT, START_S)
    assert [(each.failed, each.holds) for each in found] == [(("a",), False), (("b",), False)]
    found = each_server(pool(guests, {"g": running("a"), "h": running("b")}), DEFAULT, START_S)
    assert [each.holds for each in found] == [True, True, True]


def test_conditions() -> None:
    seen = pool(
        (), {}, policy=Policy(maintenance=frozenset("b")), up="ab",
        a=report("a", leaving="reboot"),
    )  # fmt: skip
    assert {name: node.condition for name, node in conditions(seen).items()} == {
        "a": Condition.LEAVING,
        "b": Condition.MAINTENANCE,
        "c": Condition.DEAD,
    }
    assert conditions(pool((), {}, a=report("a", asked=False)))["a"].condition is Condition.JOINING
