"""Mount one repository: the checks before, the steps, and what must be so afterwards."""

from __future__ import annotations

from ..errors import OvsError, RefusedError, ToolError
from ..model.cluster import Node
from ..model.cluster_conf import ClusterConf
from ..model.heartbeat import KernelCluster
from ..model.ocfs2 import CLASSIC_STACK, Volume
from ..model.repositories import Repository, RepositoryList, format_line
from ..model.repository_options import RepositoryOptions
from ..system import mounts, o2cb, ocfs2
from ..system.host import Host
from .cluster_nodes import own_node
from .plan import Confirm, MakeDirectory, Run, Step, edit_step


def read_list(host: Host) -> RepositoryList:
    """Return the list of repositories; an empty one when there is no file."""
    return RepositoryList.parse(host.read(host.settings.paths.repositories) or "")


def refuse_two_roots(host: Host, known: RepositoryList) -> None:
    """Raise RefusedError when the list marks more than one cluster root."""
    roots = [each for each in known.repositories if each.cluster_root]
    if roots[1:]:
        raise RefusedError(
            f"{host.settings.paths.repositories} has more than one cluster root (@)",
            *(format_line(each) for each in roots),
            hint="take the @ off the wrong one, or its line out",
        )


def read_options(host: Host) -> RepositoryOptions:
    """Return the mount options file; an empty one when there is none."""
    return RepositoryOptions.parse(host.read(host.settings.paths.repository_options) or "")


def record_steps(host: Host, listed: RepositoryList, wanted: RepositoryList) -> list[Step]:
    """Return the step that brings the list to what it is to be; none when it is so."""
    path = host.settings.paths.repositories
    before = host.read(path)
    if before is not None and str(listed) == str(wanted):
        return []
    return edit_step(f"record it in {path}", path, before, str(wanted))


def mountpoint_of(host: Host, uuid: str, cluster_root: bool) -> str:
    """Return where a repository is mounted: /OVS, or /OVS/UUID."""
    root = host.settings.paths.cluster_root
    return root if cluster_root else f"{root}/{uuid}"


def mountpoint_of_listed(host: Host, repository: Repository) -> str | None:
    """Return where a listed repository is mounted; None while its UUID is not known."""
    if repository.uuid is None and not repository.cluster_root:
        return None
    return mountpoint_of(host, repository.uuid or "", repository.cluster_root)


def online_cluster(host: Host) -> tuple[KernelCluster, Node]:
    """Return the cluster that is online, and the node in it that is this host.

    Raises RefusedError when there is no cluster.conf, it is not good, or o2cb is not online.
    """
    path = host.settings.paths.cluster_conf
    text = host.read(path)
    name = host.hostname()
    if text is None:
        raise RefusedError(
            f"this server is in no cluster: there is no {path}",
            hint="for the first server of a pool: ovs-cluster-configure\n"
            "for a further one, on a server of the pool, for all of them:\n"
            f"  ovs-cluster-configure --add {name}={address_of(host, name)} --all\n"
            "that brings the pool's files here as well; if this server was away, on the master:\n"
            "  ovs-cluster-check --master --alter-fstab --propagate",
        )
    conf = ClusterConf.parse(text, path)
    node = own_node(host, conf.cluster, path)
    kernel = o2cb.read_kernel_cluster(host)
    if kernel is None or not kernel.is_online:
        raise RefusedError(
            f"the cluster {conf.cluster.name} is not online on this server",
            hint="start it: ovs-cluster-configure",
        )
    if kernel.name != conf.cluster.name:
        raise RefusedError(
            f"the kernel is online with {kernel.name}, but {path} says {conf.cluster.name}",
            hint="ovstools services stop; ovs-cluster-configure",
        )
    return kernel, node


def address_of(host: Host, name: str) -> str:
    """Return the address that a hint gives for this host; ADDRESS when nobody knows."""
    found = [each for each in host.resolve_name(name) if each in host.addresses()]
    return found[0] if found else "ADDRESS"


