"""HA's two switches, the pool's and the guest's, and what it means when one is off.

With the pool's switch off decisions stop, and nothing else: locks, the hook and the certificate
hold, and o2cb fences as before. `freeze`: nothing is decided, guests stay as they are. `ignore`:
each guest counts as ignored, and is looked at afresh when HA is on again.
"""

from __future__ import annotations

from dataclasses import replace

from .wishes import IGNORE, IGNORED, Policy, Wish, Wishes

POOL, GUEST = "pool", "guest"


def missing_switches(policy: Policy, wish: Wish) -> tuple[str, ...]:
    """Name the switches that are off; HA is effective for a guest when none is."""
    found = []
    if not policy.ha:
        found.append(POOL)
    if wish.state == IGNORED:
        found.append(GUEST)
    return tuple(found)


def is_frozen(policy: Policy) -> bool:
    """Tell whether nothing is decided."""
    return not policy.ha and policy.ha_off != IGNORE


def is_ignoring(policy: Policy) -> bool:
    """Tell whether every guest counts as ignored."""
    return not policy.ha and policy.ha_off == IGNORE


def in_effect(wishes: Wishes) -> Wishes:
    """Return the wishes as they count now."""
    if not is_ignoring(wishes.policy):
        return wishes
    guests = {name: wish._replace(state=IGNORED) for name, wish in wishes.guests.items()}
    return replace(wishes, guests=guests)
