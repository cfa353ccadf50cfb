"""Random schedules hold every invariant; a breach prints the file that replays it.

Half of them are always the same, half are new in each run: the seed is in the test's output.
OVS_SCHEDULES sets how many in all, OVS_SEED repeats the new ones.
"""

from __future__ import annotations

import os
import secrets
import sys

import pytest

from ovstools.ha.sim.answer import run_random

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("OVS_SCHEDULES", "2000"))
FRESH = os.environ.get("OVS_SEED") or secrets.token_hex(4)
SIZES = (((3, 8), (1, 50)), ((3, 5), (1, 15)))


@pytest.mark.parametrize("sizes", SIZES, ids=["large", "small"])
@pytest.mark.parametrize("seed", ["ovstools", FRESH], ids=["fixed", "fresh"])
def test_no_schedule_breaches_an_invariant(
    seed: str,
    sizes: tuple[tuple[int, int], tuple[int, int]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with capsys.disabled():
        sys.stderr.write(f"random schedules, seed {seed}: OVS_SEED={seed} repeats them\n")
    found = run_random(COUNT // 4, seed, *sizes)
    assert found.status == 0, "\n".join(found.lines)
