"""The agent's surroundings on a real server: kernel, keeper, hypervisors, pool file system."""

from __future__ import annotations

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
