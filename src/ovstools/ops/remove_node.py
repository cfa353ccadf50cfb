"""cluster-configure --remove: take another server out of the pool, also one that burnt.

The others' kernels forget it, and the certificate of a guest's start asks about it no more. So it
must be dead for all that can be known, and own no guest.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import OvsError, RefusedError
from ..model import lock_names
from ..model.cluster import Cluster, Node
from ..model.cluster_conf import ClusterConf
from ..model.owner_record import GuestState, OwnerRecord, Unreadable, parse_record
from ..system import filesystems, o2cb, pool_fs
from ..system.host import Host
from . import kept_config, mounting
from .cluster_nodes import describe


def find(host: Host, cluster: Cluster, word: str) -> Node:
    """Return the node that is taken out, or was in a run that did not come to its end.

    word: its name, or as much of it as stands before the first dot. Raises RefusedError when it
    is this server, is alive, may own a guest, or nobody can tell.
    """
    short = [node for node in cluster.nodes if node.name.partition(".")[0] == word]
    node = cluster.node(word) or (short[0] if len(short) == 1 else _half_removed(host, word))
    if node is None:
        names = ", ".join(each.name for each in cluster.nodes)
        raise RefusedError(
            f"there is no node {word} in {host.settings.paths.cluster_conf}",
            f"nodes there: {names}",
        )
    if node == cluster.node_of_host(host.hostname()):
        raise RefusedError(
            f"{node.name} is this server",
            hint="to leave the pool: ovstools cleanup; then, on another server: "
            f"ovs-cluster-configure --remove {node.name}",
        )
    if not host.offline:
        _refuse_alive(host, node)
        _refuse_owner(host, node.name)
    return node


def text_without(conf: ClusterConf, name: str) -> str:
    """Return the file without a node; as it is when the node has gone already."""
    return str(conf.without_node(name)) if conf.cluster.node(name) else str(conf)


def _half_removed(host: Host, name: str) -> Node | None:
    """Find a node that a killed run took out of the file, but not yet everywhere."""
    if host.offline:
        return None
    copy = kept_config.read_copy(host)
    known = (*copy.cluster.nodes, *copy.removed) if copy else ()
    found = next((node for node in known if node.name == name), None)
    kernel = o2cb.read_kernel_cluster(host)
    running = kernel.node(name) if kernel else None
    if found is None and running is not None:
        return Node(running.name, running.number, running.ip_address, running.ip_port)
    return found


def _refuse_alive(host: Host, node: Node) -> None:
    live = o2cb.read_live_nodes(host)
    if node.number in live:
        raise RefusedError(
            f"{node.name} is alive: it heartbeats",
            f"live nodes: {' '.join(map(str, sorted(live)))}; {describe(node)}",
            hint=f"on {node.name}: ovstools cleanup (or at least ovstools services stop); "
            "then here again",
        )
    root = mounting.read_list(host).cluster_root
    if root is not None and (pool_fs.find(host) is None or not live):
        raise RefusedError(
            f"nobody can tell from here whether {node.name} is alive",
            f"the cluster root is listed ({root.source}), but this server does not heartbeat",
            hint="ovstools services start",
        )


def _refuse_owner(host: Host, name: str) -> None:
    """Refuse while an owner record names the server: its guests are not answered yet."""
    lines = list(_owned(host, name))
    if lines:
        raise RefusedError(
            f"{name} is named by the owner records of guests",
            *lines,
            hint="see what became of each: ovstools vm list; ovstools vm show GUEST\n"
            "the master starts them elsewhere when it has proof that they do not run there",
        )


def _owned(host: Host, name: str) -> Iterator[str]:
    pool = pool_fs.find(host)
    folder = f"{pool.folder}/{lock_names.FOLDER}" if pool else ""
    for lock in host.names(folder) if pool else ():
        if not lock_names.is_guest(lock):
            continue
        guest = lock[len(lock_names.GUEST_PREFIX) :]
        try:
            text = host.run(filesystems.cat(f"{folder}/{lock}")).stdout
        except OvsError as error:
            yield f"{guest}: its record cannot be read: {error.what}"
            continue
        record = parse_record(text.encode())
        if isinstance(record, Unreadable):
            yield f"{guest}: its record cannot be relied on ({record.reason}): it may be there"
        elif (
            isinstance(record, OwnerRecord)
            and record.state is not GuestState.STOPPED
            and name in record.nodes
        ):
            target = f" to {record.target}" if record.target else ""
            yield f"{guest}: {record.state.value}{target}, owner {record.owner}"
