"""One word, the reason and the way out, for everything that a guest can be; HA's two switches."""

from __future__ import annotations

from typing import Any

import pytest

from ovstools.ha import explain as say
from ovstools.ha.explain import explain
from ovstools.ha.orders import Entry, Phase
from ovstools.ha.report import Local, Power
from ovstools.ha.switches import in_effect, missing_switches
from ovstools.ha.view import Condition
from ovstools.ha.wishes import BACKUP, IGNORE, IGNORED, STOPPED, Mark, Policy, Wish, Wishes

from .pools import nodes, report, running, waiting, wish

G = wish("g")
OFF = Policy(ha=False)
IGNORING = Policy(ha=False, ha_off=IGNORE)
ON = "`ovstools pool ha on`"
START = "`ovstools vm start g`"
HERE = {"a": report("a", {"g": Power.RUNNING}, repositories=frozenset({"BB"}))}


def at(power: Power) -> dict[str, Any]:
    """Return server a's report of the guest."""
    return {"reports": {"a": report("a", {"g": power})}}


def unlocked(power: Power) -> dict[str, Any]:
    """Return server a's report of a guest whose lock it does not have."""
    return {"reports": {"a": report("a", {"g": Local(power, False)})}}


def is_(condition: Condition) -> dict[str, Any]:
    """Return server a in that condition."""
    return {"conditions": {"a": condition}, **at(Power.RUNNING)}


@pytest.mark.parametrize(
    ("entry", "guest", "more", "state", "reason", "way_out"),
    [
        (running(), G, at(Power.RUNNING), say.RUNNING, "", ""),
        (running(reason="the migration failed"), G, at(Power.RUNNING), say.RUNNING, "failed", ""),
        (running(), G, at(Power.STUCK), say.PAUSED, "I/O error on a", "vm stop g"),
        (running(), G, at(Power.MOVING), say.PAUSED, "on its way to or from a", "domjobinfo g"),
        (running(), G, at(Power.PAUSED), say.PAUSED, "suspended on a", "resume"),
        (running(), G, unlocked(Power.RUNNING), say.UNLOCKED, "without its lock", "ovs-locks"),
        (waiting(), G, unlocked(Power.STUCK), say.UNLOCKED, "runs on a", "ovs-agent"),
        (running(), G, unlocked(Power.PAUSED), say.PAUSED, "suspended on a", "vm history g"),
        (running("b"), G, unlocked(Power.MOVING), say.RUNNING, "", ""),
        (Entry(Phase.MIGRATING, "b", target="a"), G, unlocked(Power.PAUSED), say.MIGRATING, "", ""),
        (running("b"), G, {**unlocked(Power.RUNNING), "conditions": {"a": Condition.DEAD}},
         say.RUNNING, "", ""),
        (running(), wish("g", repository="AA"), {"reports": HERE}, say.STUCK, "AA is not mounted",
         "repositories start"),
        (running(), wish("g", repository="BB"), {"reports": HERE}, say.RUNNING, "", ""),
        (running(), G, is_(Condition.SILENT), say.SILENT, "does not report", "ovs-agent"),
        (running(), G, is_(Condition.LOST), say.WAITING, "node lock", "by itself"),
        (running(), G, is_(Condition.DEAD), say.WAITING, "a is dead", ""),
        (running("z"), G, {}, say.WAITING, "left cluster.conf", "add z"),
        (Entry(Phase.LOST, "a"), G, is_(Condition.JOINING), say.WAITING, "joining again", "a"),
        (Entry(Phase.STARTING, "a"), G, {}, say.STARTING, "on a", ""),
        (Entry(Phase.STOPPING, "a"), G, {}, say.STOPPING, "on a", ""),
        (Entry(Phase.MIGRATING, "a", target="b"), G, {}, say.MIGRATING, "on a to b", ""),
        (waiting(reason="a, b: no room for 512 MB"), G, {}, say.WAITING, "no room",
         "`ovstools vm set g mem_mb=N` if it needs less than 1000 MiB"),
        (waiting(reason="a: failed there"), G, {}, say.WAITING, "failed there",
         "vm history g"),
        (Entry(Phase.ERROR, "a", reason="it burns"), G, {}, say.ERROR, "it burns", START),
        (Entry(Phase.ERROR, "a"), wish("g", mark=Mark(BACKUP, "a")), {}, say.ERROR, "", "backup"),
        (Entry(Phase.FROZEN, "a"), G, {}, say.FROZEN, "waits for a", START),
        (Entry(Phase.OFF, "a", halted=True, reason="shut-down on a"), G, {}, say.OFF,
         "shut-down on a", START),
        (Entry(Phase.OFF, "a"), wish("g", state=STOPPED), {}, say.OFF, "stopped", ""),
        (Entry(Phase.IGNORED, "a"), wish("g", state=IGNORED), {}, IGNORED, "this guest", START),
        (None, G, {}, say.WAITING, "no master", "ovstools status"),
        (None, wish("g", state=STOPPED), {}, say.OFF, "stopped", ""),
        (running(), G, {"policy": IGNORING}, IGNORED, "for the pool", ON),
        (waiting(), G, {"policy": OFF}, say.FROZEN, "HA is off", ON),
        (running(), G, {"policy": OFF, **at(Power.RUNNING)}, say.RUNNING, "HA is off", ON),
        (None, G, {"policy": OFF}, say.FROZEN, "HA is off", ON),
    ],
)  # fmt: skip
def test_explain(
    entry: Entry | None, guest: Wish, more: dict[str, Any], state: str, reason: str, way_out: str
) -> None:
    seen = {key: value for key, value in more.items() if key != "policy"}
    found = explain(entry, guest, more.get("policy", Policy()), nodes(**seen))
    assert found.state == state
    assert found.state in say.STATES
    assert reason in found.reason, found
    assert way_out in found.way_out, found
    assert bool(way_out) == bool(found.way_out), found


@pytest.mark.parametrize(
    ("policy", "state", "missing"),
    [
        (Policy(), "started", ()),
        (Policy(), STOPPED, ()),
        (Policy(), IGNORED, ("guest",)),
        (OFF, "started", ("pool",)),
        (IGNORING, IGNORED, ("pool", "guest")),
    ],
)
def test_which_switch_is_missing(policy: Policy, state: str, missing: tuple[str, ...]) -> None:
    assert missing_switches(policy, wish("g", state=state)) == missing


def test_guests_are_ignored_only_when_the_pool_says_so() -> None:
    for policy in (Policy(), OFF):
        wishes = Wishes(policy, {"g": G})
        assert in_effect(wishes) is wishes
    assert in_effect(Wishes(IGNORING, {"g": G})).guests["g"].state == IGNORED
