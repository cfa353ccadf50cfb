"""cluster-configure: cluster.conf if there is none, o2cb's settings, and o2cb online.

White paper, "Enabling HA for the Server Pool", step 1: the file is generated "if it does not
already exist"; it is never overwritten here either. Only --add and --remove change an existing
one; what they do is kept on the pool file system, for servers that are away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..errors import RefusedError, UsageError
from ..model.cluster import Cluster, Node
from ..model.cluster_conf import ClusterConf
from ..model.config_standing import Own
from ..model.shell_vars import ShellVars
from ..model.timing import Timing, from_vars, parse_timing
from ..system import o2cb
from ..system.host import Host
from . import cluster_online, kept_config, propagate, remove_node
from .cluster_nodes import (
    describe,
    new_text,
    node_options,
    own_node,
    refuse_difference,
    with_added,
)
from .plan import Plan, Report
from .propagate import Sending


@dataclass(frozen=True)
class Request:
    """The words of the command line; to_all: the same on every server of the cluster."""

    nodes: tuple[str, ...] = ()
    nodes_from: str | None = None
    add: str | None = None
    timing: str | None = None
    cluster_name: str | None = None
    remove: str | None = None
    to_all: bool = False


def plan(host: Host, request: Request) -> Plan:
    """Plan what brings this server's cluster online, and with --all every other server's.

    Raises RefusedError when the file that is there is not good, is another than was asked for,
    or this host cannot be the node that it names.
    """
    path = host.settings.paths.cluster_conf
    before = host.read(path)
    removed = _removed(host, request, before)
    text = _wanted_text(host, request, before, removed)
    cluster = ClusterConf.parse(text, path).cluster
    own = own_node(host, cluster, path if before is not None else "the nodes asked for")
    timing = _timing(request, host)
    names = [node.name for node in removed]
    sending = _sending(host, request, Own(cluster, timing, host.hostname()), text, removed)
    here = cluster_online.steps(host, text, cluster, timing, names)
    steps = sending.around(here, is_removal=bool(removed)) if sending else tuple(here)
    changed = bool(steps)
    report = _report(host, cluster, own, timing, changed)
    sent = sending if sending is not None and _goes_to_all(request) else None
    return Plan(
        steps=steps,
        report=report,
        notices=(*_notices(request, cluster, own), *(sending.notices if sending else ())),
        report_after=partial(_with_others, report, sent) if sent else None,
    )


def _goes_to_all(request: Request) -> bool:
    return request.to_all or request.remove is not None


def _removed(host: Host, request: Request, before: str | None) -> tuple[Node, ...]:
    """Return the node that --remove takes out; raise RefusedError when that is not safe."""
    if host.offline and request.to_all:
        raise UsageError("--all asks other servers, and --root works on files alone")
    if request.remove is None:
        return ()
    path = host.settings.paths.cluster_conf
    if before is None:
        raise RefusedError(f"there is no {path} to remove a node from")
    return (remove_node.find(host, ClusterConf.parse(before, path).cluster, request.remove),)


def _sending(
    host: Host, request: Request, own: Own, text: str, removed: tuple[Node, ...]
) -> Sending | None:
    """Return what keeps the change for servers that are away, and sends it with --all."""
    changes = request.add is not None or _goes_to_all(request)
    if host.offline or not changes:
        return None
    record = kept_config.read_record(host)
    after = Own(own.cluster, own.timing, own.hostname, record)
    is_new = host.read(host.settings.paths.cluster_conf) is None
    was = after if is_new else kept_config.read_own(host)
    return propagate.prepare(host, after, text, removed, _goes_to_all(request), was)


def _wanted_text(
    host: Host, request: Request, before: str | None, removed: tuple[Node, ...]
) -> str:
    path = host.settings.paths.cluster_conf
    options = node_options(host, request.nodes, request.nodes_from)
    if before is None:
        if request.add:
            raise RefusedError(
                f"there is no {path} to add a node to",
                hint="write it first: ovs-cluster-configure --node NAME=IP --node NAME=IP ...",
            )
        return new_text(host, options, request.cluster_name or host.settings.cluster_name)
    conf = ClusterConf.parse(before, path)
    refuse_difference(conf, options, request.cluster_name)
    if removed:
        return remove_node.text_without(conf, removed[0].name)
    if request.add is None:
        return before
    copy = None if host.offline else kept_config.read_copy(host)
    return with_added(host, conf, request.add, copy.removed if copy else ())


def _timing(request: Request, host: Host) -> Timing:
    variables = ShellVars.parse(host.read(o2cb.defaults_file(host)) or "")
    timing = parse_timing(request.timing) if request.timing else from_vars(variables.get)
    problems = timing.problems()
    if problems:
        raise RefusedError(
            "o2cb would not take this timing",
            *problems,
            hint="--timing fast, --timing default, --timing multipath, or larger values",
        )
    return timing


def _notices(request: Request, cluster: Cluster, own: Node) -> tuple[str, ...]:
    others = [node.name for node in cluster.nodes if node != own]
    if not request.add or request.to_all:
        return ()
    others = [name for name in others if not request.add.startswith(f"{name}=")]
    if not others:
        return ()
    return (
        f"before the newcomer mounts, do the same on {', '.join(others)}: "
        f"ovs-cluster-configure --add {request.add} (or here, for all at once: with --all)",
    )


def _with_others(report: Report, sending: Sending, host: Host) -> Report:
    """Join this server's report with what became of the others."""
    others = propagate.report(host, sending, changed=bool(report.data["changed"]))
    data = {**report.data, **{key: each for key, each in others.data.items() if key != "changed"}}
    return Report((*report.lines, *others.lines), data, others.status, others.table)


def _report(host: Host, cluster: Cluster, own: Node, timing: Timing, changed: bool) -> Report:
    state = "written" if host.offline else "online"
    lines = [
        f"cluster {cluster.name} is {'' if changed else 'already '}{state}; "
        f"this server is node {own.number}",
        *(f"  {describe(node)}" for node in cluster.nodes),
        f"  a server that loses its storage fences itself after {timing.fence_s} s; "
        f"others declare it dead after {timing.dead_s} s",
    ]
    data = {
        "changed": changed,
        "cluster": cluster.name,
        "node": own.name,
        "nodes": [vars(node) for node in cluster.nodes],
        "timing": vars(timing),
    }
    return Report(tuple(lines), data)
