"""o2cb: what the kernel says of the cluster (configfs, debugfs), and o2cb(8).

Reading configfs has no side effects; `o2cb cluster-status` loads modules and writes sysfs
(ocfs2-tools libo2cb/o2cb_abi.c), so it is never called to look.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import OvsError, ToolError
from ..model.cluster import CLUSTER_NAME, is_node_name
from ..model.command import Command
from ..model.heartbeat import KernelCluster, KernelNode, Region, parse_node_numbers
from .host import Host

CONFIGFS = "/sys/kernel/config/cluster"
DEBUGFS = "/sys/kernel/debug"
UNIT = "o2cb.service"
#: Oracle Linux has the first, Debian the second; the init script prefers the first
DEFAULTS_FILES = ("/etc/sysconfig/o2cb", "/etc/default/o2cb")


def read_kernel_cluster(host: Host) -> KernelCluster | None:
    """Return the cluster that the kernel has, or None: offline.

    A kernel has one at most (fs/ocfs2/cluster/nodemanager.c). Online in o2cb's sense is a
    registered cluster with a local node; see KernelCluster.is_online.
    """
    names = host.names(CONFIGFS)
    if host.offline or not names:
        return None
    base = f"{CONFIGFS}/{names[0]}"
    heartbeat = f"{base}/heartbeat"
    return KernelCluster(
        name=names[0],
        nodes=tuple(
            KernelNode(
                name=node,
                number=_number(host, f"{base}/node/{node}/num"),
                ip_address=_word(host, f"{base}/node/{node}/ipv4_address"),
                ip_port=_number(host, f"{base}/node/{node}/ipv4_port"),
                is_local=_word(host, f"{base}/node/{node}/local") == "1",
            )
            for node in host.names(f"{base}/node")
        ),
        dead_threshold=_number(host, f"{heartbeat}/dead_threshold"),
        idle_ms=_number(host, f"{base}/idle_timeout_ms"),
        keepalive_ms=_number(host, f"{base}/keepalive_delay_ms"),
        reconnect_ms=_number(host, f"{base}/reconnect_delay_ms"),
        mode=_word(host, f"{heartbeat}/mode") or "local",
        regions=tuple(_region(host, heartbeat, name) for name in _regions(host, heartbeat)),
    )


def region_on(host: Host, device_number: str) -> Region | None:
    """Return the region that heartbeats on a block device, given as "8:17"; None: none does."""
    kernel = read_kernel_cluster(host)
    for region in kernel.regions if kernel else ():
        number = _word(host, f"/sys/class/block/{region.device}/dev") if region.device else ""
        if number == device_number and region.is_active:
            return region
    return None


def read_live_nodes(host: Host) -> frozenset[int]:
    """Return the numbers of the nodes whose heartbeat the kernel sees; none: cannot tell."""
    return parse_node_numbers(host.read(f"{DEBUGFS}/o2hb/livenodes") or "")


def read_connected_nodes(host: Host) -> frozenset[int]:
    """Return the numbers of the peers that o2net is connected to."""
    return parse_node_numbers(host.read(f"{DEBUGFS}/o2net/connected_nodes") or "")


def has_debugfs(host: Host) -> bool:
    """Tell whether the kernel's o2hb folder in debugfs can be seen."""
    return host.kind(f"{DEBUGFS}/o2hb") == "directory"


def defaults_file(host: Host) -> str:
    """Return the path of o2cb's settings: the one that its init script would read."""
    for path in DEFAULTS_FILES:
        if host.kind(path) == "file":
            return path
    is_red_hat = host.kind("/etc/sysconfig") == "directory"
    return DEFAULTS_FILES[0 if is_red_hat else 1]


def register_cluster(name: str) -> Command:
    """Build the command that brings the kernel's nodes to what cluster.conf says."""
    return Command(("o2cb", "register-cluster", name), timeout_s=60)


def unregister_cluster(name: str) -> Command:
    """Build the command that takes a cluster out of the kernel; it fails while it is in use."""
    return Command(("o2cb", "unregister-cluster", name), timeout_s=60)


def forget_node(cluster: str, node: str) -> Command:
    """Build the command that takes a node out of the running cluster (o2cb remove-node does not).

    It exits 1 as long as the kernel has a connection to the node, which pins it (sc_alloc in
    fs/ocfs2/cluster/tcp.c). That is all that the kernel looks at: see who lives before.
    """
    if not (CLUSTER_NAME.fullmatch(cluster) and is_node_name(node)):
        raise ValueError(f"{cluster!r}, {node!r}: no names of a cluster and its node")
    path = f"{CONFIGFS}/{cluster}/node/{node}"
    return Command(("rmdir", path), ok=frozenset({0, 1}))


def wait_for(
    host: Host, what: str, is_so: Callable[[Host], bool], timeout_s: float | None = None
) -> None:
    """Look again and again until is_so(host); raise ToolError at the deadline."""
    limit_s = host.settings.limits.settle_s if timeout_s is None else timeout_s
    deadline = host.clock.monotonic() + limit_s
    while not is_so(host):
        if host.clock.monotonic() >= deadline:
            raise ToolError(
                f"waited {limit_s:g} s in vain: {what}", hint="see the last lines of dmesg"
            )
        host.clock.sleep(0.25)


def _regions(host: Host, heartbeat: str) -> tuple[str, ...]:
    return tuple(
        name for name in host.names(heartbeat) if host.kind(f"{heartbeat}/{name}") == "directory"
    )


def _region(host: Host, heartbeat: str, name: str) -> Region:
    # dev and pid read empty while the region does not heartbeat (cluster/heartbeat.c)
    pid = _word(host, f"{heartbeat}/{name}/pid")
    return Region(name, _word(host, f"{heartbeat}/{name}/dev"), int(pid) if pid else None)


def _word(host: Host, path: str) -> str:
    try:
        return (host.read(path) or "").strip()
    except OvsError:  # a region or node that goes while we look
        return ""


def _number(host: Host, path: str) -> int:
    word = _word(host, path)
    return int(word) if word.isdigit() else -1
