"""receive-config: this end of --propagate and --all, run over ssh by another server of the pool.

What comes on standard input is refused unless it fits this server: its name and number, its
cluster, its nodes. The answer says what the files mean now, read back from them.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..errors import OvsError, ParseError, RefusedError
from ..model.cluster import Node, is_name_of_host
from ..model.cluster_conf import ClusterConf
from ..model.config_standing import changes
from ..model.pool_config import MAX_BYTES, PoolConfig, from_data, to_data
from ..system import o2cb
from ..system.host import Host
from . import kept_config, mounting, take_config
from .plan import Plan, Report

SOURCE = "standard input"


@dataclass(frozen=True)
class Request:
    """The text that came on standard input."""

    text: str


@dataclass(frozen=True)
class Letter:
    """A configuration on its way; sender and receiver are nodes' names."""

    sender: str
    receiver: str
    config: PoolConfig


def format_letter(letter: Letter) -> str:
    """Return what goes over standard input."""
    data = {"from": letter.sender, "to": letter.receiver, "config": to_data(letter.config)}
    return json.dumps(data)


def parse_letter(text: str) -> Letter:
    """Read it; raise ParseError."""
    try:
        data: Any = json.loads(text) if len(text) <= MAX_BYTES else None
        letter = Letter(str(data["from"]), str(data["to"]), from_data(data["config"], SOURCE))
    except (ValueError, KeyError, TypeError) as error:
        hint = "ovs-cluster-check --master --propagate on the master runs this command"
        raise ParseError(SOURCE, 1, "a pool's configuration", text[:60], hint=hint) from error
    return letter


def plan(host: Host, request: Request) -> Plan:
    """Plan what takes the configuration over; raise RefusedError when it does not fit."""
    if host.offline:
        raise RefusedError("with --root nothing is received")
    letter = parse_letter(request.text)
    config = letter.config
    me = _refuse_stranger(host, letter)
    notices = _refuse_conflict(host, config, me)
    steps = take_config.steps(host, config)
    after = partial(_answer, config, bool(steps), notices)
    return Plan(tuple(steps), notices=notices, report_after=after)


def _refuse_stranger(host: Host, letter: Letter) -> Node:
    """Return the node that this host is; raise RefusedError when the letter is not for it."""
    me = letter.config.cluster.node(letter.receiver)
    if me is None or not is_name_of_host(me.name, host.hostname()):
        raise RefusedError(
            f"this is {host.hostname()}, not {letter.receiver}",
            f"sent by {letter.sender}",
            hint=f"correct the address of {letter.receiver} on {letter.sender}: its name "
            "resolves to this server",
        )
    kernel = o2cb.read_kernel_cluster(host)
    local = kernel.local_node if kernel else None
    if kernel and kernel.name != letter.config.cluster.name:
        raise _another(host, f"in the kernel: {kernel.name}", letter.config)
    if local is not None and (local.name, local.number) != (me.name, me.number):
        raise RefusedError(
            f"in the kernel this server is node {local.number}, {local.name}; "
            f"in the pool node {me.number}, {me.name}",
            hint="one server has one number: ovstools services stop here, then once more",
        )
    return me


def _refuse_conflict(host: Host, config: PoolConfig, me: Node) -> tuple[str, ...]:
    """Raise RefusedError when this server has what the pool does not know; say what changes."""
    path = host.settings.paths.cluster_conf
    text = host.read(path)
    if text is None:
        return ()
    own = kept_config.own_of(host, ClusterConf.parse(text, path))
    if own.cluster.name != config.cluster.name:
        raise _another(host, f"in {path}: {own.cluster.name}", config)
    mine = own.cluster.node_of_host(host.hostname())
    if mine is not None and mine.number != me.number:
        raise RefusedError(
            f"{path} says that this server is node {mine.number}, the pool says {me.number}",
            hint=f"nothing of it was changed; find out which is right: cat {path} on all servers",
        )
    known = {*config.cluster.nodes, *config.removed}
    strange = [node for node in own.cluster.nodes if node not in known]
    if strange:
        raise RefusedError(
            f"{path} has what the pool does not know; it is not overwritten",
            *(f"{n.name}={n.ip_address}:{n.ip_port}#{n.number}" for n in strange),
            hint="on the master, whichever is right: ovs-cluster-configure --add, "
            "or put it right here, then propagate again",
        )
    changed = changes(own, config)
    if changed and own.record is not None and own.record.generation > config.generation:
        raise RefusedError(
            f"this server has a newer configuration, generation {own.record.generation}",
            f"sent: generation {config.generation}",
            hint="propagate from a server that has it: ovstools repositories reload "
            "brings one up to date",
        )
    edited = [f"{path} or o2cb's settings were edited here since the last time"]
    return (*(edited if changed and own.is_edited else ()), *changed)


def _another(host: Host, found: str, config: PoolConfig) -> RefusedError:
    return RefusedError(
        f"this server belongs to another cluster than {config.cluster.name}",
        found,
        hint="if it shall leave that one: ovstools cleanup",
    )


def _answer(config: PoolConfig, changed: bool, notices: tuple[str, ...], host: Host) -> Report:
    """Read back what the files say now."""
    with contextlib.suppress(OvsError):
        kept_config.read_copy(host)  # so that its writer's journal goes home: see KeepCopy
    own = kept_config.read_own(host)
    listed = mounting.read_list(host).repositories
    data = {
        "server": host.hostname(),
        "changed": changed,
        "generation": own.record.generation if own.record else None,
        "fingerprint": own.fingerprint,
        "repositories": sorted(each.uuid for each in listed if each.uuid),
        "said": list(notices),
    }
    already = "" if changed else "already "
    line = f"{host.hostname()} {already}has generation {config.generation} of the pool's files"
    return Report((line,), data)
