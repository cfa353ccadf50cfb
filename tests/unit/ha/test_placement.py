"""Where guests go: a table of rooms, preferences and rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ovstools.ha.failures import pause_s
from ovstools.ha.placement import Placement
from ovstools.ha.report import Report
from ovstools.ha.wishes import APART, COUNT, STARTED, TOGETHER, Policy, Rule, Wish, Wishes


def wish(name: str, *tiers: str, mem_mb: int = 1000, strict: bool = False) -> Wish:
    """Return a guest; tiers: servers by letter, `ab` is one tier."""
    ranked = tuple(frozenset(tier) for tier in tiers)
    return Wish(name, "a", STARTED, ranked, strict, mem_mb=mem_mb)


def placement(
    located: Mapping[str, str],
    guests: tuple[Wish, ...] = (),
    rules: tuple[Rule, ...] = (),
    mem_mb: tuple[int, int, int] = (8000, 8000, 8000),
    reserve_mb: int = 0,
    policy: str = "free-memory",
) -> Placement:
    """Return servers a, b and c."""
    known = {each.name: each for each in guests}
    for name in located:
        known.setdefault(name, wish(name))
    ready = {
        name: (number, Report(name, "1", True, True, mem_mb=mem, reserve_mb=reserve_mb))
        for number, (name, mem) in enumerate(zip("abc", mem_mb))
    }
    wishes = Wishes(Policy(placement=policy), known, rules)
    return Placement(wishes, ready, located.items())


G = wish("g")
STORED = wish("g")._replace(repository="A")
BIG = wish("g", mem_mb=7500)


@pytest.mark.parametrize(
    ("made", "guest", "expected"),
    [
        (placement({}), G, "a"),
        (placement({"x": "a"}), G, "b"),
        (placement({}, mem_mb=(8000, 9000, 8500)), G, "b"),
        (placement({}, mem_mb=(500, 600, 700)), G, None),
        (placement({}, reserve_mb=7500), G, None),
        (placement({}, reserve_mb=7000), G, "a"),
        (placement({"x": "a", "y": "b"}), BIG, "c"),
        (placement({"x": "a"}, mem_mb=(90000, 8000, 8000), policy=COUNT), G, "b"),
        (placement({}), wish("g", "c"), "c"),
        (placement({"x": "c"}), wish("g", "c"), "c"),
        (placement({}, mem_mb=(8000, 8000, 500)), wish("g", "c"), "a"),
        (placement({}, mem_mb=(8000, 8000, 500)), wish("g", "c", strict=True), None),
        (placement({}, mem_mb=(8000, 8000, 500)), wish("g", "c", "b"), "b"),
    ],
)
def test_choose(made: Placement, guest: Wish, expected: str | None) -> None:
    assert made.choose(guest) == expected


def test_the_first_server_wins_within_its_tier_only() -> None:
    assert placement({"x": "b"}).choose(G, first="b") == "b"
    assert placement({}).choose(wish("g", "c"), first="b") == "c"
    stays = wish("g", "c")._replace(failback=False)
    assert placement({}).choose(stays, first="b") == "b"


def test_avoided_servers_are_not_chosen() -> None:
    assert placement({}).choose(G, avoid=("a", "b")) == "c"
    assert placement({}).choose(G, avoid=("a", "b", "c")) is None


def test_apart_is_strict() -> None:
    rule = Rule(APART, frozenset({"g", "x", "y", "z"}))
    assert placement({"x": "a", "y": "b"}, (G,), (rule,)).choose(G) == "c"
    assert placement({"x": "a", "y": "b", "z": "c"}, (G,), (rule,)).choose(G) is None


def test_together_goes_where_the_others_are_or_fits_as_a_whole() -> None:
    rule = Rule(TOGETHER, frozenset({"g", "x"}))
    assert placement({"x": "c"}, (G,), (rule,)).choose(G) == "c"
    assert placement({"x": "c"}, (BIG,), (rule,)).choose(BIG) is None
    large = wish("x", mem_mb=7500)
    made = placement({}, (G, large), (rule,), mem_mb=(8000, 9000, 8000))
    assert made.choose(G) == "b"


def test_a_spread_group_meets_where_all_of_it_may_be_and_most_of_it_is() -> None:
    rule = Rule(TOGETHER, frozenset({"g", "x", "y"}))
    fixed = wish("g", "b", "bc", strict=True)
    spread = {"g": "b", "x": "a", "y": "a"}
    assert placement(spread, (G,), (rule,)).meeting_place(G) == "a"
    assert placement(spread, (fixed,), (rule,)).meeting_place(fixed) == "b"
    other = wish("x", "ac", strict=True)
    assert placement(spread, (fixed, other), (rule,)).meeting_place(fixed) == "c"
    alone = wish("x", "a", strict=True)
    assert placement(spread, (fixed, alone), (rule,)).meeting_place(fixed) is None
    gathered = {"g": "c", "x": "c", "y": "c"}
    assert placement(gathered, (fixed,), (rule,)).meeting_place(fixed) is None
    assert placement({"g": "a"}, (G,)).meeting_place(G) is None


def test_chained_rules_make_one_group() -> None:
    rules = (Rule(TOGETHER, frozenset({"a", "b"})), Rule(TOGETHER, frozenset({"b", "c"})))
    groups = Wishes(rules=rules).together
    assert groups["a"] == groups["c"] == frozenset({"a", "b", "c"})


def test_taking_away_gives_the_room_back() -> None:
    made = placement({"x": "a"})
    made.take_away("x")
    assert made.choose(G) == "a"


@pytest.mark.parametrize(
    ("guest", "values", "expected"),
    [
        (wish("g"), {}, None),
        (STORED, {}, None),
        (STORED, {"repositories": frozenset({"A"})}, None),
        (STORED, {"repositories": frozenset({"B"})}, "repository A is not mounted"),
        (wish("g"), {"repositories": frozenset[str]()}, None),
        (wish("g"), {"lacking": {"g": "/OVS/x.img"}}, "/OVS/x.img is missing"),
        (wish("g"), {"lacking": {"h": "/OVS/x.img"}}, None),
        (wish("g", mem_mb=9000), {}, "no room for 9000 MB"),
        (wish("g", "b", strict=True), {}, "g may not run there: policy manual"),
    ],
)
def test_obstacles(guest: Wish, values: dict[str, Any], expected: str | None) -> None:
    report = Report("a", "1", True, True, mem_mb=8000, **values)
    made = Placement(Wishes(guests={"g": guest}), {"a": (0, report)}, ())
    assert made.obstacle(guest, "a") == expected
    assert made.obstacle(guest, "b") == "not online"


def test_a_group_needs_the_repositories_of_all() -> None:
    rule = Rule(TOGETHER, frozenset({"g", "x"}))
    guests = {"g": G, "x": STORED._replace(name="x")}
    report = Report("a", "1", True, True, repositories=frozenset())
    made = Placement(Wishes(guests=guests, rules=(rule,)), {"a": (0, report)}, ())
    assert made.obstacle(G, "a") == "repository A is not mounted"


def test_why_a_guest_goes_nowhere() -> None:
    made = placement({"x": "a"}, mem_mb=(8000, 500, 600))
    made.put("y", "a")
    big = wish("g", mem_mb=9000)
    assert made.why_nowhere(big) == "a, b, c: no room for 9000 MB"
    assert made.why_nowhere(G, ("a",)) == "a: failed there; b, c: no room for 1000 MB"
    assert Placement(Wishes(), {}, ()).why_nowhere(G) == "no server is online"
    rule = Rule(TOGETHER, frozenset({"g", "x"}))
    made = placement({"x": "a"}, (G,), (rule,))
    text = "a: failed there; b, c: the guests it must be with are elsewhere"
    assert made.why_nowhere(G, ("a",)) == text


def test_pauses_grow_to_a_limit() -> None:
    assert [pause_s(count) for count in (1, 2, 3, 9)] == [5.0, 10.0, 20.0, 300.0]
