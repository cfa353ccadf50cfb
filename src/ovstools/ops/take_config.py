"""Take over the pool's configuration on this server: files, running kernel, and the record.

Only what the pool shares changes: this server's own repositories and options stay.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import RefusedError
from ..model.cluster_conf import ClusterConf, same_meaning
from ..model.pool_config import PoolConfig
from ..model.repositories import Repository, RepositoryList, format_line
from ..model.repository_options import RepositoryOptions
from ..system.host import Host
from . import cluster_online, kept_config, mounting
from .cluster_nodes import own_node
from .plan import Step, edit_step


def steps(host: Host, config: PoolConfig) -> list[Step]:
    """Return the steps; none when all is so already.

    Raises RefusedError when this host is none of the pool's nodes, or when the running kernel
    or the list of repositories does not fit.
    """
    path = host.settings.paths.cluster_conf
    own_node(host, config.cluster, "the pool's configuration")
    before = host.read(path)
    is_same = before is not None and same_meaning(ClusterConf.parse(before, path), config.cluster)
    text = before if is_same and before is not None else config.conf
    removed = [node.name for node in config.removed]
    listing = list_steps(host, config)
    return [
        *cluster_online.steps(host, text, config.cluster, config.timing, removed),
        *listing,
        *kept_config.record_steps(host, config),
    ]


def list_steps(host: Host, config: PoolConfig) -> list[Step]:
    """Return the steps that bring the pool's repositories and options into this server's files."""
    paths = host.settings.paths
    known = mounting.read_list(host)
    wanted = with_shared(known, config.repositories, paths.repositories)
    options = mounting.read_options(host)
    for key, value in config.options:
        options = options.with_entry(key, value)
    return [
        *_edit(host, "list the pool's repositories in", paths.repositories, known, wanted),
        *_edit(host, "write their mount options to", paths.repository_options,
               mounting.read_options(host), options),
    ]  # fmt: skip


def with_shared(known: RepositoryList, shared: Iterable[Repository], path: str) -> RepositoryList:
    """Return the list with these repositories; one that is listed keeps its own line.

    A device may have another name here. Raises RefusedError for another cluster root.
    """
    for each in shared:
        root = known.cluster_root
        if each.cluster_root and root is not None and root.uuid not in (None, each.uuid):
            raise RefusedError(
                f"{path} has another cluster root than the pool",
                f"here: {format_line(root)}",
                f"in the pool: {format_line(each)}",
                hint=f"if this server shall leave that one: ovs-offlinerepo -d {root.uuid}",
            )
        there = known.by_uuid(each.uuid or "")
        if there is None:
            known = known.with_repository(each)
        elif there.cluster_root != each.cluster_root:
            raise RefusedError(
                f"{path} says otherwise than the pool which repository is the cluster root",
                f"here: {format_line(there)}",
                f"in the pool: {format_line(each)}",
                hint=f"correct its line in {path} (@ is the cluster root)",
            )
    return known


def _edit(
    host: Host, title: str, path: str,
    before: RepositoryList | RepositoryOptions, after: RepositoryList | RepositoryOptions,
) -> list[Step]:  # fmt: skip
    if str(before) == str(after):
        return []
    return edit_step(f"{title} {path}", path, host.read(path), str(after))
