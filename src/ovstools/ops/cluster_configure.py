"""cluster-configure: cluster.conf if there is none, o2cb's settings, and o2cb online.

White paper, "Enabling HA for the Server Pool", step 1: the file is generated "if it does not
already exist"; it is never overwritten here either. Only --add changes an existing one.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError, ToolError
from ..model.cluster import Cluster, Node
from ..model.cluster_conf import ClusterConf
from ..model.heartbeat import KernelCluster, differences
from ..model.shell_vars import ShellVars
from ..model.timing import Timing, format_timing, from_vars, parse_timing
from ..system import o2cb, sysctl, systemd
from ..system.host import Host
from ..system.kernel_modules import refuse_missing_modules
from .cluster_nodes import (
    describe,
    new_text,
    node_options,
    own_node,
    refuse_difference,
    with_added,
)
from .plan import Confirm, Plan, Report, Run, Step, edit_step


@dataclass(frozen=True)
class Request:
    """The words of the command line."""

    nodes: tuple[str, ...] = ()
    nodes_from: str | None = None
    add: str | None = None
    timing: str | None = None
    cluster_name: str | None = None


def plan(host: Host, request: Request) -> Plan:
    """Plan what brings this server's cluster online.

    Raises RefusedError when the file that is there is not good, is another than was asked for,
    or this host cannot be the node that it names.
    """
    path = host.settings.paths.cluster_conf
    before = host.read(path)
    text = _wanted_text(host, request, before)
    cluster = ClusterConf.parse(text, path).cluster
    own = own_node(host, cluster, path if before is not None else "the nodes asked for")
    settings_path = o2cb.defaults_file(host)
    settings_text = host.read(settings_path)
    variables = ShellVars.parse(settings_text or "")
    timing = _timing(request, variables)
    for name, value in _settings(cluster, timing).items():
        variables = variables.with_value(name, value)
    steps = [
        *edit_step(f"write {path}", path, before, text),
        *edit_step(
            f"set o2cb's start and timing in {settings_path}",
            settings_path,
            settings_text,
            str(variables),
        ),
    ]
    if host.offline or not sysctl.is_set(host):
        title = f"let the kernel restart after a failure: {sysctl.FILE}"
        steps += edit_step(title, sysctl.FILE, host.read(sysctl.FILE), sysctl.TEXT)
    if not host.offline:
        if not sysctl.is_set(host):
            steps.append(Step("make the kernel take it", Run(sysctl.load())))
        steps += _start_steps(host, request, cluster, timing)
    return Plan(
        steps=tuple(steps),
        report=_report(host, cluster, own, timing, changed=bool(steps)),
        notices=_notices(request, cluster, own),
    )


def _wanted_text(host: Host, request: Request, before: str | None) -> str:
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
    return with_added(host, conf, request.add) if request.add else before


def _timing(request: Request, variables: ShellVars) -> Timing:
    timing = parse_timing(request.timing) if request.timing else from_vars(variables.get)
    problems = timing.problems()
    if problems:
        raise RefusedError(
            "o2cb would not take this timing",
            *problems,
            hint="--timing fast, --timing default, --timing multipath, or larger values",
        )
    return timing


def _settings(cluster: Cluster, timing: Timing) -> dict[str, str]:
    return {"O2CB_ENABLED": "true", "O2CB_BOOTCLUSTER": cluster.name, **timing.to_vars()}


def _start_steps(host: Host, request: Request, cluster: Cluster, timing: Timing) -> list[Step]:
    unit = systemd.look(host, o2cb.UNIT)
    if not unit.exists:
        raise RefusedError(
            "there is no o2cb service on this server",
            hint="install it: apt-get install ocfs2-tools (Oracle Linux: dnf install ocfs2-tools)",
        )
    refuse_missing_modules(host)
    limit_s = host.settings.limits.service_s
    steps = []
    if unit.enabled == "disabled":
        steps.append(Step("start o2cb at boot", Run(systemd.enable(o2cb.UNIT))))
    kernel = o2cb.read_kernel_cluster(host)
    if kernel is None or not kernel.is_online:
        # "active" with nothing online: it was started while O2CB_ENABLED was false
        start = systemd.restart if unit.is_active else systemd.start
        steps.append(Step("start o2cb", Run(start(o2cb.UNIT, limit_s))))
    elif kernel.name != cluster.name:
        raise RefusedError(
            f"the kernel is online with another cluster, {kernel.name}",
            hint="stop it first: ovstools services stop",
        )
    else:
        steps += _difference_steps(kernel, cluster, timing, limit_s)
    if steps:
        steps.append(_confirm_step(cluster, timing))
    return steps


def _difference_steps(
    kernel: KernelCluster, cluster: Cluster, timing: Timing, limit_s: float
) -> list[Step]:
    steps = []
    gone = [
        node
        for node in kernel.nodes
        if (node.name, node.number, node.ip_address, node.ip_port)
        not in {(n.name, n.number, n.ip_address, n.ip_port) for n in cluster.nodes}
    ]
    if gone and kernel.regions:
        # o2cb would try to unregister nodes that are alive: "Internal logic failure"
        raise RefusedError(
            "a node was changed in cluster.conf, or taken out, while a heartbeat runs",
            *(
                f"in the kernel: {node.name}, number {node.number}, {node.ip_address}"
                for node in gone
            ),
            hint="put the node back as it was; or, on all servers, ovstools services stop, "
            "and start them with the new file",
        )
    if gone:
        restart = Run(systemd.restart(o2cb.UNIT, limit_s))
        return [Step("restart o2cb, for its nodes", restart)]
    if differences(kernel, cluster):
        register = Run(o2cb.register_cluster(cluster.name))
        steps.append(Step(f"register the nodes of {cluster.name} in the kernel", register))
    if kernel.timing != timing:
        if kernel.regions:
            raise RefusedError(
                "o2cb's timing cannot change while a heartbeat runs",
                f"in force: {format_timing(kernel.timing)}; asked for: {format_timing(timing)}",
                hint="it must be the same on all servers, and none may run with the old one:\n"
                "ovstools services stop (on all servers, before the next line on any)\n"
                "ovs-cluster-configure --timing ... (on all)\n"
                "ovstools services start (on all)",
            )
        restart = Run(systemd.restart(o2cb.UNIT, limit_s))
        steps.append(Step("restart o2cb, for its timing", restart))
    return steps


def _confirm_step(cluster: Cluster, timing: Timing) -> Step:
    def check(host: Host) -> None:
        kernel = o2cb.read_kernel_cluster(host)
        if kernel is None or not kernel.is_online:
            raise ToolError(
                "o2cb was started, but the kernel has no cluster online",
                hint="see journalctl -u o2cb, and dmesg",
            )
        found = differences(kernel, cluster, timing)
        if found:
            raise ToolError(
                "the kernel's cluster is not the one of cluster.conf and o2cb's settings",
                *found,
                hint="see dmesg",
            )

    question = (
        f"{cluster.name} is online in configfs with {len(cluster.nodes)} nodes, "
        f"threshold {timing.threshold}"
    )
    return Step("verify in configfs", Confirm(question, check))


def _notices(request: Request, cluster: Cluster, own: Node) -> tuple[str, ...]:
    others = [node.name for node in cluster.nodes if node != own]
    if not request.add:
        return ()
    others = [name for name in others if not request.add.startswith(f"{name}=")]
    if not others:
        return ()
    return (
        f"before the newcomer mounts, do the same on {', '.join(others)}: "
        f"ovs-cluster-configure --add {request.add}",
    )


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
