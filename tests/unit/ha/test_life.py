"""The master's transitions of a guest that is off."""

from __future__ import annotations

import pytest

from ovstools.ha.orders import Entry, Phase
from ovstools.ha.wishes import STARTED, STOPPED

from .pools import decided, view, wish


@pytest.mark.parametrize("entry", [None, Entry(Phase.OFF, "z", home="z")])
@pytest.mark.parametrize(("state", "phase"), [(STARTED, Phase.STARTING), (STOPPED, Phase.OFF)])
def test_a_guest_of_a_server_that_has_left_belongs_to_the_others(
    entry: Entry | None, state: str, phase: Phase
) -> None:
    """Nothing would ever prove that server dead; what is known of it is in the owner record."""
    guest = wish("g", home="z", state=state)
    orders, _ = decided(view((guest,), {"g": entry} if entry else {}))
    found = orders.entries["g"]
    assert found.phase is phase and found.node in "abc"


def test_a_guest_that_ran_there_waits() -> None:
    lost = Entry(Phase.LOST, "z", home="z", boot="z-1")
    orders, _ = decided(view((wish("g", home="z"),), {"g": lost}))
    assert orders.entries["g"] == lost
