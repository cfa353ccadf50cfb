"""What the real agent costs and how fast it reacts: servers that are processes on this machine.

Our own share of a failover (from the later of the last lock granted and the first successful read
of the pool file system to the start command issued) and the agent's load with idle guests.
"""

# ruff: noqa: T201 - answers go to stdout

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from ovstools.ha.forms.event import Event
from tests.ha_try.pool import Pool

GUESTS = 20
LOAD_S = 30.0
LIMIT_SHARE_S, LIMIT_CPU, LIMIT_MB = 1.0, 1.0, 60.0
ONE, TWO, THREE = "vmserver1", "vmserver2", "vmserver3"
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


def load(pool: Pool, node: str) -> tuple[float, float]:
    """Return an agent's share of one core in percent, its children's too, and its MB."""
    agent = pool.agent(node)
    before = ticks(agent)
    time.sleep(LOAD_S)  # what is measured is time that passes
    used = (ticks(agent) - before) / os.sysconf("SC_CLK_TCK")
    pages = int(Path(f"/proc/{agent}/statm").read_text().split()[1])
    return 100 * used / LOAD_S, pages * PAGE_MB


def ticks(agent: int) -> int:
    """Return what an agent and its children have used of processors, in clock ticks."""
    used = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if agent in (int(name), int(words[1])):
                used += sum(map(int, words[11:13] if int(name) != agent else words[11:15]))
    return used


def share(events: list[Event], guest: str) -> float:
    """Return our own share of the last start of a guest, in seconds; one clock for all servers."""
    ordered = [e for e in events if e.event == "ordered" and e.guest == guest][-1]
    started = [e for e in events if e.event == "started" and e.guest == guest][-1]
    begin = ordered.time_s - ordered.parts["order"]
    return started.time_s - started.parts["start"] - begin


def main() -> None:
    """Measure and print."""
    pool = Pool(Path(tempfile.mkdtemp(prefix="ovs-try-", dir="/tmp")))
    names = [f"guest{number:02}" for number in range(GUESTS)]
    try:
        for name in names:
            pool.add(name, ONE, ["/bin/sleep", "100000"], preferred_servers=[ONE])
        for name in names:
            pool.settled(name, ONE)
        cpu, memory = load(pool, ONE)
        print(f"agent with {GUESTS} idle guests: {cpu:.2f} % of a core, {memory:.0f} MB; "
              f"at most {LIMIT_CPU:g} % and {LIMIT_MB:g} MB: "
              f"{'ok' if cpu <= LIMIT_CPU and memory <= LIMIT_MB else 'over'}")  # fmt: skip
        pool.power_off(ONE)
        for name in names:
            pool.settled(name, TWO, THREE)
        pool.wait(
            lambda: sum(e.event == "started" for e in pool.events()) == 2 * GUESTS, "all events"
        )
        first = sorted(share(pool.events(), name) for name in names)
        print(f"our share of the failover of {GUESTS} guests: {first[0]:.2f} s for the first, "
              f"{statistics.median(first):.2f} s in the median, {first[-1]:.2f} s for the last; "
              f"at most {LIMIT_SHARE_S:g} s: {'ok' if first[0] <= LIMIT_SHARE_S else 'over'}"
              )  # fmt: skip
    finally:
        pool.stop()


if __name__ == "__main__":
    main()
