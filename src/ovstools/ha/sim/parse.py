"""Read scenario files: YAML, one scenario or several under `scenarios:`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from ...errors import UsageError
from ...model.timing import Timing
from ..wishes import APART, TOGETHER, Policy, Rule, Wish
from .scenario import (
    FINAL_NODES,
    FINAL_STATES,
    GUEST_CPU,
    GUEST_MEM_MB,
    GUEST_STATES,
    NODE_STATES,
    Expected,
    Fault,
    Reader,
    Scenario,
    Size,
)

_KEYS = ("name", "proves", "nodes", "initial", "policy", "timing", "guests", "rules",
         "timeline", "expect", "seed")  # fmt: skip
_GUEST_KEYS = ("node", "state", "prefer", "strict", "failback", "max_restart", "max_relocate",
               "priority", "kind", "needs", "fault")  # fmt: skip


def parse_scenarios(text: str, source: str) -> list[Scenario]:
    """Read a file's text. Raises UsageError that names the scenario and what is wrong."""
    import yaml  # slow to load

    try:
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise UsageError(f"{source} is not YAML", *str(error).splitlines()[:3]) from error
    if not isinstance(data, Mapping):
        raise UsageError(f"{source}: expected a scenario, or a list of them under scenarios:")
    if "scenarios" not in data:
        return [parse_scenario(data, source)]
    listed = data["scenarios"]
    if not isinstance(listed, list) or set(data) != {"scenarios"}:
        raise UsageError(f"{source}: expected a list under scenarios:, and nothing else")
    return [parse_scenario(item, f"{source}[{i}]") for i, item in enumerate(listed, 1)]


def parse_scenario(data: Any, source: str) -> Scenario:
    """Read one scenario."""
    if not isinstance(data, Mapping):
        raise UsageError(f"{source}: expected keys and values, found {data!r}")
    name = str(data.get("name") or PurePath(source).stem)
    read = Reader(f"{source}: {name}" if data.get("name") else source)
    read.mapping(data, "scenario", _KEYS)
    nodes = _nodes(read, data.get("nodes"))
    wishes, faults = {}, {}
    for guest, value in read.mapping(data.get("guests"), "guests").items():
        wishes[guest], faults[guest] = _guest(read, guest, value, nodes)
    initial = read.mapping(
        data.get("initial"), "initial",
        ("powered", "net_off", "master", "node_state", "guest_state"),
    )  # fmt: skip
    names = set(wishes)
    timeline = read.commands(data.get("timeline"), nodes, names)
    expect = read.mapping(data.get("expect"), "expect", ("final", "nodes", "must", "never"))
    powered = initial.get("powered")
    master = initial.get("master")
    return Scenario(
        name=name,
        proves=str(data.get("proves", "")),
        nodes=nodes,
        powered=_known(read, nodes if powered is None else powered, nodes, "initial.powered"),
        net_off=_known(read, initial.get("net_off"), nodes, "initial.net_off"),
        master=None if master is None else read.known(master, nodes, "initial.master"),
        node_states={
            read.known(node, nodes, "node_state"): read.known(state, NODE_STATES, "node_state")
            for node, state in read.mapping(initial.get("node_state"), "node_state").items()
        },
        guest_states={
            read.known(guest, wishes, "guest_state"): _guest_state(read, state, nodes)
            for guest, state in read.mapping(initial.get("guest_state"), "guest_state").items()
        },
        policy=_policy(read, data.get("policy")),
        timing=_timing(read, data.get("timing")),
        guests=wishes,
        faults=faults,
        rules=tuple(_rules(read, data.get("rules"), names)),
        timeline=timeline,
        final={
            read.known(guest, names, "expect.final"): _expected(read, value, nodes)
            for guest, value in read.mapping(expect.get("final"), "expect.final").items()
        },
        final_nodes={
            read.known(node, nodes, "expect.nodes"): read.known(state, FINAL_NODES, "expect.nodes")
            for node, state in read.mapping(expect.get("nodes"), "expect.nodes").items()
        },
        must=read.names(expect.get("must"), "expect.must"),
        never=read.names(expect.get("never"), "expect.never"),
        seed=int(read.number(data.get("seed", 0), "seed")),
        raw=data,
    )


def _known(read: Reader, value: Any, names: Any, what: str) -> tuple[str, ...]:
    listed = list(value) if isinstance(value, Mapping) else value
    return tuple(read.known(name, names, what) for name in read.names(listed, what))


def _nodes(read: Reader, value: Any) -> dict[str, Size]:
    if isinstance(value, Mapping):
        found = {}
        for name, size in read.mapping(value, "nodes").items():
            keys = read.mapping(size, f"nodes.{name}", ("cpu", "mem_mb"))
            found[name] = Size(**{k: read.number(v, f"nodes.{name}.{k}") for k, v in keys.items()})  # type: ignore[arg-type]
    else:
        found = {name: Size() for name in read.names(value, "nodes")}
    if not found:
        raise read.fail("nodes: at least one is needed")
    return found


