"""Each safety rule, broken on purpose, is noticed within 1,000 random schedules."""

from __future__ import annotations

import pytest

from ovstools.ha.rules import Rules
from ovstools.ha.sim.run import run
from ovstools.ha.sim.schedules import parsed, schedule

from .mutants import MUTANTS

pytestmark = pytest.mark.slow

SCHEDULES = 1000
#: the invariants by which a broken rule may show
EXPECTED = {
    "StartsWithoutLock": {"I1"},
    "KeepsLocksItself": {"I7"},
    "CertifiesBlindly": {"I2"},
    "ObeysAnybody": {"I3", "I8"},
    "DecidesWithoutLock": {"I3"},
    "Repeats": {"I8"},
    "ActsBlindly": {"I9"},
    "KnowsBetter": {"I10"},
    "ForgetsWhoHalted": {"I10"},
    "NeverGivesUp": {"I6"},
    "ResumesUnlocked": {"I1"},
    "TakesUnknownForAbsent": {"I7", "I1"},
    "StartsWithoutNodeLock": {"I2"},
    "PullsTheFloorAway": {"I4"},
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_broken_rule_is_noticed(mutant: type[Rules]) -> None:
    for index in range(SCHEDULES):
        outcome = run(parsed(schedule("mutants", index, (3, 5), (1, 12))), mutant())
        found = {text.split(": ")[1] for text in outcome.breaches}
        if found & EXPECTED[mutant.__name__]:
            return
    pytest.fail(f"{mutant.__name__}: {SCHEDULES} schedules without the breach")
