"""Read scenario files: YAML, one scenario or several under `scenarios:`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from ...errors import UsageError
from ...model.timing import Timing
from ..wishes import APART, TOGETHER, Policy, Rule
from .parse_guest import parse_guest, parse_guest_state
from .scenario import (
    CPU,
    FINAL_NODES,
    FINAL_STATES,
    MEM_MB,
    NODE_STATES,
    Expected,
    Reader,
    Scenario,
    Size,
)

_KEYS = ("name", "proves", "nodes", "initial", "policy", "timing", "guests", "rules",
         "timeline", "expect", "seed")  # fmt: skip


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
    if not listed:
        raise UsageError(f"{source}: no scenario under scenarios:")
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
        wishes[guest], faults[guest] = parse_guest(read, guest, value, nodes)
    initial = read.mapping(
        data.get("initial"), "initial",
        ("powered", "net_off", "master", "node_state", "guest_state"),
    )  # fmt: skip
    names = set(wishes)
    timeline = read.commands(data.get("timeline"), nodes, names)
    expect = read.mapping(
        data.get("expect"), "expect", ("final", "nodes", "must", "never", "master")
    )
    powered = initial.get("powered")
    master, final_master = initial.get("master"), expect.get("master")
    return Scenario(
        name=name,
        proves=str(data.get("proves", "")),
        nodes=nodes,
        powered=read.those_known(nodes if powered is None else powered, nodes, "initial.powered"),
        net_off=read.those_known(initial.get("net_off"), nodes, "initial.net_off"),
        master=None if master is None else read.known(master, nodes, "initial.master"),
        node_states={
            read.known(node, nodes, "node_state"): read.known(state, NODE_STATES, "node_state")
            for node, state in read.mapping(initial.get("node_state"), "node_state").items()
        },
        guest_states={
            read.known(guest, wishes, "guest_state"): parse_guest_state(read, state, nodes)
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
        final_master=None
        if final_master is None
        else read.known(final_master, nodes, "expect.master"),
        raw=data,
    )


def _nodes(read: Reader, value: Any) -> dict[str, Size]:
    if isinstance(value, Mapping):
        found = {}
        for name, size in read.mapping(value, "nodes").items():
            what = f"nodes.{name}"
            keys = read.mapping(size, what, Size._fields)
            listed = keys.get("repositories")
            found[name] = Size(
                read.number(keys.get("cpu", CPU), what),
                int(read.number(keys.get("mem_mb", MEM_MB), what)),
                None if listed is None else read.names(listed, f"{what}.repositories"),
            )
    else:
        names = read.names(value, "nodes")
        found = {name: Size() for name in names}
        if len(found) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise read.fail(f"nodes: {twice} is there twice")
    if not found:
        raise read.fail("nodes: at least one is needed")
    return found


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
            found.append(Rule(kind, frozenset(read.those_known(names, guests, f"rules.{kind}"))))
    return found


def _expected(read: Reader, value: Any, nodes: Any) -> Expected:
    keys = read.mapping(value, "expect.final", ("node", "state"))
    node = keys.get("node")
    listed = [] if node is None else node if isinstance(node, list) else [node]
    state = keys.get("state")
    return Expected(
        read.those_known(listed, nodes, "expect.final.node"),
        None if state is None else read.known(state, FINAL_STATES, "expect.final.state"),
    )
