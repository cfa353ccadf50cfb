"""Run a scenario from beginning to rest."""

from __future__ import annotations

from ..rules import Rules
from . import outcome
from .commands import Commands
from .outcome import Outcome
from .scenario import Scenario
from .world import Trace, World

POWER_ON_S = 20.0
LEAST_S, MOST_S = 500.0, 10_000.0
#: nothing has happened for so long: at rest (longer than any time limit of o2cb or ours)
QUIET_S = 400.0


def run(scenario: Scenario, rules: Rules | None = None, trace: Trace | None = None) -> Outcome:
    """Simulate; return how it ended."""
    world = World(scenario, rules, trace)
    commands = Commands(world)
    for name in scenario.net_off:
        world.o2cb.net_off(world.servers[name])
    for name in scenario.powered:
        world.clock.at(POWER_ON_S, world.machines.power_on, world.servers[name])
    last = POWER_ON_S
    for command in scenario.timeline:
        world.clock.at(command.second, commands.do, command.words)
        last = max(last, command.second)
    _until_rest(world, last)
    for text in outcome.at_rest(world):
        world.watch.breach("I5", text)
    if outcome.is_leaderless(world):
        world.watch.breach("I6", "nobody is the master, though somebody could be")
    breaches = [str(each) for each in world.watch.breaches]
    if not breaches or world.watch.breaches[0].invariant in ("I5", "I6"):
        breaches += outcome.judge(world)
    final = {}
    for guest in {**scenario.guests, **world.store.wishes.guests}:
        node, state, _ = outcome.final_state(world, guest)
        final[guest] = {"node": node, "state": state}
    nodes = {name: outcome.node_state(world, s) for name, s in world.servers.items()}
    return Outcome(
        scenario, tuple(breaches), final, nodes, world.events, world.clock.now, world.steps
    )


def _until_rest(world: World, last: float) -> None:
    clock = world.clock
    quiet = max(QUIET_S, 3 * world.o2cb.net_decision_s)
    while (moment := clock.next_at) is not None:
        if moment > last + MOST_S:
            world.watch.breach("I6", "it does not settle")
            return
        is_leaving = any(each.powered and each.stopping for each in world.servers.values())
        is_quiet = moment > world.watch.last_activity + quiet and not is_leaving
        if moment > last + LEAST_S and is_quiet:
            clock.now = max(clock.now, last + LEAST_S)
            return
        clock.advance()
    clock.now = max(clock.now, last + LEAST_S)
