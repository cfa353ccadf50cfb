"""Is this server in a pool, and do the names and addresses of cluster.conf hold here?"""

from __future__ import annotations

from ..model.cluster import is_loopback
from ..model.findings import Finding, Severity
from .coded import Check, Code, check
from .view import View

NOT_CONFIGURED = Code(
    "not-configured",
    Severity.ERROR,
    "this server is not part of any server pool",
    "There is no cluster.conf, no listed repository, no running cluster: nothing was set up here "
    "yet. On the first server of a pool, run ovs-cluster-configure, then ovs-makerepo with the "
    "shared storage. For a server that joins a pool, add it on a server of the pool first "
    "(ovs-cluster-configure --add NAME=ADDRESS), and copy cluster.conf from there.",
)
CONF_MISSING = Code(
    "cluster-conf-missing",
    Severity.ERROR,
    "there is no cluster.conf",
    "cluster.conf names the servers of the pool; without it o2cb does not start and no OCFS2 file "
    "system can be mounted. On the first server ovs-cluster-configure writes it; every other "
    "server gets a copy of it, with the same content.",
)
CONF_INVALID = Code(
    "cluster-conf-invalid",
    Severity.ERROR,
    "cluster.conf is not as o2cb and the kernel want it",
    "o2cb says only 'Unknown code ____ 251' to such a file, ignores a part of it, or crashes. "
    "Correct the line that the finding names, on every server alike: the servers compare what "
    "they have registered, and refuse each other when it differs.",
)
NODE_MISSING = Code(
    "node-missing",
    Severity.ERROR,
    "this server is not in cluster.conf",
    "o2cb finds out which node a server is by its host name: the node's name must be the host's "
    "name, or the host's name up to one of its dots. Without such a node the cluster does not "
    "come online here. Add the server on all servers (ovs-cluster-configure --add NAME=ADDRESS), "
    "or correct the host's name.",
)
ADDRESS_LOOPBACK = Code(
    "address-loopback",
    Severity.ERROR,
    "a node has a loopback address in cluster.conf",
    "No other server can reach 127.x.x.x. It gets into cluster.conf when the host's own name "
    "resolves to it (Debian's 127.0.1.1 line in /etc/hosts). Put the server's public address "
    "into cluster.conf on every server, and correct /etc/hosts.",
)
ADDRESS_ELSEWHERE = Code(
    "address-not-here",
    Severity.ERROR,
    "this server's address in cluster.conf is on none of its interfaces",
    "The cluster's connections are bound to this address: without it the kernel logs 'o2net: "
    "Error -99 while binding socket' and the server does not join. Bring the interface up, or "
    "correct the address on every server.",
)
HOSTNAME_LOOPBACK = Code(
    "hostname-loopback",
    Severity.WARNING,
    "this server's own name resolves to a loopback address",
    "The running cluster uses the addresses of cluster.conf and does not mind. But whatever asks "
    "for this server's address by its name gets one that others cannot use: o2cb add-node, and "
    "libvirt for a live migration. In /etc/hosts give the name its public address.",
)


def has_cluster(view: View) -> bool:
    """Be the condition of all that compares with cluster.conf."""
    return view.cluster is not None


def is_in_cluster(view: View) -> bool:
    """Be the condition of all that concerns this server's own node."""
    return view.node is not None


def _is_live_member(view: View) -> bool:
    return is_in_cluster(view) and not view.is_offline


def _nodes(view: View) -> str:
    assert view.cluster is not None
    count = len(view.cluster.nodes)
    return f"cluster {view.cluster.name}, {count} node{'s' if count != 1 else ''}"


