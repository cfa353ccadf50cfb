"""How often an agent looks."""

from __future__ import annotations

import pytest

from ovstools.ha.driver.place import Pace


@pytest.mark.parametrize(
    ("is_busy", "took_s", "rest_s"),
    [
        (False, 0.0, 0.5),
        (False, 9.0, 0.5),
        (True, 0.0, 0.1),
        (True, 0.03, 0.1),
        (True, 0.1, 0.3),
        (True, 0.3, 0.5),
        (True, 60.0, 0.5),
    ],
)
def test_a_slow_look_is_followed_by_a_rest(is_busy: bool, took_s: float, rest_s: float) -> None:
    assert Pace(idle_s=0.5, busy_s=0.1).rest_s(is_busy, took_s) == pytest.approx(rest_s)
