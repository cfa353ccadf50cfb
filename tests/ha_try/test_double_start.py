"""Two servers that are both told to start the same guests, at once, fifty times."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ovstools.model.owner_record import GuestState, OwnerRecord, format_record
from tests.ha_try import rival
from tests.ha_try.pool import LIMIT_S, Pool

pytestmark = pytest.mark.slow

ONE, TWO = "vmserver1", "vmserver2"
GUESTS = 50
SOURCES = Path(rival.__file__).parents[2]


def compete(pool: Pool, node: str) -> subprocess.Popen[str]:
    path = os.pathsep.join((str(SOURCES / "src"), str(SOURCES)))
    words = [sys.executable, rival.__file__, str(pool.trial.folder), node]
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )


def test_each_guest_is_started_once(pool: Pool) -> None:
    pool.wait(lambda: len(pool.orders().boots) == 3, "all servers are ready")
    for node in pool.trial.nodes:
        pool.signal_agent(node, signal.SIGSTOP)
    names = [f"guest{number:02}" for number in range(1, GUESTS + 1)]
    for number, name in enumerate(names):
        record = OwnerRecord(name, ONE, 0, "boot", "life", GuestState.STOPPED, sequence=number)
        (pool.trial.pool / "locks" / f"guest-{name}").write_bytes(format_record(record))
        pool.add(name, ONE, ["/bin/sleep", "1000"])
    rivals = [compete(pool, node) for node in (ONE, TWO)]
    try:
        said = [each.communicate(timeout=LIMIT_S)[0].splitlines() for each in rivals]
        won = [
            {number for number, status, *_ in map(str.split, lines) if status == "done"}
            for lines in said
        ]
        assert len(won[0]) + len(won[1]) == GUESTS, (said, "each guest was started once")
        assert not won[0] & won[1]
        alive = {name: len(pool.processes_of(name)) for name in names}
        assert alive == dict.fromkeys(names, 1)
    finally:
        for name in names:
            for pid in pool.processes_of(name):
                os.kill(pid, signal.SIGKILL)
