"""What libvirt's states and reasons mean, each that there is."""

from __future__ import annotations

import pytest

from ovstools.ha.hypervisors.domain_power import power_of
from ovstools.ha.report import Power
from ovstools.model.domain import REASONS, STATES, DomainState

PAUSED = {
    "unknown": Power.STUCK,
    "user": Power.PAUSED,
    "migrating": Power.MOVING,
    "saving": Power.RUNNING,
    "dumping": Power.RUNNING,
    "I/O error": Power.STUCK,
    "watchdog": Power.STUCK,
    "from snapshot": Power.PAUSED,
    "shutting down": Power.RUNNING,
    "creating snapshot": Power.RUNNING,
    "crashed": Power.STUCK,
    "starting up": Power.MOVING,
    "post-copy": Power.MOVING,
    "post-copy failed": Power.MOVING,
    "api error": Power.STUCK,
}
SHUT_OFF = {
    "unknown": Power.CRASHED,
    "shutdown": Power.SHUT_DOWN,
    "destroyed": Power.DESTROYED,
    "crashed": Power.CRASHED,
    "migrated": Power.MIGRATED,
    "saved": Power.DESTROYED,
    "failed": Power.CRASHED,
    "from snapshot": Power.DESTROYED,
    "daemon": Power.CRASHED,
}
OTHERS = {
    "no state": Power.STUCK,
    "running": Power.RUNNING,
    "idle": Power.RUNNING,
    "in shutdown": Power.RUNNING,
    "crashed": Power.STUCK,
    "pmsuspended": Power.RUNNING,
}


@pytest.mark.parametrize("reason", REASONS["paused"])
def test_paused(reason: str) -> None:
    assert power_of(DomainState("paused", reason)) is PAUSED[reason]


@pytest.mark.parametrize("reason", REASONS["shut off"])
def test_shut_off(reason: str) -> None:
    assert power_of(DomainState("shut off", reason)) is SHUT_OFF[reason]


@pytest.mark.parametrize("state", [each for each in STATES if each not in REASONS])
def test_other_states(state: str) -> None:
    assert power_of(DomainState(state)) is OTHERS[state]


@pytest.mark.parametrize(
    "state, power",
    [
        (DomainState("unknown"), Power.STUCK),  # of a libvirt that is newer than we are
        (DomainState("paused", "new reason"), Power.STUCK),
        (DomainState("shut off", "new reason"), Power.CRASHED),
    ],
)
def test_what_is_new_is_not_trusted(state: DomainState, power: Power) -> None:
    assert power_of(state) is power