def refuse_other_cluster(volume: Volume, kernel: KernelCluster, device: str) -> None:
    """Raise RefusedError when the volume was formatted for another stack or cluster.

    A volume made before any cluster existed ("classic o2cb") names none, and is welcome.
    """
    if volume.is_local_mount or volume.is_heartbeat_device:
        kind = "one server alone" if volume.is_local_mount else "heartbeats only"
        raise RefusedError(f"{device} was formatted for {kind}; no pool can share its data")
    if not volume.suits(kernel.name):
        raise RefusedError(
            f"{device} was formatted for another cluster",
            f"on the volume: stack {volume.stack}, cluster {volume.cluster_name or 'none'}; "
            f"here: stack o2cb, cluster {kernel.name}",
            hint="if no server of any cluster uses it any more: "
            f"tunefs.ocfs2 --update-cluster-stack {device}",
        )
    if volume.stack == CLASSIC_STACK:
        return
    if volume.is_global != (kernel.mode == "global"):
        on_volume = "global" if volume.is_global else "local"
        raise RefusedError(
            f"{device} was formatted for {on_volume} heartbeat, this cluster's is {kernel.mode}",
            hint=f"with the volume unmounted everywhere: o2cluster --update {device}",
        )


def refuse_shared_number(
    host: Host, device: str, node: Node, moving: frozenset[int] | None = None
) -> None:
    """Raise RefusedError when somebody heartbeats under our node number, or is no node of ours.

    Two servers with one number overwrite each other's heartbeat. A server that our kernel has
    no node for is invisible to it: the mount would replay that server's journal under its
    feet. Either corrupts the volume.
    moving: the nodes whose heartbeat moves; None: look here, which takes 5 s.
    """
    if moving is None:
        host.talk.notice(f"read the heartbeat area of {device} twice")
        moving = ocfs2.moving_nodes(host, device)
    if node.number in moving:
        raise RefusedError(
            f"another server heartbeats on {device} as node {node.number}, "
            f"the number of this server ({node.name})",
            "its heartbeat moved while this server has not mounted the volume",
            hint="two servers share a node number, or run from copies of one system: "
            "compare their cluster.conf and host names",
        )
    kernel = o2cb.read_kernel_cluster(host)
    known = {each.number for each in kernel.nodes} if kernel else set()
    strangers = ", ".join(map(str, sorted(moving - known)))
    if strangers:
        raise RefusedError(
            f"a server that this cluster does not know heartbeats on {device}",
            f"heartbeat moves of node number {strangers}; nodes here: "
            f"{', '.join(map(str, sorted(known)))}",
            hint="the volume is in use by a pool with another cluster.conf: bring that file here, "
            f"with this server in it:\novs-cluster-configure --add {node.name}={node.ip_address} "
            f"(there)\nscp {host.settings.paths.cluster_conf} (from there)\n"
            "ovs-cluster-configure (here)",
        )


def mount_steps(
    host: Host, device: str, number: str, fstype: str, uuid: str, mountpoint: str
) -> list[Step]:
    """Return the steps that mount a device (number as "8:17") and verify it in the kernel."""
    options = read_options(host).options_for(uuid, fstype, device)
    command = mounts.mount(device, mountpoint, fstype, options, host.settings.limits.mount_s)
    steps = []
    if host.kind(mountpoint) == "missing":
        steps.append(Step(f"make {mountpoint}", MakeDirectory(mountpoint)))
    return [
        *steps,
        Step(f"mount {device} at {mountpoint}", Run(command)),
        Step(
            "verify in mountinfo",
            Confirm(
                f"{mountpoint} has {device}",
                lambda host: mounts.confirm_mounted(host, number, mountpoint),
            ),
        ),
    ]


def heartbeat_step(uuid: str, node: Node) -> Step:
    """Return the step that waits until this server heartbeats in the region of a volume."""
    return Step(
        "verify the heartbeat",
        Confirm(
            f"region {uuid} is active and node {node.number} is live",
            lambda host: confirm_heartbeat(host, uuid, node),
        ),
    )


def confirm_heartbeat(host: Host, uuid: str, node: Node) -> None:
    """Raise ToolError unless this server heartbeats in the region, and the kernel sees it live."""

    def is_active(host: Host) -> bool:
        kernel = o2cb.read_kernel_cluster(host)
        region = kernel.region(uuid) if kernel else None
        return region is not None and region.is_active

    o2cb.wait_for(host, f"the heartbeat region {uuid} does not become active", is_active)
    if not o2cb.has_debugfs(host):
        host.talk.notice(
            "the live nodes cannot be seen: mount -t debugfs debugfs /sys/kernel/debug"
        )
        return
    try:
        o2cb.wait_for(
            host,
            f"node {node.number} (this server) is not among the live nodes",
            lambda host: node.number in o2cb.read_live_nodes(host),
        )
    except OvsError as error:
        live = sorted(o2cb.read_live_nodes(host))
        raise ToolError(error.what, f"live nodes: {live}", hint=error.hint) from error
