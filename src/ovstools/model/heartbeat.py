"""What the kernel says of the running cluster: live nodes, configfs, and how it differs.

Sources: the kernel's fs/ocfs2/cluster/heartbeat.c and nodemanager.c (configfs and debugfs files).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import ParseError
from .cluster import MAX_NODE_NUMBER, Cluster, Node, parse_number
from .timing import Timing


def parse_node_numbers(text: str, source: str = "o2hb/livenodes") -> frozenset[int]:
    """Read debugfs' livenodes or connected_nodes: numbers with spaces between; may be empty."""
    numbers = set()
    for word in text.split():
        number = parse_number(word, 0, MAX_NODE_NUMBER)
        if number is None:
            raise ParseError(source, 1, "node numbers from 0 to 254", text)
        numbers.add(number)
    return frozenset(numbers)


def format_node_numbers(numbers: frozenset[int]) -> str:
    """Write node numbers as the kernel does, in rising order."""
    return " ".join(str(number) for number in sorted(numbers)) + "\n"


@dataclass(frozen=True)
class KernelNode:
    """A node that is registered in configfs."""

    name: str
    number: int
    ip_address: str
    ip_port: int
    is_local: bool = False


@dataclass(frozen=True)
class Region:
    """A heartbeat area; device and pid read empty in configfs while it does not heartbeat."""

    uuid: str
    device: str
    pid: int | None = None

    @property
    def is_active(self) -> bool:
        """Tell whether a kernel thread heartbeats there."""
        return self.pid is not None


@dataclass(frozen=True)
class KernelCluster:
    """The one cluster that configfs holds."""

    name: str
    nodes: tuple[KernelNode, ...]
    dead_threshold: int
    idle_ms: int
    keepalive_ms: int
    reconnect_ms: int
    mode: str = "local"
    regions: tuple[Region, ...] = ()

    @property
    def local_node(self) -> KernelNode | None:
        """Find the node that the kernel takes for this server."""
        return next((node for node in self.nodes if node.is_local), None)

    @property
    def is_online(self) -> bool:
        """Tell whether o2cb(8) calls it online: a local node, and a region in global mode."""
        if self.local_node is None:
            return False
        return self.mode != "global" or any(region.is_active for region in self.regions)

    @property
    def timing(self) -> Timing:
        """Name the values in force."""
        return Timing(self.dead_threshold, self.idle_ms, self.keepalive_ms, self.reconnect_ms)

    def node(self, name: str) -> KernelNode | None:
        """Find a node by its name."""
        return next((node for node in self.nodes if node.name == name), None)

    def region(self, uuid: str) -> Region | None:
        """Find a region by its UUID."""
        return next((region for region in self.regions if region.uuid == uuid), None)


def differences(kernel: KernelCluster, cluster: Cluster, timing: Timing | None = None) -> list[str]:
    """Say how the running cluster differs from the files; without timing, leave that out."""
    found = []
    if kernel.name != cluster.name:
        found.append(f"the kernel runs cluster {kernel.name}, cluster.conf names {cluster.name}")
    if kernel.mode != cluster.heartbeat_mode:
        found.append(
            f"the kernel's heartbeat mode is {kernel.mode}, cluster.conf says "
            f"{cluster.heartbeat_mode}"
        )
    found += _node_differences(kernel, cluster)
    if kernel.local_node is None:
        found.append("the kernel takes no node for this server")
    if timing is not None:
        found += _timing_differences(kernel.timing, timing)
    return found


def _node_differences(kernel: KernelCluster, cluster: Cluster) -> Iterator[str]:
    for node in cluster.nodes:
        running = kernel.node(node.name)
        if running is None:
            yield f"node {node.name} is in cluster.conf, but not registered in the kernel"
        elif _identity(running) != _identity(node):
            yield (
                f"node {node.name} is {_identity(running)} in the kernel, "
                f"{_identity(node)} in cluster.conf"
            )
    for running in kernel.nodes:
        if cluster.node(running.name) is None:
            yield f"node {running.name} is registered in the kernel, but not in cluster.conf"


def _identity(node: KernelNode | Node) -> str:
    return f"number {node.number} at {node.ip_address}:{node.ip_port}"


def _timing_differences(running: Timing, wanted: Timing) -> Iterator[str]:
    wanted_values = wanted.to_vars()
    for variable, value in running.to_vars().items():
        if value != wanted_values[variable]:
            yield f"{variable} is {value} in the kernel, {wanted_values[variable]} is set"
