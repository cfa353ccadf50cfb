"""The agent's surroundings on a real server: kernel, keeper, hypervisors, pool file system."""

from __future__ import annotations

import os
from typing import Union

from ..model.mountinfo import MountTable
from ..model.repositories import RepositoryList
from ..system import mounts, o2cb
from ..system.host import Host
from . import pool_place
from .driver.membership import KernelMembership
from .driver.place import Place
from .hypervisors.here import hypervisors_here
from .keeper_client import KeeperClient
from .kept_locks import SOCKET
from .pool_place import Missing


class Search:
    """Finds the surroundings again and again; looks closely only at what has changed since."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._found: Union[Place, Missing] = Missing("not searched yet", "")
        self._traces: tuple[object, ...] = ()

    def __call__(self) -> Union[Place, Missing]:
        """Return the surroundings, the same ones as long as mounts and cluster are the same."""
        traces = self._look()
        if isinstance(self._found, Missing) or traces != self._traces:
            self._found, self._traces = find(self._host), traces
        return self._found

    def _look(self) -> tuple[object, ...]:
        """Read what follows every change: another mount, another node in file or kernel.

        A node that the kernel forgot and got anew, with another number, has another folder.
        """
        host, paths = self._host, self._host.settings.paths
        folders = [f"{o2cb.CONFIGFS}/{name}/node" for name in host.names(o2cb.CONFIGFS)]
        nodes = [f"{folder}/{name}" for folder in folders for name in host.names(folder)]
        places = (paths.cluster_conf, paths.repositories, *nodes)
        return (mounts.read_mounts(host), *((place, _version(host, place)) for place in places))


def _version(host: Host, path: str) -> tuple[int, int, int] | None:
    """Tell one file or folder from the next in its place, without reading: it may be broken."""
    try:
        info = os.stat(host.file(path))
    except OSError:
        return None
    return info.st_ino, info.st_mtime_ns, info.st_size


def find(host: Host) -> Union[Place, Missing]:
    """Return the surroundings, or what is missing yet: the agent waits for that."""
    cluster = o2cb.read_kernel_cluster(host)
    identity = pool_place.identity(host)
    if isinstance(identity, Missing):
        return identity
    found = pool_place.find(host)
    if isinstance(found, Missing):
        return found
    region = pool_place.region(host)
    if region is None:
        listed = host.settings.paths.repositories
        return Missing(f"{listed} has no cluster root", "ovs-makerepo SOURCE C DESCRIPTION")
    run = host.path(host.settings.paths.run)
    program = host.settings.ha.notify
    return Place(
        identity=identity,
        io=found.io(host.clock),
        keeper=KeeperClient(str(run / SOCKET), host.clock),
        membership=KernelMembership(host, region, identity.number, identity.dead_s),
        hypervisors=hypervisors_here(host),
        run=run,
        say=host.talk.notice,
        repositories=lambda: mounted_repositories(host),
        notify="" if program == "none" else program,
        hang_s=0.0 if cluster is None else cluster.timing.split_s,
    )


def mounted_repositories(host: Host) -> frozenset[str]:
    """Return the UUIDs of the listed repositories that are mounted here."""
    table: MountTable = mounts.read_mounts(host)
    root = host.settings.paths.cluster_root
    listed = RepositoryList.parse(host.read(host.settings.paths.repositories) or "").repositories
    places = {each.uuid: root if each.cluster_root else f"{root}/{each.uuid}" for each in listed}
    return frozenset(uuid for uuid, place in places.items() if uuid and table.at(place))