@check("cluster-conf", NOT_CONFIGURED, CONF_MISSING, CONF_INVALID, good=_nodes)
def cluster_conf(view: View) -> list[Finding]:
    """Look whether the file is there and good."""
    path = view.paths.cluster_conf
    if not view.is_configured:
        return [
            NOT_CONFIGURED.found(
                f"{view.server} is not part of any server pool: nothing is set up here",
                hint="on the pool's first server: ovs-cluster-configure\n"
                "to join a pool, on a server of it: "
                f"ovs-cluster-configure --add {view.server}=ADDRESS",
            )
        ]
    if view.cluster_conf is None:
        return [
            CONF_MISSING.found(
                f"there is no {path}",
                hint=f"copy it from a server of the pool: scp OTHER:{path} {path}\n"
                "on the pool's first server: ovs-cluster-configure",
            )
        ]
    return [
        CONF_INVALID.found(problem.what, hint=problem.hint or "correct it on every server alike")
        for problem in view.conf_problems
    ]


def _own_node(view: View) -> str:
    assert view.node is not None
    return f"{view.node.name} is node {view.node.number}"


@check("own-node", NODE_MISSING, needs=has_cluster, good=_own_node)
def own_node(view: View) -> list[Finding]:
    """Look whether this host is one of the nodes."""
    assert view.cluster is not None
    if view.node is not None:
        return []
    near = view.cluster.namesake(view.server)
    names = ", ".join(node.name for node in view.cluster.nodes) or "none"
    return [
        NODE_MISSING.found(
            f"this server, {view.server or 'without a name'}, is not in {view.paths.cluster_conf}",
            f"nodes there: {names}",
            hint=f"the host's name must be the node's: hostnamectl set-hostname {near.name}"
            if near
            else f"add it on every server: ovs-cluster-configure --add {view.server}=ADDRESS",
        )
    ]


def _addresses(view: View) -> str:
    assert view.cluster is not None
    own = f"{view.node.ip_address} is here" if view.node and not view.is_offline else ""
    return own or "none of them a loopback address"


@check("addresses", ADDRESS_LOOPBACK, ADDRESS_ELSEWHERE, needs=has_cluster, good=_addresses)
def addresses(view: View) -> list[Finding]:
    """Look at the nodes' addresses, and for this server's own on its interfaces."""
    assert view.cluster is not None
    found = [
        ADDRESS_LOOPBACK.found(
            f"{node.name} has the loopback address {node.ip_address} in {view.paths.cluster_conf}",
            *hosts_lines(view.hosts_file, node.name, node.ip_address),
            hint=f"give {node.name} its public address there, on every server",
        )
        for node in view.cluster.nodes
        if is_loopback(node.ip_address)
    ]
    own = view.node
    if own is None or view.is_offline or is_loopback(own.ip_address):
        return found
    if own.ip_address not in view.addresses:
        here = sorted(each for each in view.addresses if not is_loopback(each))
        found.append(
            ADDRESS_ELSEWHERE.found(
                f"{own.ip_address}, the address of {own.name}, is on no interface here",
                f"addresses here: {', '.join(here) or 'none'}",
                hint="bring the interface up, or correct the address on every server",
            )
        )
    return found


def _resolved(view: View) -> str:
    return f"{view.server} is {', '.join(view.resolved) or 'not known to the resolver'}"


@check("hostname", HOSTNAME_LOOPBACK, needs=_is_live_member, good=_resolved)
def hostname(view: View) -> list[Finding]:
    """Look what the host's own name resolves to."""
    loopback = [address for address in view.resolved if is_loopback(address)]
    if not loopback:
        return []
    own = view.node
    assert own is not None
    return [
        HOSTNAME_LOOPBACK.found(
            f"{view.server} resolves to the loopback address {loopback[0]}",
            *hosts_lines(view.hosts_file, view.server, loopback[0]),
            hint=f"in /etc/hosts give {view.server} the address {own.ip_address}",
        )
    ]


def hosts_lines(text: str, name: str, address: str) -> list[str]:
    """Return the lines of /etc/hosts that give the name, or its first part, the address."""
    wanted = {name.lower(), name.lower().split(".")[0]}
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].lower().split()
        if words[:1] == [address] and wanted & set(words[1:]):
            found.append(f"/etc/hosts:{number}: {line.strip()}")
    return found


CHECKS: tuple[Check, ...] = (cluster_conf, own_node, addresses, hostname)
