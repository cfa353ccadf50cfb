"""What the one cluster root of a server rules out: a second one, and repositories without it."""

from __future__ import annotations

from ..errors import RefusedError
from ..model.repositories import Repository, RepositoryList
from ..system import mounts
from ..system.host import Host
from .volume import SHARED


def second(root: Repository) -> RefusedError:
    """Return the refusal of another cluster root than the listed one."""
    return RefusedError(
        "this server has a cluster root already, and there is only one",
        f"{root.uuid or '-'} {root.source}",
        hint=f"ovs-offlinerepo -d {root.uuid or root.source}, or register this one with 1",
    )


def refuse_without(host: Host, shared: str, listed: RepositoryList) -> None:
    """Raise RefusedError when a repository that is no cluster root would be mounted below none.

    A local one (0) needs it only where the list has one: then it would be hidden below its mount.
    """
    root = listed.cluster_root
    top = host.settings.paths.cluster_root
    if root is None and shared != SHARED:
        return
    if root is None or mounts.read_mounts(host).at(top) is None:
        raise RefusedError(
            f"{top} is not the cluster root on this server, so nothing is mounted below it",
            f"listed: {root.source}" if root else "no cluster root is listed",
            hint="ovstools repositories start" if root else "ovs-makerepo SOURCE C DESCRIPTION",
        )
