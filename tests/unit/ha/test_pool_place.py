"""Where the pool file system is, and which region stands for it: on a disk, and on NFS."""

from __future__ import annotations

import os
import shutil

import pytest

from ovstools.ha import agent_place, pool_place
from ovstools.ha.driver.place import Place
from ovstools.ha.pool_place import Missing, PoolPlace
from ovstools.ops import repositories
from tests.fakes.machine import FakeMachine
from tests.fakes.repositories import listed_pool, listed_pool_on_nfs

NFS_FOLDER = "/run/ovs/poolfs"


def start(machine: FakeMachine) -> None:
    request = repositories.Request("start")
    machine.carry_out(lambda host: repositories.plan(host, request))


def test_on_a_disk(machine: FakeMachine) -> None:
    root, _ = listed_pool(machine)
    start(machine)
    found = pool_place.find(machine.host())
    assert found == PoolPlace("/OVS/.ovs", os.makedev(8, 17))
    assert pool_place.region(machine.host()) == root


def test_on_nfs(machine: FakeMachine) -> None:
    """The region is the heartbeat file's; the list has the UUID of the export."""
    listed_pool_on_nfs(machine)
    start(machine)
    host = machine.host()
    assert pool_place.find(host) == PoolPlace(NFS_FOLDER, os.makedev(7, 0))
    region = pool_place.region(host)
    assert region is not None and machine.kernel.refs[region] == 1
    assert f"HEARTBEAT_UUID={region}\n" in machine.read("/OVS/.ovsrepo")
    assert region not in machine.read("/etc/ovs/repositories")


def test_on_nfs_without_the_heartbeat_file(machine: FakeMachine) -> None:
    """An export alone is no place for locks."""
    listed_pool_on_nfs(machine)
    start(machine)
    machine.kernel.umount(NFS_FOLDER)
    assert isinstance(pool_place.find(machine.host()), Missing)
    assert isinstance(agent_place.find(machine.host()), Missing)


@pytest.mark.parametrize("is_beating", [True, False])
def test_a_region_that_does_not_beat_is_none(machine: FakeMachine, is_beating: bool) -> None:
    listed_pool_on_nfs(machine)
    start(machine)
    host = machine.host()
    region = pool_place.region(host)
    if not is_beating:
        machine.write(f"/sys/kernel/config/cluster/ocfs2/heartbeat/{region}/pid", "\n")
    assert (pool_place.region(host) == region) is is_beating


def test_the_surroundings_are_looked_at_again_when_something_has_changed(
    machine: FakeMachine,
) -> None:
    listed_pool(machine)
    search = agent_place.Search(machine.host())
    assert isinstance(search(), Missing)
    start(machine)
    found = search()
    assert isinstance(found, Place) and search() is found
    path = "/etc/ocfs2/cluster.conf"
    machine.write(path, f"{machine.read(path)}# another version\n")
    again = search()
    assert isinstance(again, Place) and again is not found and found.is_same(again)
    node = machine.host().path("/sys/kernel/config/cluster/ocfs2/node")
    other = next(each for each in node.iterdir() if (each / "local").read_text().strip() == "0")
    other.rename(other.with_name("aside"))
    shutil.copytree(node / "aside", other)
    (node / "aside").rename(machine.host().path("/aside"))
    machine.write(f"/sys/kernel/config/cluster/ocfs2/node/{other.name}/num", "9\n")
    renumbered = search()
    assert isinstance(renumbered, Place) and not renumbered.is_same(again)
    machine.kernel.umount("/OVS")
    assert isinstance(search(), Missing)
