"""Random schedules: faults, agents killed and hung, operator's words, all mixed."""

from __future__ import annotations

import random
from typing import Any

from .parse import parse_scenario
from .scenario import Scenario

MOST_COMMANDS = 14
REPOSITORIES = ("A", "B")
STATES = ("started", "started", "started", "started", "started", "stopped", "disabled", "ignored")
#: command -> how often it is drawn
WEIGHTS = {
    "power-off": 10, "power-on": 14, "net-off": 6, "net-on": 8, "storage-off": 5, "storage-on": 6,
    "shutdown": 6, "reboot": 8, "restart-daemon": 6, "kill-daemon": 14, "hang-daemon": 8,
    "maintenance-on": 6, "maintenance-off": 7, "set": 14, "migrate": 20, "relocate": 8, "stop": 5,
    "crash": 14, "add": 3, "delete": 2, "lock": 4, "store-fail": 8, "store-ok": 9, "disarm": 3,
    "arm": 5, "manual-move": 4, "load": 3, "start": 6, "halt": 6, "destroy": 2, "io-error": 5,
    "io-ok": 5, "repository-off": 2, "repository-on": 3, "master": 7,
}  # fmt: skip
INTERRUPTED = {
    "migrate", "relocate", "set", "stop", "maintenance-on", "power-off", "crash", "add", "master",
    "start",
}  # fmt: skip
INTERRUPTIONS = (
    "kill-daemon",
    "kill-daemon",
    "restart-daemon",
    "power-off",
    "store-fail",
    "net-off",
)
#: after this time the master is writing the order that follows from a command
AS_WRITTEN_S = 0.53
_GAPS = (0.0, 0.3, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 10.0, 20.0, 45.0, 61.0, 70.0, 120.0, 300.0)


def schedule(
    seed: str, index: int, nodes: tuple[int, int] = (3, 8), guests: tuple[int, int] = (1, 50)
) -> dict[str, Any]:
    """Return one scenario as its file would say it; equal arguments give equal scenarios."""
    rng = random.Random(f"{seed}/{index}/{nodes}/{guests}")
    names = [f"node{n}" for n in range(1, rng.randint(*nodes) + 1)]
    made = {f"vm{n}": _guest(rng, names) for n in range(1, rng.randint(*guests) + 1)}
    _order(rng, made)
    scenario: dict[str, Any] = {
        "name": f"random {seed}/{index}",
        "nodes": {name: _size(rng) for name in names},
        "policy": {
            "shutdown": rng.choice(["conditional", "conditional", "freeze", "failover", "migrate"]),
            "placement": rng.choice(["free-memory", "count"]),
        },
        "timing": {"threshold": rng.choice([7, 16, 31, 31])},
        "guests": made,
        "rules": _rules(rng, list(made), len(names)),
        "timeline": _timeline(rng, names, list(made)),
        "seed": rng.randrange(10**6),
    }
    if rng.random() < 0.2:
        scenario["initial"] = {"powered": rng.sample(names, rng.randint(1, len(names)))}
    return scenario


def parsed(scenario: dict[str, Any]) -> Scenario:
    """Read a schedule as if it came from a file."""
    return parse_scenario(scenario, str(scenario["name"]))


