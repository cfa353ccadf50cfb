"""A cluster and its nodes, and the rules that o2cb and the kernel have for their names.

Sources: o2cb(8); the kernel's fs/ocfs2/cluster/nodemanager.c (numbers, name length); op_register.c
of ocfs2-tools 1.8.7 (which node is this host).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import UsageError

DEFAULT_PORT = 7777
MAX_NODE_NUMBER = 254
MAX_NODE_NAME = 64  # O2NM_MAX_NAME_LEN in ocfs2_nodemanager.h
HEARTBEAT_MODES = ("local", "global")

CLUSTER_NAME = re.compile(r"[A-Za-z0-9]{1,16}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
NODE_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_OPTION = re.compile(r"(?P<name>[^=]*)=(?P<ip>[^:#]*)(?::(?P<port>[^#]*))?(?:#(?P<number>.*))?")


@dataclass(frozen=True)
class Node:
    """A cluster member: a ``node:`` stanza."""

    name: str
    number: int
    ip_address: str
    ip_port: int = DEFAULT_PORT


@dataclass(frozen=True)
class Cluster:
    """What cluster.conf says, free of its spelling."""

    name: str
    nodes: tuple[Node, ...] = ()
    heartbeat_mode: str = "local"
    regions: tuple[str, ...] = ()  #: of global heartbeat

    def node(self, name: str) -> Node | None:
        """Find a node by its exact name."""
        return next((node for node in self.nodes if node.name == name), None)

    def numbered(self, number: int) -> Node | None:
        """Find a node by its number."""
        return next((node for node in self.nodes if node.number == number), None)

    def node_of_host(self, hostname: str) -> Node | None:
        """Find the node that o2cb takes for the host with this name."""
        return next((node for node in self.nodes if is_name_of_host(node.name, hostname)), None)

    def namesake(self, hostname: str) -> Node | None:
        """Find a node that shares the host's short name, though o2cb may not accept it."""
        return next(
            (node for node in self.nodes if short_name(node.name) == short_name(hostname)), None
        )

    @property
    def lowest_number(self) -> int | None:
        """Name the lowest node number, or None while there is no node."""
        return min((node.number for node in self.nodes), default=None)


def short_name(name: str) -> str:
    """Cut a name at its first dot, in lower case."""
    return name.split(".", 1)[0].lower()


def is_name_of_host(node_name: str, hostname: str) -> bool:
    """Judge as o2cb does whether a node is this host (node_is_local() in op_register.c).

    Case does not count, and the node's name may stop at a dot of the host's name. The reverse does
    not hold: node ``vm1.example.com`` is not the host ``vm1``.
    """
    node_name, hostname = node_name.lower(), hostname.lower()
    return bool(node_name) and (hostname == node_name or hostname.startswith(node_name + "."))


def is_node_name(name: str) -> bool:
    """Tell whether the name is a host name that the kernel has room for."""
    return len(name) <= MAX_NODE_NAME and NODE_NAME.fullmatch(name) is not None


def is_ipv4(text: str) -> bool:
    """Tell whether it is a dotted quad as inet_pton(3) reads it: no leading zeros."""
    return IPV4.fullmatch(text) is not None


def is_loopback(ip_address: str) -> bool:
    """Tell whether other servers cannot reach this address: 127/8 and 0.0.0.0."""
    return is_ipv4(ip_address) and (ip_address.startswith("127.") or ip_address == "0.0.0.0")


def parse_number(text: str, lowest: int, highest: int) -> int | None:
    """Read a decimal number within limits, or None."""
    if not re.fullmatch(r"\+?[0-9]{1,9}", text, re.ASCII):
        return None
    number = int(text)
    return number if lowest <= number <= highest else None


@dataclass(frozen=True)
class NodeOption:
    """One ``--node`` of cluster-configure; without a number the lowest free one is taken."""

    name: str
    ip_address: str
    ip_port: int = DEFAULT_PORT
    number: int | None = None


def parse_node_option(word: str) -> NodeOption:
    """Read ``NAME=IP[:PORT][#NUMBER]``."""
    match = _OPTION.fullmatch(word)
    if not match:
        raise UsageError(f"expected NAME=IP[:PORT][#NUMBER], found {word!r}")
    name, ip_address, port, number = match.group("name", "ip", "port", "number")
    if not is_node_name(name):
        raise UsageError(
            f"{name!r} in {word!r} is not a host name",
            hint="use what `hostname` prints on that server",
        )
    if not is_ipv4(ip_address):
        raise UsageError(f"{ip_address!r} in {word!r} is not an IPv4 address")
    ip_port = DEFAULT_PORT if port is None else parse_number(port, 1, 65535)
    if ip_port is None:
        raise UsageError(f"{port!r} in {word!r} is not a port from 1 to 65535")
    node_number = None if number is None else parse_number(number, 0, MAX_NODE_NUMBER)
    if number is not None and node_number is None:
        raise UsageError(f"{number!r} in {word!r} is not a node number from 0 to 254")
    return NodeOption(name, ip_address, ip_port, node_number)


def number_nodes(options: Iterable[NodeOption], taken: Iterable[int] = ()) -> tuple[Node, ...]:
    """Give each option a node number: its own, else the lowest free one."""
    wanted = tuple(options)
    used = set(taken)
    for option in wanted:
        if option.number in used:
            raise UsageError(f"node number {option.number} of {option.name} is already taken")
        if option.number is not None:
            used.add(option.number)
    nodes = []
    for option in wanted:
        number = option.number
        if number is None:
            number = next((n for n in range(MAX_NODE_NUMBER + 1) if n not in used), None)
        if number is None:
            raise UsageError(f"no node number from 0 to 254 is left for {option.name}")
        used.add(number)
        nodes.append(Node(option.name, number, option.ip_address, option.ip_port))
    return tuple(nodes)
