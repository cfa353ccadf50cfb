"""o2cb as configfs and debugfs show it."""

from __future__ import annotations

import pytest

from ovstools.errors import ParseError, ToolError
from ovstools.model.heartbeat import KernelNode, Region
from ovstools.settings import Limits, Settings
from ovstools.system import o2cb
from ovstools.system.host import Host
from tests.fakes.machine import FakeMachine

BASE = f"{o2cb.CONFIGFS}/ocfs2"
UUID = "0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture
def online(machine: FakeMachine) -> FakeMachine:
    machine.join_cluster()
    return machine


def test_offline_without_a_cluster(machine: FakeMachine) -> None:
    assert o2cb.read_kernel_cluster(machine.host()) is None
    (machine.root / o2cb.CONFIGFS.lstrip("/")).mkdir(parents=True)
    assert o2cb.read_kernel_cluster(machine.host()) is None


def test_what_configfs_says(online: FakeMachine) -> None:
    cluster = o2cb.read_kernel_cluster(online.host())
    assert cluster is not None and cluster.is_online
    assert cluster.name == "ocfs2"
    assert cluster.nodes[0] == KernelNode(
        "vmserver1.example.com", 0, "192.168.100.100", 7777, is_local=True
    )
    assert [node.is_local for node in cluster.nodes] == [True, False, False]
    assert cluster.timing.threshold == 31
    assert (cluster.idle_ms, cluster.keepalive_ms, cluster.reconnect_ms) == (30000, 2000, 2000)
    assert (cluster.mode, cluster.regions) == ("local", ())


def test_below_another_root_nothing_runs(online: FakeMachine) -> None:
    assert o2cb.read_kernel_cluster(online.host(offline=True)) is None


def test_regions_are_folders_and_the_rest_is_not(online: FakeMachine) -> None:
    online.write(f"{BASE}/heartbeat/{UUID}/dev", "sdb1\n")
    online.write(f"{BASE}/heartbeat/{UUID}/pid", "4711\n")
    online.write(f"{BASE}/heartbeat/{'F' * 32}/dev", "\n")
    cluster = o2cb.read_kernel_cluster(online.host())
    assert cluster is not None
    assert cluster.regions == (Region(UUID, "sdb1", 4711), Region("F" * 32, "", None))
    assert [region.is_active for region in cluster.regions] == [True, False]


def test_a_node_that_goes_while_we_look(online: FakeMachine) -> None:
    (online.root / f"{BASE}/node/vmserver2.example.com/num".lstrip("/")).unlink()
    online.write(f"{BASE}/node/vmserver3.example.com/num", "\xff")
    (online.root / f"{BASE}/node/vmserver3.example.com/num".lstrip("/")).write_bytes(b"\xff")
    cluster = o2cb.read_kernel_cluster(online.host())
    assert cluster is not None
    assert [node.number for node in cluster.nodes] == [0, -1, -1]


@pytest.mark.parametrize(
    "text, numbers", [("", set()), ("\n", set()), ("0 1 2\n", {0, 1, 2}), ("254\n", {254})]
)
def test_live_and_connected_nodes(machine: FakeMachine, text: str, numbers: set[int]) -> None:
    machine.write("/sys/kernel/debug/o2hb/livenodes", text)
    machine.write("/sys/kernel/debug/o2net/connected_nodes", text)
    assert o2cb.read_live_nodes(machine.host()) == numbers
    assert o2cb.read_connected_nodes(machine.host()) == numbers


def test_no_debugfs_is_no_live_nodes(machine: FakeMachine) -> None:
    assert o2cb.read_live_nodes(machine.host()) == frozenset()
    assert not o2cb.has_debugfs(machine.host())
    machine.write("/sys/kernel/debug/o2hb/livenodes", "255\n")
    assert o2cb.has_debugfs(machine.host())
    with pytest.raises(ParseError):
        o2cb.read_live_nodes(machine.host())


@pytest.mark.parametrize(
    "files, found",
    [
        (["/etc/default/o2cb"], "/etc/default/o2cb"),
        (["/etc/sysconfig/o2cb"], "/etc/sysconfig/o2cb"),
        (["/etc/sysconfig/o2cb", "/etc/default/o2cb"], "/etc/sysconfig/o2cb"),
        (["/etc/sysconfig/network"], "/etc/sysconfig/o2cb"),
        ([], "/etc/default/o2cb"),
    ],
)
def test_where_the_settings_are(machine: FakeMachine, files: list[str], found: str) -> None:
    (machine.root / "etc/default/o2cb").unlink()
    for file in files:
        machine.write(file, "")
    assert o2cb.defaults_file(machine.host()) == found


def test_commands() -> None:
    register = o2cb.register_cluster("ocfs2")
    assert register.argv == ("o2cb", "register-cluster", "ocfs2")
    assert o2cb.unregister_cluster("ocfs2").argv == ("o2cb", "unregister-cluster", "ocfs2")
    assert register.changes


def test_waits_for_what_comes(machine: FakeMachine) -> None:
    machine.clock.later.append((1003.0, lambda: machine.write("/ready", "")))

    def is_ready(host: Host) -> bool:
        return host.kind("/ready") == "file"

    o2cb.wait_for(machine.host(), "ready", is_ready)
    assert machine.clock.now == pytest.approx(1003, abs=0.3)
    o2cb.wait_for(machine.host(), "ready", is_ready, 0)


@pytest.mark.parametrize("given_s, limit_s", [(None, 7), (3, 3), (0, 0)])
def test_waits_no_longer_than_it_may(
    machine: FakeMachine, given_s: float | None, limit_s: float
) -> None:
    host = machine.host(settings=Settings(limits=Limits(settle_s=7)))
    with pytest.raises(ToolError, match=rf"waited {limit_s:g} s in vain: godot"):
        o2cb.wait_for(host, "godot", lambda host: False, given_s)
    assert machine.clock.now == pytest.approx(1000 + limit_s, abs=0.3)
