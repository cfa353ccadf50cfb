"""ssh-setup: what each server publishes, takes over, and takes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ovstools.errors import RefusedError
from ovstools.ops import ssh_setup as ops
from ovstools.ops.plan import Plan, Report
from tests.fakes.disk import Disk
from tests.fakes.machine import NODES, FakeMachine
from tests.fakes.ssh import SshMachine, key, pool_server

ONE, TWO, THREE = (node.name for node in NODES)
KEY, HOSTS = "/etc/ovs/ssh/id_ed25519", "/etc/ovs/ssh/known_hosts"
CONFIG, AUTHORIZED = "/etc/ssh/ssh_config.d/50-ovstools.conf", "/root/.ssh/authorized_keys"
MINE = "# by hand\nssh-rsa AAAAB3NzaC1 root@laptop"
Servers = Callable[[int], SshMachine]


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    """Return what makes vmserver N+1, with the pool mounted."""
    disks: dict[str, Disk] = {}
    return lambda number: pool_server(tmp_path, number, disks)


def set_up(machine: SshMachine, remove: bool = False) -> Plan:
    return machine.carry_out(lambda host: ops.plan(host, ops.Request(remove)))


def report(machine: SshMachine, plan: Plan) -> Report:
    assert plan.report_after is not None
    return plan.report_after(machine.host())


def mode(machine: FakeMachine, path: str) -> int:
    return (machine.root / path.lstrip("/")).stat().st_mode & 0o7777


def test_the_first_server_publishes(servers: Servers) -> None:
    one = servers(0)
    plan = set_up(one)
    assert one.read(f"/OVS/.ovs/ssh/{ONE}.pub").splitlines()[1:] == [
        "format 1",
        f"host {key(f'host of {ONE}')}",
        f"login {key(f'{ONE} 1')}",
        "address 192.168.100.100",
    ]
    assert mode(one, KEY) == 0o600 and mode(one, "/etc/ovs/ssh") == 0o700
    assert mode(one, "/OVS/.ovs") == 0o700 and mode(one, f"/OVS/.ovs/ssh/{ONE}.pub") == 0o600
    assert one.host().read(AUTHORIZED) is None
    assert report(one, plan).table is not None
    assert {row["is"] for row in report(one, plan).data["servers"]} == {ops.SILENT}


def test_the_next_ones_take_over_and_a_second_run_meets_them(servers: Servers) -> None:
    one, two = servers(0), servers(1)
    set_up(one)
    one.write(AUTHORIZED, MINE)
    plan = set_up(two)
    line = f'from="192.168.100.100",restrict {key(f"{ONE} 1")} ovstools-ssh-setup:{ONE}\n'
    assert two.read(AUTHORIZED) == line
    assert mode(two, AUTHORIZED) == 0o600 and mode(two, "/root/.ssh") == 0o700
    assert f"{ONE},192.168.100.100 {key(f'host of {ONE}')}\n" in two.read(HOSTS)
    assert f"{TWO},192.168.100.101 {key(f'host of {TWO}')}\n" in two.read(HOSTS)
    assert f"host {TWO},192.168.100.101,{ONE},192.168.100.100\n" in two.read(CONFIG)
    states = {row["name"]: row["is"] for row in report(two, plan).data["servers"]}
    assert states[ONE].startswith(ops.NOT_YET) and "Permission denied" in states[ONE]
    assert states[THREE] == ops.SILENT
    plan = set_up(one)
    assert one.read(AUTHORIZED).startswith(f"{MINE}\nfrom=")
    one.lets_in.add(TWO)
    assert report(one, plan).data["servers"][0] == {"name": TWO, "ok": True, "is": ops.REACHED}
    assert one.keys_made == 1


def test_again_changes_nothing(servers: Servers) -> None:
    one, two = servers(0), servers(1)
    for machine in (one, two, one):
        set_up(machine)
    one.commands.clear()
    plan = set_up(one)
    assert plan.steps == () and one.commands == []
    assert "already" in report(one, plan).lines[0]


def test_a_server_that_left_is_forgotten(servers: Servers) -> None:
    one, two = servers(0), servers(1)
    for machine in (one, two):
        set_up(machine)
    two.join_cluster(NODES[1], NODES[2])
    set_up(two)
    assert ONE not in two.read(AUTHORIZED) + two.read(HOSTS) + two.read(CONFIG)


def test_a_new_key_replaces_the_old(servers: Servers) -> None:
    one, two = servers(0), servers(1)
    for machine in (one, two):
        set_up(machine)
    (one.root / KEY.lstrip("/")).unlink()
    for machine in (one, two):
        set_up(machine)
    assert key(f"{ONE} 2") in two.read(AUTHORIZED)
    assert key(f"{ONE} 1") not in two.read(AUTHORIZED)


@pytest.mark.parametrize("text", ["format 2\n", "torn"])
def test_what_cannot_be_used_is_left_alone(servers: Servers, text: str) -> None:
    one, two = servers(0), servers(1)
    for machine in (one, two):
        set_up(machine)
    before = two.read(AUTHORIZED)
    two.write(f"/OVS/.ovs/ssh/{ONE}.pub", text)
    plan = set_up(two)
    assert two.read(AUTHORIZED) == before
    assert any(notice.startswith(f"{ONE}: left alone") for notice in plan.notices)
    assert report(two, plan).data["servers"][0]["ok"] is False


@pytest.mark.slow
def test_killed_anywhere_the_next_run_finishes(servers: Servers) -> None:
    one, two = servers(0), servers(1)
    set_up(one)
    for steps in range(9):
        two.killed_after(steps, lambda host: ops.plan(host, ops.Request()))
        set_up(two)
        assert ops.plan(two.host(), ops.Request()).steps == (), steps
        two.killed_after(steps, lambda host: ops.plan(host, ops.Request(remove=True)))
        set_up(two, remove=True)
        assert two.host().names("/etc/ovs") == (), steps


def test_half_a_key_is_made_anew(servers: Servers) -> None:
    one = servers(0)
    one.write(f"{KEY}.new", "SECRET half")
    one.write(f"{KEY}.pub", "of nothing")
    set_up(one)
    assert one.host().names("/etc/ovs/ssh") == ("id_ed25519", "id_ed25519.pub", "known_hosts")
    assert one.read(f"{KEY}.pub").startswith(key(f"{ONE} 1"))


def test_the_secret_is_never_shown(servers: Servers) -> None:
    one = servers(0)
    set_up(one)
    for remove in (False, True):
        assert "SECRET" not in ops.plan(one.host(), ops.Request(remove)).preview()
    assert "SECRET" not in one.read(f"/OVS/.ovs/ssh/{ONE}.pub")


# ---------------------------------------------------------------- removal


def test_remove(servers: Servers) -> None:
    one, two = servers(0), servers(1)
    set_up(one)
    two.write(AUTHORIZED, MINE)
    set_up(two)
    plan = set_up(two, remove=True)
    assert two.read(AUTHORIZED) == f"{MINE}\n"
    for path in (KEY, f"{KEY}.pub", HOSTS, CONFIG, f"/OVS/.ovs/ssh/{TWO}.pub"):
        assert two.host().kind(path) == "missing", path
    assert two.host().kind("/etc/ovs/ssh") == "missing"
    assert any("forget this one" in notice for notice in plan.notices)
    assert set_up(two, remove=True).steps == ()
    set_up(one)
    assert one.host().read(AUTHORIZED) is None or TWO not in one.read(AUTHORIZED)


def test_remove_without_a_pool(servers: Servers) -> None:
    one, two = servers(0), servers(1)
    for machine in (one, two):
        set_up(machine)
    two.kernel.umount("/OVS")
    two.write("/etc/ovs/ssh/config", "an admin's")
    plan = set_up(two, remove=True)
    assert any("stays there" in notice for notice in plan.notices)
    assert two.host().read(AUTHORIZED) is None  # it had our line alone
    assert two.host().names("/etc/ovs/ssh") == ("config",)


# ---------------------------------------------------------------- refusals


def _rename(machine: SshMachine) -> None:
    path = "/etc/ocfs2/cluster.conf"
    machine.write(path, machine.read(path).replace("vmserver1", "vmserver9"))


def _spoil(machine: SshMachine) -> None:
    (machine.root / AUTHORIZED.lstrip("/")).write_bytes(b"\xff\n")


@pytest.mark.parametrize(
    "spoil, what",
    [
        (lambda one: one.kernel.umount("/OVS"), "the pool file system is not mounted"),
        (lambda one: (one.root / "etc/ocfs2/cluster.conf").unlink(), "in no cluster"),
        (_rename, "is not in"),
        (lambda one: one.write(KEY, "damaged"), "is no private key"),
        (_spoil, "is not UTF-8 text"),
    ],
)
def test_refusals(servers: Servers, spoil: Callable[[SshMachine], object], what: str) -> None:
    one, two = servers(0), servers(1)
    set_up(two)
    set_up(one)
    spoil(one)
    before = sorted(path for path in (one.root / "root").rglob("*"))
    with pytest.raises(RefusedError, match=what):
        set_up(one)
    assert sorted(path for path in (one.root / "root").rglob("*")) == before


def test_without_a_host_key(servers: Servers) -> None:
    one = servers(0)
    (one.root / "etc/ssh/ssh_host_ed25519_key.pub").unlink()
    with pytest.raises(RefusedError, match="no ssh host key"):
        set_up(one)


def test_not_below_another_root(servers: Servers) -> None:
    with pytest.raises(RefusedError, match="--root"):
        ops.plan(servers(0).host(offline=True), ops.Request())
