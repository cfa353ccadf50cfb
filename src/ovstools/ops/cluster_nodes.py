"""Which nodes a cluster has, and which of them this host is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from ..errors import ParseError, RefusedError, UsageError
from ..model.cluster import (
    Cluster,
    Node,
    NodeOption,
    is_loopback,
    number_nodes,
    parse_node_option,
)
from ..model.cluster_conf import ClusterConf, format_cluster_conf, same_meaning
from ..system.files import read_text
from ..system.host import Host


def own_node(host: Host, cluster: Cluster, source: str) -> Node:
    """Return the node that is this host.

    Raises RefusedError when there is none, or it has an address that other servers cannot
    reach or that no interface here has (o2net binds to it: "Error -99 while binding socket").
    """
    name = host.hostname()
    node = cluster.node_of_host(name)
    if node is None:
        near = cluster.namesake(name)
        names = ", ".join(each.name for each in cluster.nodes) or "none"
        raise RefusedError(
            f"this server, {name}, is not in {source}",
            f"nodes there: {names}",
            hint=f"o2cb wants the host's name, or its beginning up to a dot: name the node "
            f"{name}, or: hostnamectl set-hostname {near.name}"
            if near
            else f"add it on a server of the pool: ovs-cluster-configure --add {name}=ADDRESS",
        )
    refuse_loopback(host, node.name, node.ip_address, source)
    if not host.offline and node.ip_address not in host.addresses():
        raise RefusedError(
            f"{node.ip_address}, the address of {node.name} in {source}, is on no interface here",
            f"addresses here: {', '.join(sorted(host.addresses()))}",
            hint="correct the address, or bring the interface up",
        )
    return node


def node_options(
    host: Host, words: Iterable[str], nodes_from: str | None
) -> tuple[NodeOption, ...]:
    """Read the nodes of the command line, and of a file that it names (a node a line)."""
    found = list(words)
    if nodes_from is not None:
        # A file that the user names is the user's own, not one below --root.
        text = read_text(Path(nodes_from))
        if text is None:
            raise RefusedError(f"there is no file {nodes_from}")
        lines = [line.strip() for line in text.splitlines()]
        found += [line for line in lines if line and not line.startswith("#")]
        if not found:
            raise UsageError(f"{nodes_from} names no node", hint="a line each: NAME=IP")
    options = tuple(parse_node_option(word) for word in found)
    for option in options:
        refuse_loopback(host, option.name, option.ip_address, "--node")
    return options


def option_of_host(host: Host) -> NodeOption:
    """Return this host as a node: its name, and the address that the name resolves to."""
    name = host.hostname()
    if host.offline:
        raise UsageError("with --root, name the nodes: --node NAME=IP")
    found = host.resolve_name(name)
    if not found:
        raise RefusedError(
            f"the host's name, {name}, does not resolve to an IPv4 address",
            hint=f"add to /etc/hosts: ADDRESS {name} {name.split('.')[0]}",
        )
    for address in found:
        refuse_loopback(host, name, address, "by name resolution")
    here = [address for address in found if address in host.addresses()]
    return parse_node_option(f"{name}={(here or list(found))[0]}")


def refuse_loopback(host: Host, name: str, address: str, source: str) -> None:
    """Refuse what other servers cannot reach; the white paper's special considerations."""
    if not is_loopback(address):
        return
    short = name.split(".")[0]
    if source.startswith("--"):
        raise RefusedError(
            f"{name} has the loopback address {address} ({source}): no other server can reach it",
            hint="give the address that the other servers reach it at",
        )
    lines = [
        f"/etc/hosts:{number}: {line}"
        for number, line in enumerate((host.read("/etc/hosts") or "").splitlines(), 1)
        if line.split("#")[0].split()[:1] == [address]
        and {name, short} & set(line.split("#")[0].split()[1:])
    ]
    raise RefusedError(
        f"{name} has the loopback address {address} ({source}): no other server can reach it",
        *lines,
        hint=f"give {short} its public address in /etc/hosts, "
        f"and take it off the line of {address}",
    )


def new_text(host: Host, options: tuple[NodeOption, ...], cluster_name: str) -> str:
    """Return a new cluster.conf: these nodes, or this host alone when there are none."""
    nodes = number_nodes(options or (option_of_host(host),))
    try:
        return format_cluster_conf(Cluster(cluster_name, nodes))
    except ParseError as error:
        raise UsageError(f"these nodes make no cluster: {error.what}") from error


def refuse_difference(
    conf: ClusterConf, options: tuple[NodeOption, ...], cluster_name: str | None
) -> None:
    """Raise RefusedError when the file says something else than was asked for."""
    if cluster_name and cluster_name != conf.cluster.name:
        raise RefusedError(
            f"{conf.source} is there, and its cluster is {conf.cluster.name}, not {cluster_name}",
            hint="cluster-configure never overwrites it",
        )
    if not options:
        return
    there = conf.cluster
    asked = number_nodes(options)
    added = [node for node in asked if node not in there.nodes]
    is_superset = all(node in asked for node in there.nodes)
    if not same_meaning(Cluster(there.name, asked, there.heartbeat_mode, there.regions), conf):
        raise RefusedError(
            f"{conf.source} is there and says something else than the nodes asked for",
            *(f"there: {describe(node)}" for node in there.nodes),
            *(f"asked: {describe(node)}" for node in asked),
            hint="\n".join(
                f"ovs-cluster-configure --add {node.name}={node.ip_address}:{node.ip_port}"
                f"#{node.number}"
                for node in added
            )
            if is_superset
            else "it is never overwritten; to add a node: ovs-cluster-configure --add NAME=IP",
        )


def with_added(host: Host, conf: ClusterConf, word: str, removed: Collection[Node] = ()) -> str:
    """Return the file with one more node; as it is when the node is there already.

    removed: nodes that were taken out. One that comes back gets its number again, and nobody
    else does unless told to: it might heartbeat once more, in its old slot.
    """
    option = parse_node_option(word)
    refuse_loopback(host, option.name, option.ip_address, "--add")
    known = conf.cluster.node(option.name)
    if known is not None:
        same = (known.ip_address, known.ip_port) == (option.ip_address, option.ip_port)
        if same and option.number in (None, known.number):
            return str(conf)
        raise RefusedError(
            f"{conf.source} has a node {option.name} already, and it is another",
            f"there: {describe(known)}",
            f"asked: {word}",
        )
    taken = {each.number for each in conf.cluster.nodes}
    again = next((each.number for each in removed if each.name == option.name), None)
    if option.number is None and again is not None and again not in taken:
        option = replace(option, number=again)
    if option.number is None:
        taken |= {each.number for each in removed}
    try:
        (node,) = number_nodes((option,), taken)
        return str(conf.with_node(node))
    except (UsageError, ParseError) as error:
        raise RefusedError(f"cannot add {word}: {error.what}", hint=error.hint) from error


def describe(node: Node) -> str:
    """Return a node in words."""
    return f"node {node.number}: {node.name} at {node.ip_address}:{node.ip_port}"
