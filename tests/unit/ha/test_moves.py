"""The master's moves of running guests: a migration whose source is lost."""

from __future__ import annotations

import pytest

from ovstools.ha.orders import MIGRATE, Entry, Order, Phase
from ovstools.ha.report import Local, Power, Report
from ovstools.ha.view import Condition

from .pools import decided, view, wish

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