def _guest(read: Reader, name: str, value: Any, nodes: Any) -> tuple[Wish, Fault]:
    what = f"guests.{name}"
    keys = read.mapping(value, what, _GUEST_KEYS)
    if "node" not in keys:
        raise read.fail(f"{what}: node is missing")
    needs = read.mapping(keys.get("needs"), f"{what}.needs", ("cpu", "mem_mb"))
    tiers = keys.get("prefer") or []
    if not isinstance(tiers, list):
        raise read.fail(f"{what}.prefer: expected a list of tiers, found {tiers!r}")
    fault = read.mapping(keys.get("fault"), f"{what}.fault", Fault._fields)
    only_on = fault.get("only_on")
    return Wish(
        name=name,
        home=read.known(keys["node"], nodes, f"{what}.node"),
        state=read.known(keys.get("state", "disabled"), GUEST_STATES, f"{what}.state"),
        tiers=tuple(frozenset(_known(read, tier, nodes, f"{what}.prefer")) for tier in tiers),
        strict=read.flag(keys.get("strict", False), f"{what}.strict"),
        failback=read.flag(keys.get("failback", True), f"{what}.failback"),
        max_restart=int(read.number(keys.get("max_restart", 1), f"{what}.max_restart")),
        max_relocate=int(read.number(keys.get("max_relocate", 1), f"{what}.max_relocate")),
        priority=int(read.number(keys.get("priority", 100), f"{what}.priority", -1e9)),
        kind=read.known(keys.get("kind", "vm"), ("vm", "ct"), f"{what}.kind"),
        cpu=read.number(needs.get("cpu", GUEST_CPU), f"{what}.needs.cpu"),
        mem_mb=int(read.number(needs.get("mem_mb", GUEST_MEM_MB), f"{what}.needs.mem_mb")),
    ), Fault(
        start_fails=int(read.number(fault.get("start_fails", 0), f"{what}.fault")),
        migrate_fails=int(read.number(fault.get("migrate_fails", 0), f"{what}.fault")),
        stop_fails=read.flag(fault.get("stop_fails", False), f"{what}.fault"),
        cannot_start=read.flag(fault.get("cannot_start", False), f"{what}.fault"),
        only_on=None if only_on is None else read.known(only_on, nodes, f"{what}.fault"),
    )


def _guest_state(read: Reader, value: Any, nodes: Any) -> tuple[str, ...]:
    words = str(value).split()
    if len(words) == 3 and words[0] in ("error", "fence-pending") and words[1] == "on":
        return (words[0], read.known(words[2], nodes, "guest_state"))
    if len(words) == 5 and words[0] == "migrating" and words[1::2] == ["from", "to"]:
        return (words[0], *(read.known(node, nodes, "guest_state") for node in words[2::2]))
    raise read.fail(
        "guest_state: expected 'error on NODE', 'fence-pending on NODE' or "
        f"'migrating from NODE to NODE', found {value!r}"
    )


def _policy(read: Reader, value: Any) -> Policy:
    keys = read.mapping(value, "policy", ("shutdown", "placement", "freeze_max"))
    shutdowns = ("conditional", "freeze", "failover", "migrate")
    freeze_max = keys.get("freeze_max")
    return Policy(
        shutdown=read.known(keys.get("shutdown", "conditional"), shutdowns, "policy.shutdown"),
        placement=read.known(
            keys.get("placement", "free-memory"), ("free-memory", "count"), "policy.placement"
        ),
        freeze_max_s=None if freeze_max is None else read.number(freeze_max, "policy.freeze_max"),
    )


def _timing(read: Reader, value: Any) -> Timing:
    keys = read.mapping(value, "timing", ("threshold", "idle_ms"))
    return Timing(**{k: int(read.number(v, f"timing.{k}", 3)) for k, v in keys.items()})


def _rules(read: Reader, value: Any, guests: Any) -> list[Rule]:
    found = []
    for item in value or []:
        keys = read.mapping(item, "rules", (TOGETHER, APART))
        for kind, names in keys.items():
            found.append(Rule(kind, frozenset(_known(read, names, guests, f"rules.{kind}"))))
    return found


def _expected(read: Reader, value: Any, nodes: Any) -> Expected:
    keys = read.mapping(value, "expect.final", ("node", "state"))
    node = keys.get("node")
    listed = [] if node is None else node if isinstance(node, list) else [node]
    state = keys.get("state")
    return Expected(
        _known(read, listed, nodes, "expect.final.node"),
        None if state is None else read.known(state, FINAL_STATES, "expect.final.state"),
    )
