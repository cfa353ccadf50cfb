"""Which servers have a volume mounted, by the slot map on it, and what they are called."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from ..errors import OvsError
from ..model.cluster_conf import ClusterConf
from ..system import o2cb, ocfs2
from ..system.host import Host


@dataclass(frozen=True)
class Holder:
    """A node that has a slot; is_live: None where the live nodes cannot be seen.

    One that is not live crashed, or its storage stalls: its slot stays until it is recovered.
    """

    number: int
    name: str
    is_live: bool | None


def read(host: Host, device: str) -> tuple[Holder, ...]:
    """Return the nodes in a volume's slot map; none can be told of what is not readable.

    Raises RefusedError then. One that is not in cluster.conf is named by its number.
    """
    names, live = node_names(host), _live(host)
    return tuple(
        Holder(
            number, names.get(number, f"node {number}"), None if live is None else number in live
        )
        for number in sorted(set(ocfs2.read_slots(host, device).values()))
    )


def others(host: Host, device: str) -> tuple[str, ...]:
    """Return the names of the other servers that have a volume mounted."""
    kernel = o2cb.read_kernel_cluster(host)
    own = kernel.local_node.number if kernel and kernel.local_node else None
    return tuple(each.name for each in read(host, device) if each.number != own)


def node_names(host: Host) -> dict[int, str]:
    """Return the names of the nodes in cluster.conf by their numbers; none when it is not good."""
    path = host.settings.paths.cluster_conf
    with contextlib.suppress(OvsError):
        text = host.read(path)
        if text is not None:
            return {n.number: n.name for n in ClusterConf.parse(text, path).cluster.nodes}
    return {}


def _live(host: Host) -> frozenset[int] | None:
    try:
        return o2cb.read_live_nodes(host) if o2cb.has_debugfs(host) else None
    except (OvsError, OSError):  # debugfs is root's alone
        return None
