"""Are the other servers of the pool alive, and is this one connected to them?"""

from __future__ import annotations

from ..model.findings import Finding, Severity
from .coded import Check, Code, check
from .view import View

SELF_NOT_ALIVE = Code(
    "self-not-alive",
    Severity.ERROR,
    "the kernel does not count this server among the live ones",
    "This server heartbeats, but its own heartbeat does not come back from the storage: for the "
    "pool it is dead or not yet there. Shortly after a mount that is normal for some seconds. "
    "When it stays: another server may use the same node number; see dmesg.",
)
PEER_DEAD = Code(
    "peer-dead",
    Severity.WARNING,
    "a server of the pool is not alive",
    "Its heartbeat is not seen on the shared storage: it is powered off, hung, or has not mounted "
    "the cluster root. The pool works without it, with less room and fewer failures to spare. On "
    "that server run ovs-cluster-check.",
)
PEER_NOT_CONNECTED = Code(
    "peer-not-connected",
    Severity.ERROR,
    "a live server is not connected to this one",
    "Both heartbeat on the storage, but they cannot talk: after the network's time limit one "
    "of them is fenced, and mounts fail with error 107. Check the network and that the "
    "firewall lets TCP port 7777 pass both ways, and that both have the same cluster.conf.",
)
PEER_UNKNOWN = Code(
    "peer-unknown",
    Severity.ERROR,
    "a server heartbeats that cluster.conf does not know",
    "Another server uses the storage of this pool with a node number that cluster.conf here does "
    "not have. The servers cannot agree on locks. Make cluster.conf the same on all servers.",
)
MASTER_BLIND = Code(
    "master-sees-not-all",
    Severity.WARNING,
    "this server acts as master and does not see all servers",
    "The master decides for the pool; it can place guests only on servers that it sees alive and "
    "connected.",
)


def sees_peers(view: View) -> bool:
    """Be the condition of what is judged by the live nodes."""
    return view.live is not None and view.node is not None and _heartbeats(view)


def _heartbeats(view: View) -> bool:
    return view.kernel is not None and any(region.is_active for region in view.kernel.regions)


def _alive(view: View) -> str:
    assert view.live is not None and view.cluster is not None
    return f"{alive_count(view)} of {len(view.cluster.nodes)} servers"


def alive_count(view: View) -> int:
    """Count the servers of cluster.conf that are alive."""
    if view.cluster is None or view.live is None:
        return 0
    return len([node for node in view.cluster.nodes if node.number in view.live])


@check("alive", SELF_NOT_ALIVE, PEER_DEAD, PEER_UNKNOWN, needs=sees_peers, good=_alive)
def alive(view: View) -> list[Finding]:
    """Compare the live nodes with cluster.conf."""
    assert view.cluster is not None and view.live is not None and view.node is not None
    found = []
    if view.node.number not in view.live:
        found.append(
            SELF_NOT_ALIVE.found(
                f"this server, node {view.node.number}, is not among the live nodes",
                f"live nodes: {_numbers(view.live) or 'none'}",
                hint="wait some seconds and check again; then see dmesg",
            )
        )
    others = [node for node in view.cluster.nodes if node != view.node]
    dead = [node for node in others if node.number not in view.live]
    alone = "; no other server is left to take its guests" if dead == others else ""
    found += [
        PEER_DEAD.found(
            f"{node.name} (node {node.number}) is not alive{alone}",
            hint=f"on {node.name}: ovs-cluster-check",
        )
        for node in dead
    ]
    known = {node.number for node in view.cluster.nodes}
    found += [
        PEER_UNKNOWN.found(
            f"node {number} heartbeats, but is not in {view.paths.cluster_conf}",
            hint="make cluster.conf the same on all servers",
        )
        for number in sorted(view.live - known)
    ]
    return found


def _can_see_connections(view: View) -> bool:
    return sees_peers(view) and view.connected is not None


def _connected(view: View) -> str:
    assert view.connected is not None and view.live is not None and view.node is not None
    others = len(view.live & view.connected - {view.node.number})
    if not others:
        return "no other server is alive"
    return f"to {others} other server{'s' if others != 1 else ''}, all that are alive"


@check("connected", PEER_NOT_CONNECTED, needs=_can_see_connections, good=_connected)
def connected(view: View) -> list[Finding]:
    """Look whether this server is connected to every live one."""
    assert view.cluster is not None and view.node is not None
    lost = unconnected(view)
    return [
        PEER_NOT_CONNECTED.found(
            f"{node.name} (node {node.number}) is alive, but not connected to this server",
            hint=f"let TCP port {node.ip_port} pass between {view.node.ip_address} and "
            f"{node.ip_address}, both ways; cluster.conf must be the same on both",
        )
        for node in view.cluster.nodes
        if node.number in lost
    ]


def unconnected(view: View) -> frozenset[int]:
    """Return the known live nodes that this server has no connection to."""
    if view.live is None or view.connected is None or view.node is None or view.cluster is None:
        return frozenset()
    known = frozenset(node.number for node in view.cluster.nodes)
    return (view.live & known) - view.connected - {view.node.number}


def is_connected(view: View, number: int) -> bool | None:
    """Tell whether a node is connected; None where that cannot be seen. A server is to itself."""
    if view.connected is None:
        return None
    return number in view.connected or (view.node is not None and number == view.node.number)


def _acts_as_master(view: View) -> bool:
    return view.acts_as_master and sees_peers(view)


@check(
    "master",
    MASTER_BLIND,
    needs=_acts_as_master,
    good=lambda view: "this server acts as master and sees all servers",
)
def master(view: View) -> list[Finding]:
    """Look whether a master would see all servers of the pool."""
    assert view.cluster is not None
    seen = alive_count(view) - len(unconnected(view))
    count = len(view.cluster.nodes)
    if seen == count:
        return []
    return [MASTER_BLIND.found(f"this server acts as master, and sees {seen} of {count} servers")]


def _numbers(numbers: frozenset[int]) -> str:
    return " ".join(map(str, sorted(numbers)))


CHECKS: tuple[Check, ...] = (alive, connected, master)
