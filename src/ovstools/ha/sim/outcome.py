"""How a simulation ended, and whether that is what the scenario expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..actions import MASTER, node_lock
from ..after import STARTS_AFTER
from ..orders import Phase
from ..placement import Placement
from ..report import Power, Report
from ..wishes import APART, IGNORED, STARTED
from .scenario import Expected, Scenario
from .server import RUNNING, Server

if TYPE_CHECKING:
    from .world import World

#: longer than any `after` of a random schedule
LONGEST_AFTER_S = 301.0
_STATES = {
    Phase.ERROR: "error",
    Phase.WAITING: "waiting",
    Phase.FROZEN: "frozen",
}


@dataclass(frozen=True)
class Outcome:
    """The answer of one scenario, as JSON shows it."""

    scenario: Scenario
    breaches: tuple[str, ...]
    final: dict[str, dict[str, str | None]]
    nodes: dict[str, str]
    events: list[dict[str, Any]]
    end_s: float
    steps: int

    @property
    def passed(self) -> bool:
        """Tell whether every expectation and every invariant held."""
        return not self.breaches

    def data(self) -> dict[str, Any]:
        """Return what --json prints."""
        return {
            "name": self.scenario.name,
            "passed": self.passed,
            "breaches": list(self.breaches),
            "final": self.final,
            "nodes": self.nodes,
            "events": self.events,
        }


def final_state(world: World, guest: str) -> tuple[str | None, str, set[str]]:
    """Return where a guest is, its state, and the other names by which the state may go."""
    wish = world.store.wishes.guests.get(guest)
    entry = world.store.orders.entries.get(guest)
    host = world.host_of(guest)
    node = host.name if host else entry.node if entry else wish.home if wish else None
    if wish is None or wish.state == IGNORED:
        return node, "unmanaged", {"running" if host else "stopped"}
    other = set() if world.store.wishes.policy.ha else {"frozen", "unmanaged"}
    if entry is not None and entry.phase is Phase.ERROR:
        return node, "error", other
    if host is not None:
        return node, "running", other
    stuck = [each.name for each in world.servers.values() if each.guests.get(guest) is Power.STUCK]
    if stuck:
        return stuck[0], "paused", other
    if wish.state != STARTED:
        return node, "stopped", other
    if entry is not None and entry.phase is Phase.OFF and entry.halted:
        return node, "stopped", other
    if entry is not None and entry.phase in _STATES:
        return node, _STATES[entry.phase], other
    return node, "down", other


def node_state(world: World, server: Server) -> str:
    """Return dead, maintenance or online."""
    if not server.is_up:
        return "dead"
    if server.name in world.store.wishes.policy.maintenance:
        return "maintenance"
    return "online"


def judge(world: World) -> list[str]:
    """Compare the end with what the scenario expects."""
    scenario = world.scenario
    at = f"{world.clock.now:.1f} s: "
    found = []
    for guest, expected in scenario.final.items():
        text = _differs(world, guest, expected)
        if text:
            found.append(at + text)
    for node, state in scenario.final_nodes.items():
        is_state = node_state(world, world.servers[node])
        if is_state != state:
            found.append(f"{at}node {node} is {is_state}, expected {state}")
    master = world.dlm.holder(MASTER)
    if scenario.final_master not in (None, master):
        found.append(f"{at}{master} is the master, expected {scenario.final_master}")
    for text in scenario.must:
        if _happened(world, text, True) is False:
            found.append(f"{at}must: {text}: it did not happen")
    for text in scenario.never:
        if _happened(world, text, False):
            found.append(f"{at}never: {text}: it happened")
    return found


def _differs(world: World, guest: str, expected: Expected) -> str | None:
    node, state, others = final_state(world, guest)
    if expected.state is not None and expected.state not in {state} | others:
        entry = world.store.orders.entries.get(guest)
        reason = f" ({entry.reason})" if entry and entry.reason else ""
        return f"{guest} is {state} on {node}{reason}, expected {expected.state}"
    if expected.nodes and node not in expected.nodes:
        return f"{guest} is {state} on {node}, expected on {' or '.join(expected.nodes)}"
    return None


def _happened(world: World, text: str, must: bool) -> bool | None:
    """Tell whether a checked form happened; None: prose, for people."""
    words = text.split()
    if len(words) == 3 and words[0] == "start":
        guest, node = words[1:]
        return any(
            e["event"] == "started" and e.get("guest") == guest and e.get("node") == node
            for e in world.events
        )
    if len(words) == 3 and words[0] == "order":
        return _last_start(world, words[1]) < _last_start(world, words[2])
    if len(words) == 2 and words[0] == "move":
        return _moved(world, words[1])
    if len(words) == 2 and words[0] == "fence":
        # A server that died is declared dead, which recovers its guests as a fence does; only a
        # server that reset itself was fenced against somebody's will.
        kinds = ("fenced", "declared dead") if must else ("fenced",)
        return any(e["event"] in kinds and e.get("node") == words[1] for e in world.events)
    return None


def _last_start(world: World, guest: str) -> float:
    return max(
        (e["t"] for e in world.events if e["event"] == "started" and e.get("guest") == guest),
        default=float("inf"),
    )


def _moved(world: World, guest: str) -> bool:
    nodes = [
        e["node"]
        for e in world.events
        if e.get("guest") == guest and e["event"] in ("started", "migrated")
    ]
    return len(set(nodes)) > 1


def _able(world: World) -> list[Server]:
    """Return the servers whose agent could be the master."""
    return [
        server
        for server in world.servers.values()
        if server.driver is not None and server.agent_state == RUNNING and not server.stopping
        and server.name in world.o2cb.live and world.sees_store(server)
        and world.dlm.holder(node_lock(server.name)) == server.name
    ]  # fmt: skip


def is_leaderless(world: World) -> bool:
    """Tell whether nobody is the master, though somebody could be."""
    able = _able(world)
    if not able or world.dlm.is_stalled(able[0]):
        return False
    return not any(each.driver and each.driver.agent.leading.epoch is not None for each in able)


def waits_in_vain(world: World) -> list[str]:
    """Return the guests that wait for another one for longer than they should."""
    found = []
    for server in _able(world):
        leading = server.driver.agent.leading if server.driver is not None else None
        if leading is None or leading.epoch is None:
            continue
        for guest, entry in world.store.orders.entries.items():
            waits = entry.phase is Phase.WAITING and entry.reason.startswith(STARTS_AFTER)
            if waits and leading.unchanged_s(guest) > LONGEST_AFTER_S:
                found.append(f"{guest} {entry.reason}: for ever")
    return found


def at_rest(world: World) -> list[str]:
    """I5: strict preference, together and apart hold, as far as there is room for them."""
    wishes = world.store.wishes
    if not wishes.policy.ha:
        return []
    found = waits_in_vain(world)
    hosts = {}
    for server in world.servers.values():
        if server.is_up and world.sees_store(server):
            hosts.update({guest: server.name for guest in server.guests if server.runs(guest)})
    managed = {
        guest: node
        for guest, node in hosts.items()
        if guest in wishes.guests and wishes.guests[guest].state == STARTED
        and wishes.guests[guest].mark is None
        and (e := world.store.orders.entries.get(guest)) and e.phase is Phase.RUNNING
    }  # fmt: skip
    ready = {
        name: (server.number, Report(name, server.boot, True, True, cpu=server.cpu,
                                     mem_mb=server.mem_mb))
        for name, server in world.servers.items()
        if server.is_up and world.sees_store(server) and not server.stopping
        and name not in wishes.policy.maintenance
    }  # fmt: skip
    placement = Placement(wishes, ready, hosts.items())
    for guest, node in managed.items():
        wish = wishes.guests[guest]
        if wish.tier_of(node) is None and placement.choose(wish, (node,), None, False):
            found.append(f"{guest} runs on {node}, against its strict preference")
    for rule in wishes.rules:
        places = {guest: managed[guest] for guest in sorted(rule.guests) if guest in managed}
        if rule.kind == APART:
            for guest, node in places.items():
                if list(places.values()).count(node) > 1 and any(
                    placement.choose(wishes.guests[g], (node,), None, False) for g in places
                    if places[g] == node
                ):  # fmt: skip
                    found.append(f"{guest} is not apart on {node}")
        elif (
            len(set(places.values())) > 1
            and set(places.values()) <= set(ready)
            and any(all(placement.fits(wishes.guests[g], node) for g in places) for node in ready)
        ):
            found.append(f"{', '.join(places)} are not together: {places}")
    return found
