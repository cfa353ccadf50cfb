"""What the servers of the pool publish of their ssh keys, on the pool file system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import OvsError, RefusedError, ToolError
from ..model.cluster import Cluster, Node, is_loopback, is_node_name
from ..model.cluster_conf import ClusterConf
from ..model.ssh_keys import PublicKey, Published, parse_public_key, parse_published
from ..system import ssh
from ..system.host import Host
from .cluster_nodes import own_node

FOLDER = "ssh"


@dataclass(frozen=True)
class Servers:
    """The pool's other servers: what each publishes; unusable: why a file cannot be used."""

    me: Node
    published: Mapping[Node, Published] = field(default_factory=dict)
    silent: tuple[Node, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)


def read_nodes(host: Host) -> tuple[Node, Cluster]:
    """Return this server's node, and the cluster; raise RefusedError when it is in none."""
    path = host.settings.paths.cluster_conf
    text = host.read(path)
    if text is None:
        raise RefusedError(
            f"this server is in no cluster: there is no {path}", hint="ovs-cluster-configure"
        )
    cluster = ClusterConf.parse(text, path).cluster
    return own_node(host, cluster, path), cluster


def path_of(folder: str, node: Node) -> str:
    """Return where a server publishes; folder: the pool file system.

    Raises RefusedError for a name that is no host's: it must not become a path.
    """
    if not is_node_name(node.name):
        raise RefusedError(f"{node.name!r} in cluster.conf is no host name")
    return f"{folder}/{FOLDER}/{node.name}.pub"


def read_others(host: Host, folder: str) -> Servers:
    """Return what the others publish; a file that cannot be used is told, and left alone."""
    me, cluster = read_nodes(host)
    published, silent, unusable = {}, [], {}
    for node in cluster.nodes:
        if node == me:
            continue
        try:
            path = path_of(folder, node)
            text = host.read(path)
            if text is None:
                silent.append(node)
            else:
                published[node] = parse_published(text, path)
        except OvsError as error:
            unusable[node.name] = error.what
    return Servers(me, published, tuple(silent), unusable)


def own(host: Host, me: Node) -> Published:
    """Return what this server has to publish; its key pair is there.

    Raises RefusedError without an sshd's host key, or when the private key cannot be used.
    """
    host_keys = tuple(
        parse_public_key(text, path)
        for path in ssh.HOST_KEYS
        if (text := host.read(path)) is not None
    )
    if not host_keys:
        raise RefusedError(
            "this server has no ssh host key",
            f"none of {', '.join(ssh.HOST_KEYS)}",
            hint="install openssh-server, or: ssh-keygen -A",
        )
    here = [
        each
        for each in host.resolve_name(me.name)
        if each in host.addresses() and not is_loopback(each)
    ]
    return Published(host_keys, public_half(host), tuple(dict.fromkeys((me.ip_address, *here))))


def public_half(host: Host) -> PublicKey:
    """Return the public half of this server's private key, as the private one has it."""
    path = ssh.key_path(host.settings.paths)
    try:
        return parse_public_key(host.run(ssh.public_half(path)).stdout, path)
    except (ToolError, RefusedError) as error:
        raise RefusedError(
            f"{path} is no private key that can be used without a passphrase",
            error.what,
            hint=f"move it away, and run the command again: mv {path} {path}.old",
        ) from error