def _size(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.9:
        return {}
    return {"repositories": rng.sample(REPOSITORIES, rng.randint(0, 2))}


def _guest(rng: random.Random, nodes: list[str]) -> dict[str, Any]:
    guest: dict[str, Any] = {"node": rng.choice(nodes), "state": rng.choice(STATES)}
    if rng.random() < 0.25:
        first = rng.sample(nodes, rng.randint(1, min(2, len(nodes))))
        guest["prefer"] = [first]
        guest["strict"] = rng.random() < 0.4
        guest["failback"] = rng.random() < 0.7
    if rng.random() < 0.2:
        guest["kind"] = "ct"
    if rng.random() < 0.2:
        guest["priority"] = rng.choice([1, 50, 200])
    if rng.random() < 0.2:
        guest["needs"] = {"cpu": rng.choice([1, 2, 4]), "mem_mb": rng.choice([256, 1024, 4096])}
    if rng.random() < 0.15:
        guest["fault"] = rng.choice(
            [{"start_fails": 1}, {"start_fails": 3}, {"migrate_fails": 1}, {"migrate_fails": 4},
             {"stop_fails": True}, {"cannot_start": True}, {"only_on": rng.choice(nodes)}]
        )  # fmt: skip
    if rng.random() < 0.1:
        guest["max_restart"] = rng.choice([0, 3])
        guest["max_relocate"] = rng.choice([0, 2])
    if rng.random() < 0.15:
        guest["on_shutdown"] = "restart"
    if rng.random() < 0.1:
        guest["repository"] = rng.choice(REPOSITORIES)
    return guest


def _order(rng: random.Random, guests: dict[str, dict[str, Any]]) -> None:
    """Let some guests start after others; circles may be among them."""
    if len(guests) < 2 or rng.random() < 0.5:
        return
    for name in rng.sample(list(guests), min(len(guests), rng.randint(1, 4))):
        others = rng.sample([guest for guest in guests if guest != name], 1)
        guests[name]["after"] = [
            {"guest": other, "wait": rng.choice(["started", "agent"]),
             "timeout": rng.choice([0, 30, 300])}
            for other in others
        ]  # fmt: skip
        if rng.random() < 0.2:
            guests[others[0]].setdefault("fault", {})["never_answers"] = True


def _rules(rng: random.Random, guests: list[str], nodes: int) -> list[dict[str, Any]]:
    rules = []
    if len(guests) >= 2 and rng.random() < 0.3:
        rules.append({"apart": rng.sample(guests, min(len(guests), rng.randint(2, nodes)))})
    if len(guests) >= 5 and rng.random() < 0.3:
        apart = set(rules[0]["apart"]) if rules else set()
        rest = [guest for guest in guests if guest not in apart]
        if len(rest) >= 2:
            rules.append({"together": rng.sample(rest, min(len(rest), rng.randint(2, 3)))})
    return rules


def _timeline(rng: random.Random, nodes: list[str], guests: list[str]) -> list[list[Any]]:
    second = rng.choice([0.0, 30.0, 60.0, 150.0])
    found: list[list[Any]] = []
    names, weights = list(WEIGHTS), list(WEIGHTS.values())
    for number in range(rng.randint(2, MOST_COMMANDS)):
        second = round(second + rng.choice(_GAPS) * rng.uniform(0.8, 1.2), 2)
        name = rng.choices(names, weights)[0]
        found.append([second, " ".join([name, *_words(rng, name, nodes, guests, number)])])
        if name in INTERRUPTED and rng.random() < 0.4:  # in the middle of what it began
            second = round(second + rng.choice((AS_WRITTEN_S, *([rng.uniform(0.3, 12)] * 3))), 2)
            node = rng.choice([nodes[0], rng.choice(nodes)])  # the first is the master at first
            found.append([second, f"{rng.choice(INTERRUPTIONS)} {node}"])
    return found


def _words(
    rng: random.Random, name: str, nodes: list[str], guests: list[str], number: int
) -> list[str]:
    node, guest = rng.choice(nodes), rng.choice(guests)
    if name == "set":
        return [guest, rng.choice(STATES)]
    if name in ("migrate", "relocate", "manual-move"):
        return [guest, node]
    if name == "stop":
        return [guest, rng.choice(["0", "60"])]
    if name in ("crash", "delete", "start", "halt", "destroy", "io-error", "io-ok"):
        return [guest]
    if name.startswith("repository-"):
        return [node, rng.choice(REPOSITORIES)]
    if name == "add":
        return [f"new{number}", node, "started"]
    if name == "lock":
        return [guest, rng.choice(["backup", "create"])]
    if name == "disarm":
        return [rng.choice(["freeze", "ignore"])]
    if name == "arm":
        return []
    if name == "load":
        return [guest, "2", rng.choice(["256", "2048"])]
    return [node]
