"""The master's moves of running guests: a migration whose source is lost."""

from __future__ import annotations

import pytest

from ovstools.ha.orders import MIGRATE, Entry, Order, Phase
from ovstools.ha.report import POWER_OFF, Local, Power, Report
from ovstools.ha.view import Condition
from ovstools.ha.wishes import APART, TOGETHER, Rule

from .pools import decided, report, running, view, wish

MOVING = Entry(
    Phase.MIGRATING, "a", boot="a-1", home="a", target="b", order=Order((1, 1), MIGRATE, "a", "b")
)


@pytest.mark.parametrize(
    ("power", "phase"),
    [
        (Power.MOVING, Phase.MIGRATING),
        (Power.PAUSED, Phase.MIGRATING),
        (Power.CRASHED, Phase.LOST),
        (Power.MIGRATED, Phase.LOST),
        (None, Phase.LOST),
    ],
)
def test_the_target_counts_while_it_has_a_copy(power: Power | None, phase: Phase) -> None:
    """What it still says of an earlier copy must not keep the guest off for ever."""
    here = {} if power is None else {"g": Local(power, False)}
    target = Report("b", "b-1", True, True, here, mem_mb=8000)
    found = view(
        (wish("g"),), {"g": MOVING}, reports={"b": target}, conditions={"a": Condition.LOST}
    )
    orders, _ = decided(found)
    assert orders.entries["g"].phase is phase


@pytest.mark.parametrize(
    ("local", "phase"),
    [
        (Local(Power.RUNNING, True), Phase.RUNNING),
        (Local(Power.DESTROYED, True), Phase.RUNNING),
        (Local(Power.DESTROYED, False), Phase.STARTING),
        (None, Phase.STARTING),
    ],
)
def test_a_guest_of_a_server_that_shuts_down_starts_when_its_lock_is_gone(
    local: Local | None, phase: Phase
) -> None:
    """Refused starts count as failed moves: after three it would not fail back."""
    leaving = report("b", {} if local is None else {"g": local}, leaving=POWER_OFF)
    found = view(
        (wish("g"),),
        {"g": running("b")},
        reports={"b": leaving},
        conditions={"b": Condition.LEAVING},
    )
    orders, _ = decided(found)
    entry = orders.entries["g"]
    assert entry.phase is phase and (phase is Phase.RUNNING or entry.node != "b")


PAIR = Rule(TOGETHER, frozenset("gh"))
RIVALS = Rule(APART, frozenset("gr"))


@pytest.mark.parametrize(
    ("allowed", "rules", "targets"),
    [
        ({"g": "b"}, (PAIR,), {"g": "b", "h": "b"}),
        ({"r": "a"}, (RIVALS,), {"g": "b"}),
        ({"g": "a"}, (RIVALS,), {"r": "b"}),
        ({"g": "a", "r": "a"}, (RIVALS,), {}),
        ({"r": "a"}, (RIVALS, PAIR), {"g": "b", "h": "b"}),
        ({"h": "a", "r": "a"}, (RIVALS, PAIR), {}),
    ],
)
def test_strict_wishes_that_guests_on_one_server_breach(
    allowed: dict[str, str], rules: tuple[Rule, ...], targets: dict[str, str]
) -> None:
    """Who can be elsewhere leaves; those who must be with it go along."""
    guests = tuple(
        wish(name, tiers=(frozenset(allowed[name]),), strict=True) if name in allowed
        else wish(name)
        for name in "ghr"
    )  # fmt: skip
    orders, _ = decided(view(guests, {name: running("a") for name in "ghr"}, rules=rules))
    moving = {guest: entry.target for guest, entry in orders.entries.items() if entry.target}
    assert moving == targets
