"""How long the master decides when a server of a large pool is lost: growth with the guests."""

# ruff: noqa: T201 - answers go to stdout

from __future__ import annotations

import random
import statistics
import time

from ovstools.ha.master import decide
from ovstools.ha.orders import Entry, Orders, Phase
from ovstools.ha.report import Local, Power, Report
from ovstools.ha.rules import Rules
from ovstools.ha.sim.run import run
from ovstools.ha.sim.schedules import parsed, schedule
from ovstools.ha.view import Condition, NodeView, View
from ovstools.ha.wishes import APART, Rule, Wish, Wishes

SERVERS = 32
GUESTS = (10, 100, 1000)
ROUNDS = 7
#: decide plus placement for the loss of any server of 32, with 1,000 guests
LIMIT_S = 0.1
SCHEDULES = 100


def view(guests: int, lost: int) -> View:
    """Return what the master of a pool sees as one server is proven dead."""
    rng = random.Random(guests)
    servers = [f"server{number:02}" for number in range(SERVERS)]
    homes = {f"vm{number:04}": rng.choice(servers) for number in range(guests)}
    wishes = {
        name: Wish(name, home, tiers=(frozenset(rng.sample(servers, 4)),), failback=False,
                   mem_mb=rng.choice([512, 1024, 2048]))
        for name, home in homes.items()
    }  # fmt: skip
    names = list(homes)
    rules = tuple(Rule(APART, frozenset(names[n : n + 2])) for n in range(0, guests, 10))
    nodes = {}
    for number, server in enumerate(servers):
        here = {g: Local(Power.RUNNING, True) for g, home in homes.items() if home == server}
        report = Report(server, "boot", True, True, here, cpu=64, mem_mb=262144, reserve_mb=4096)
        condition = Condition.DEAD if number == lost else Condition.ONLINE
        nodes[server] = NodeView(server, number, condition, report)
    entries = {
        guest: Entry(Phase.RUNNING, home, boot="boot", home=home) for guest, home in homes.items()
    }
    orders = Orders(epoch=3, entries=entries, boots=dict.fromkeys(servers, "boot"))
    since = dict.fromkeys(homes, 0.0)
    return View(1000.0, "server01", 3, Wishes(guests=wishes, rules=rules), orders, nodes, since)


def worst(guests: int) -> float:
    """Return the longest median over the loss of each server, in seconds."""
    found = []
    for lost in range(SERVERS):
        seen = view(guests, lost)
        taken = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            decide(seen, Rules())
            taken.append(time.perf_counter() - start)
        found.append(statistics.median(taken))
    return max(found)


def per_schedule() -> float:
    """Return how long a random schedule of 5 nodes and 20 guests takes, in seconds."""
    scenarios = [parsed(schedule("bench", n, (5, 5), (20, 20))) for n in range(SCHEDULES)]
    start = time.perf_counter()
    for scenario in scenarios:
        run(scenario)
    return (time.perf_counter() - start) / SCHEDULES


def main() -> None:
    """Measure and print."""
    print(f"loss of one of {SERVERS} servers: decide and place, the worst of all servers")
    for guests in GUESTS:
        seconds = worst(guests)
        verdict = f"  at most {1000 * LIMIT_S:.0f} ms: {'ok' if seconds <= LIMIT_S else 'over'}"
        print(f"{guests:6} guests {1000 * seconds:10.2f} ms{verdict if guests == 1000 else ''}")
    print(f"random schedule, 5 nodes, 20 guests {1000 * per_schedule():7.1f} ms, 30 ms is the aim")


if __name__ == "__main__":
    main()
