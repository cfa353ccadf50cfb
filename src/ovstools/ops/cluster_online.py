"""Bring this server to a cluster: cluster.conf, o2cb's settings, and o2cb online with exactly that.

What may change while a heartbeat runs: nodes come in, and dead ones go. Nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ..errors import RefusedError, ToolError
from ..model.cluster import Cluster
from ..model.heartbeat import KernelCluster, KernelNode, differences
from ..model.shell_vars import ShellVars
from ..model.timing import Timing, format_timing
from ..system import o2cb, sysctl, systemd
from ..system.host import Host
from ..system.kernel_modules import refuse_missing_modules
from .plan import Confirm, Run, Step, edit_step


@dataclass(frozen=True)
class Forget:
    """Take a node out of the running cluster; one that has just died may be pinned for a moment."""

    cluster: str
    node: str

    def preview(self) -> str:
        """Return the command line."""
        return o2cb.forget_node(self.cluster, self.node).shell()

    def preflight(self, host: Host) -> None:
        """Nothing to look at yet."""

    def apply(self, host: Host) -> None:
        """Do it; raise ToolError when the kernel does not let go of the node."""
        command = o2cb.forget_node(self.cluster, self.node)
        o2cb.wait_for(
            host,
            f"the kernel still has a connection to {self.node}",
            lambda host: host.run(command).status == 0,
        )


def steps(
    host: Host, text: str, cluster: Cluster, timing: Timing, removed: Collection[str] = ()
) -> list[Step]:
    """Return the steps; text: cluster.conf's, which means cluster.

    removed: nodes that were taken out of the pool for good, so that the kernel may forget them
    while a heartbeat runs. Raises RefusedError for what the running kernel would not take.
    """
    path, settings_path = host.settings.paths.cluster_conf, o2cb.defaults_file(host)
    settings_text = host.read(settings_path)
    variables = ShellVars.parse(settings_text or "")
    for name, value in _settings(cluster, timing).items():
        variables = variables.with_value(name, value)
    found = [
        *edit_step(f"write {path}", path, host.read(path), text),
        *edit_step(
            f"set o2cb's start and timing in {settings_path}",
            settings_path,
            settings_text,
            str(variables),
        ),
    ]
    if host.offline or not sysctl.is_set(host):
        title = f"let the kernel restart after a failure: {sysctl.FILE}"
        found += edit_step(title, sysctl.FILE, host.read(sysctl.FILE), sysctl.TEXT)
    if host.offline:
        return found
    if not sysctl.is_set(host):
        found.append(Step("make the kernel take it", Run(sysctl.load())))
    return found + _start_steps(host, cluster, timing, removed)


def _settings(cluster: Cluster, timing: Timing) -> dict[str, str]:
    return {"O2CB_ENABLED": "true", "O2CB_BOOTCLUSTER": cluster.name, **timing.to_vars()}


def _start_steps(
    host: Host, cluster: Cluster, timing: Timing, removed: Collection[str]
) -> list[Step]:
    unit = systemd.look(host, o2cb.UNIT)
    if not unit.exists:
        raise RefusedError(
            "there is no o2cb service on this server",
            hint="install it: apt-get install ocfs2-tools (Oracle Linux: dnf install ocfs2-tools)",
        )
    refuse_missing_modules(host)
    limit_s = host.settings.limits.service_s
    found = []
    if unit.enabled == "disabled":
        found.append(Step("start o2cb at boot", Run(systemd.enable(o2cb.UNIT))))
    kernel = o2cb.read_kernel_cluster(host)
    if kernel is None or not kernel.is_online:
        # "active" with nothing online: it was started while O2CB_ENABLED was false
        start = systemd.restart if unit.is_active else systemd.start
        found.append(Step("start o2cb", Run(start(o2cb.UNIT, limit_s))))
    elif kernel.name != cluster.name:
        raise RefusedError(
            f"the kernel is online with another cluster, {kernel.name}",
            hint="stop it first: ovstools services stop",
        )
    else:
        found += _difference_steps(host, kernel, cluster, timing, removed)
    if found:
        found.append(_confirm_step(cluster, timing))
    return found


def _difference_steps(
    host: Host, kernel: KernelCluster, cluster: Cluster, timing: Timing, removed: Collection[str]
) -> list[Step]:
    limit_s = host.settings.limits.service_s
    known = {(n.name, n.number, n.ip_address, n.ip_port) for n in cluster.nodes}
    gone = [n for n in kernel.nodes if (n.name, n.number, n.ip_address, n.ip_port) not in known]
    found: list[Step] = []
    if gone and kernel.regions:
        _refuse_gone(host, gone, cluster, removed)
        found += [_forget_step(kernel.name, node) for node in gone]
    elif gone:
        restart = Run(systemd.restart(o2cb.UNIT, limit_s))
        return [Step("restart o2cb, for its nodes", restart)]
    kept = replace(kernel, nodes=tuple(node for node in kernel.nodes if node not in gone))
    if differences(kept, cluster):
        register = Run(o2cb.register_cluster(cluster.name))
        found.append(Step(f"register the nodes of {cluster.name} in the kernel", register))
    if kernel.timing != timing:
        _refuse_timing(kernel, timing)
        restart = Run(systemd.restart(o2cb.UNIT, limit_s))
        found.append(Step("restart o2cb, for its timing", restart))
    return found


def _refuse_gone(
    host: Host, gone: Collection[KernelNode], cluster: Cluster, removed: Collection[str]
) -> None:
    """Refuse to let the kernel forget a node that was not taken out for good, or that lives.

    The kernel would forget one that heartbeats, if it only is not connected to it, and then
    recover its journal while it writes.
    """
    odd = [node for node in gone if node.name not in removed or cluster.node(node.name)]
    if odd:
        raise RefusedError(
            "a node was changed in cluster.conf, or taken out, while a heartbeat runs",
            *(
                f"in the kernel: {node.name}, number {node.number}, {node.ip_address}"
                for node in odd
            ),
            hint="put the node back as it was; to take out a server that is gone: "
            "ovs-cluster-configure --remove NODE;\nor, on all servers, ovstools services stop, "
            "and start them with the new file",
        )
    live = o2cb.read_live_nodes(host)
    alive = [node for node in gone if node.number in live]
    if alive:
        raise RefusedError(
            f"{alive[0].name} was taken out of the pool, but this server sees it alive",
            f"live nodes: {' '.join(map(str, sorted(live)))}",
            hint=f"on {alive[0].name}: ovstools cleanup",
        )


def _forget_step(cluster: str, node: KernelNode) -> Step:
    title = f"take {node.name} out of the kernel's cluster"
    return Step(title, Forget(cluster, node.name))


def _refuse_timing(kernel: KernelCluster, timing: Timing) -> None:
    if kernel.regions:
        raise RefusedError(
            "o2cb's timing cannot change while a heartbeat runs",
            f"in force: {format_timing(kernel.timing)}; asked for: {format_timing(timing)}",
            hint="it must be the same on all servers, and none may run with the old one:\n"
            "ovstools services stop (on all servers, before the next line on any)\n"
            "ovs-cluster-configure --timing ... (on all)\n"
            "ovstools services start (on all)",
        )


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
