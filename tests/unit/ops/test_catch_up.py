"""A server that was away from a pool on NFS: newer files come between mount and heartbeat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ovstools.model.command import Result
from ovstools.model.pool_config import parse_config
from ovstools.ops import cluster_configure, makerepo, repositories
from ovstools.ops.plan import Plan
from ovstools.system.host import Host
from tests.conftest import new_machine
from tests.fakes.joined import make_pool
from tests.fakes.machine import FakeMachine
from tests.fakes.nfs import FakeFileServer

SOURCE = "fileserver.example.com:/OVS"
COPY = "/OVS/.ovs/config.json"
ADD = "vmserver4.example.com=192.168.100.103"
NODE = "/sys/kernel/config/cluster/ocfs2/node/vmserver4.example.com/num"


@pytest.fixture
def make(tmp_path: Path) -> Callable[[int], FakeMachine]:
    """Return what makes vmserver N+1 with the root on NFS mounted."""
    server = FakeFileServer(tmp_path / "exports")
    server.export("/OVS")

    def made(number: int) -> FakeMachine:
        machine = new_machine(tmp_path, number, {})
        machine.join_cluster()
        machine.nfs.use(server)
        request = makerepo.Request(SOURCE, "C", "Root")
        machine.carry_out(lambda host: makerepo.plan(host, request))
        machine.commands.clear()
        return machine

    return made


def do(action: str) -> Callable[[Host], Plan]:
    return lambda host: repositories.plan(host, repositories.Request(action))


def add(machine: FakeMachine) -> None:
    request = cluster_configure.Request(add=ADD)
    machine.carry_out(lambda host: cluster_configure.plan(host, request))


def test_taken_over_before_the_heartbeat(make: Callable[[int], FakeMachine]) -> None:
    one, two = make(0), make(1)
    two.carry_out(do("stop"))
    add(one)
    assert parse_config(one.read(COPY), COPY).generation == 1
    two.commands.clear()
    two.carry_out(do("start"))
    assert two.read(NODE) == "3\n"
    order = [line for line in two.commands if line.startswith(("mount", "o2cb", "systemctl"))]
    changed = next(i for i, line in enumerate(order) if not line.startswith("mount"))
    assert order[0].startswith("mount -t nfs")
    assert 0 < changed < next(i for i, line in enumerate(order) if "-t ocfs2" in line)
    assert "generation=1" in two.read("/etc/ovs/pool-config")
    again = two.carry_out(do("start"))
    assert again.steps == ()


def test_taken_over_by_makerepo_as_well(make: Callable[[int], FakeMachine]) -> None:
    one, two = make(0), make(1)
    two.carry_out(do("stop"))
    add(one)
    two.carry_out(lambda host: makerepo.plan(host, makerepo.Request(SOURCE, "C", "Root")))
    assert two.read(NODE) == "3\n"


def test_the_lock_is_on_the_pool_file_system(make: Callable[[int], FakeMachine]) -> None:
    one = make(0)
    add(one)
    assert (one.root / "run/ovs/poolfs/locks/config").exists()
    assert not (one.root / "OVS/.ovs/locks").exists(), "no lock on NFS"


def test_what_the_volume_did_not_show_yet_is_taken_after_the_mount(tmp_path: Path) -> None:
    """OCFS2's journal may not be written home: debugfs.ocfs2 reads what was there before."""
    one, two, *_ = make_pool(tmp_path, 2)
    two.kernel.umount("/OVS")
    add(one)
    two.tools["debugfs.ocfs2"] = lambda command: (
        Result(0, "", "cat: not found")
        if "config.json" in command.argv[2]
        else Result(0, *two.disk(command.argv[3]).debugfs(command.argv[2]))
    )
    two.carry_out(do("start"))
    assert two.read(NODE) == "2\n"
    order = [line.split()[0] for line in two.commands]
    assert order.index("mount") < order.index("o2cb")
