"""Servers joining and leaving a pool: whole command lines on three fake servers with ssh."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ovstools.model.owner_record import GuestState, OwnerRecord, format_record
from ovstools.model.pool_config import PoolConfig, parse_config
from tests.fakes.joined import ALL, DEVICE, Server, make_pool
from tests.fakes.machine import NODES

CONF, RECORD = "/etc/ocfs2/cluster.conf", "/etc/ovs/pool-config"
LIST, OPTIONS = "/etc/ovs/repositories", "/etc/ovs/repositories.options"
COPY = "/OVS/.ovs/config.json"
ADD = f"{NODES[2].name}={NODES[2].ip_address}"
ADD_ALL = f"ovs-cluster-configure --add {ADD} --all"
PROPAGATE = "ovs-cluster-check --master --alter-fstab --propagate"
MAKE = f'ovs-makerepo {DEVICE} C "cluster root"'


@pytest.fixture
def servers(tmp_path: Path) -> list[Server]:
    """Return a pool of two, and a third server that is in none."""
    return make_pool(tmp_path)


@pytest.fixture
def three(tmp_path: Path) -> list[Server]:
    """Return a pool of three."""
    return make_pool(tmp_path, 3)


def copy_of(server: Server) -> PoolConfig:
    return parse_config(server.read(COPY), COPY)


def done(server: Server, line: str, status: int = 0) -> str:
    found, said = server.type(line)
    assert found == status, said
    return said


def answer(server: Server, line: str, status: int = 0) -> Any:
    said = done(server, f"{line} --json", status)
    return json.loads(said[said.index("{") : said.rindex("}") + 1])


def unmount(server: Server) -> None:
    server.kernel.umount("/OVS")


# ------------------------------------------------------------ joining


def test_a_newcomer_by_add_all(servers: list[Server]) -> None:
    one, two, three, _ = servers
    done(one, ADD_ALL)
    for server in servers[:3]:
        assert server.cluster_conf().cluster.nodes == NODES, server.hostname
        assert server.kernel_nodes() == [node.name for node in NODES]
        assert "generation=1" in server.read(RECORD)
    assert two.commands[-1] == "o2cb register-cluster ocfs2"
    assert not any(line.startswith("systemctl") for line in two.commands), "no outage"
    assert three.read(LIST).splitlines()[-1] == f"@{one.uuid(DEVICE)} {DEVICE}"
    assert "mounted at /OVS" in done(three, MAKE)


def test_a_newcomer_takes_all_from_the_volume(servers: list[Server]) -> None:
    """The white paper's other way: makerepo on the newcomer, with the words of the first."""
    one, _, three, _ = servers
    said = done(three, MAKE, 4)
    assert f"ovs-cluster-configure --add {ADD} --all" in said, "nobody knows it yet"
    assert "--propagate" in said and three.commands == []
    three.state = "stranger"
    assert "cannot be reached" in done(one, ADD_ALL, 6)
    said = done(three, MAKE)
    assert f"whose configuration is on {DEVICE}" in said
    assert three.cluster_conf().cluster.nodes == NODES
    assert three.read(LIST).splitlines()[-1] == f"@{one.uuid(DEVICE)} {DEVICE}"
    assert "already mounted" in done(three, MAKE)


def test_a_new_cluster_on_all_its_servers_at_once(servers: list[Server]) -> None:
    *_, three, four = servers
    nodes = " ".join(f"--node {node.name}={node.ip_address}" for node in ALL[2:])
    line = f"ovs-cluster-configure {nodes} --cluster-name other --timing fast --all"
    said = done(three, line)
    assert "no copy is kept" in said, "there is no cluster root yet"
    for number, server in enumerate((three, four)):
        cluster = server.cluster_conf().cluster
        assert (cluster.name, cluster.numbered(number)) != ("ocfs2", None)
        assert [node.number for node in cluster.nodes] == [0, 1]
        assert server.o2cb_defaults().get("O2CB_HEARTBEAT_THRESHOLD") == "16"
        assert (server.root / "sys/kernel/config/cluster/other").is_dir()
    four.commands.clear()
    done(three, line)
    assert four.commands == [], "already so"


def test_a_volume_whose_pool_does_not_know_the_newcomer(servers: list[Server]) -> None:
    one, _, three, _ = servers
    done(one, PROPAGATE)
    said = done(three, MAKE, 4)
    assert "of a pool that does not know this server" in said
    assert f"--add {ADD} --all" in said and "--propagate" in said
    assert three.commands == []


def test_propagate_after_add_here_alone(servers: list[Server]) -> None:
    one, two, three, _ = servers
    assert "do the same on" in done(one, f"ovs-cluster-configure --add {ADD}")
    assert copy_of(one).generation == 1
    data = answer(one, PROPAGATE)
    assert [each["ok"] for each in data["propagated"]["servers"]] == [True, True]
    assert two.kernel_nodes() == three.kernel_nodes() == [node.name for node in NODES]
    before = two.read(RECORD)
    assert answer(one, PROPAGATE)["propagated"]["generation"] == 1
    assert two.read(RECORD) == before


def test_add_by_hand_on_each_is_as_it_was(servers: list[Server]) -> None:
    one, two, *_ = servers
    line = f"ovs-cluster-configure --add {ADD}"
    done(one, line)
    done(two, line)
    assert copy_of(two).generation == 1
    assert "generation=1" in two.read(RECORD)


def test_options_and_repositories_are_merged(servers: list[Server]) -> None:
    one, two, *_ = servers
    uuid = one.uuid(DEVICE)
    own = "# mine\nF" + "0" * 31 + " /dev/sdz1\n"
    two.write(LIST, f"{own}@{uuid} /dev/disk/by-id/other-name\n")
    two.write(OPTIONS, f"DEFAULT ext4 nodev\n{uuid} noatime\n")
    one.write(OPTIONS, f"DEFAULT ocfs2 coherency=full\n{uuid} commit=15\n{'E' * 32} foreign\n")
    done(one, PROPAGATE)
    assert two.read(LIST) == f"{own}@{uuid} /dev/disk/by-id/other-name\n", "its own name stays"
    assert two.read(OPTIONS) == (
        f"DEFAULT ext4 nodev\n{uuid} commit=15\nDEFAULT ocfs2 coherency=full\n"
    )


def test_alter_fstab_comes_first(servers: list[Server]) -> None:
    one, two, *_ = servers
    uuid = one.uuid(DEVICE)
    one.write(LIST, "")
    one.write("/etc/fstab", f"{DEVICE} /OVS ocfs2 _netdev 0 0\n")
    two.write(LIST, "")
    done(one, PROPAGATE)
    assert f"@{uuid} " in two.read(LIST)
    assert "/OVS" not in one.read("/etc/fstab")


# ------------------------------------------------------------ one of them fails


@pytest.mark.parametrize("state", ["off", "stranger", "cut"])
def test_one_server_is_away_and_a_re_run_finishes(three: list[Server], state: str) -> None:
    one, two, last, *_ = three
    done(one, "ovs-cluster-configure --add vmserver4.example.com=192.168.100.103")
    two.state = state
    data = answer(one, PROPAGATE, 6)
    assert data["propagated"]["failed"] == [two.hostname]
    assert len(last.kernel_nodes()) == 4, "the rest is done"
    assert len(two.kernel_nodes()) == 3
    two.state = "on"
    done(one, PROPAGATE)
    assert len(two.kernel_nodes()) == 4


def test_a_folder_that_takes_no_file_is_named_and_nothing_half_written(three: list[Server]) -> None:
    one, two, last, *_ = three
    done(one, "ovs-cluster-configure --add vmserver4.example.com=192.168.100.103")
    before = two.read(CONF)
    (two.root / "etc/ocfs2").rename(two.root / "etc/ocfs2.aside")
    (two.root / "etc/ocfs2").symlink_to(two.root / "etc/fstab/none")
    said = done(one, PROPAGATE, 6)
    assert two.hostname in said and len(last.kernel_nodes()) == 4
    (two.root / "etc/ocfs2").unlink()
    (two.root / "etc/ocfs2.aside").rename(two.root / "etc/ocfs2")
    assert two.read(CONF) == before
    done(one, PROPAGATE)
    assert len(two.kernel_nodes()) == 4


REFUSALS: dict[str, tuple[Callable[[str], str], str]] = {
    "another cluster": (lambda text: text.replace("= ocfs2", "= other"), "another cluster"),
    "another number": (
        lambda text: text.replace("number = 1", "number = 7"),
        "is node 7, the pool says 1",
    ),
    "a node that the master does not know": (
        lambda text: text.replace(NODES[2].name, "stranger.example.com"),
        "not overwritten",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_refused_there(three: list[Server], case: str) -> None:
    one, two, last, *_ = three
    edit, words = REFUSALS[case]
    done(one, "ovs-cluster-configure --add vmserver4.example.com=192.168.100.103")
    text = edit(two.read(CONF))
    two.write(CONF, text)
    said = done(one, PROPAGATE, 6)
    assert words in said and f"{two.hostname}: not propagated" in said
    assert two.read(CONF) == text and two.commands == []
    assert len(last.kernel_nodes()) == 4


def test_a_letter_for_somebody_else_is_refused(servers: list[Server]) -> None:
    """As if the name of one server led to another."""
    one, two, three, _ = servers
    one.network[two.hostname] = three
    assert f"this is {three.hostname}, not {two.hostname}" in done(one, PROPAGATE, 6)
    assert three.commands == []


@pytest.mark.parametrize("text", ["", "hello", "[]", '{"from": "a", "to": "b"}', "x" * (2 << 20)])
def test_what_is_no_letter_is_refused(servers: list[Server], text: str) -> None:
    result = servers[1].asked(["receive-config", "--json"], text)
    assert result.status == 4 and "configuration" in result.stdout
    assert servers[1].commands == []


# ------------------------------------------------------------ who is right


def test_one_that_was_away_takes_the_newer_before_it_mounts(three: list[Server]) -> None:
    one, two, *_ = three
    unmount(two)
    two.state = "off"
    done(one, "ovs-cluster-configure --add vmserver4.example.com=192.168.100.103 --all", 6)
    two.commands.clear()
    said = done(two, "ovstools repositories start")
    assert "node 3, vmserver4.example.com at 192.168.100.103:7777, came" in said
    assert len(two.kernel_nodes()) == 4
    order = [line.split()[0] for line in two.commands]
    assert order.index("systemctl" if "o2cb" not in order else "o2cb") < order.index("mount")
    assert "generation=1" in two.read(RECORD)
    assert "already mounted" in done(two, "ovstools repositories start")


def test_a_newer_timing_is_taken_before_the_mount(three: list[Server]) -> None:
    one, two, *_ = three
    done(one, PROPAGATE)
    for server in three[:3]:
        unmount(server)
        server.write("/proc/self/mountinfo", "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n")
    two.state = "off"
    done(one, "ovs-cluster-configure --timing fast --all", 6)
    done(one, "ovstools repositories start")
    done(one, PROPAGATE, 6)
    done(two, "ovstools repositories start")
    assert two.o2cb_defaults().get("O2CB_HEARTBEAT_THRESHOLD") == "16"
    assert "systemctl restart o2cb.service" in two.commands


def test_an_edit_by_hand_is_left_and_named(three: list[Server]) -> None:
    one, two, *_ = three
    done(one, PROPAGATE)
    unmount(two)
    done(one, "ovs-cluster-configure --add vmserver4.example.com=192.168.100.103")
    edited = two.read("/etc/default/o2cb").replace("THRESHOLD=31", "THRESHOLD=61")
    two.write("/etc/default/o2cb", edited)
    said = done(two, "ovstools repositories start")
    assert "was edited here: it is left as it is" in said
    assert two.read("/etc/default/o2cb") == edited
    assert "config-edited" in done(two, "ovs-cluster-check", 3)


def test_one_that_is_behind_propagates_nothing(three: list[Server]) -> None:
    one, two, *_ = three
    done(one, "ovs-cluster-configure --add vmserver4.example.com=192.168.100.103")
    said = done(two, PROPAGATE, 4)
    assert "not the pool's newest" in said and "ovstools repositories reload" in said
    said = done(two, "ovs-cluster-configure --add vmserver5.example.com=192.168.100.104", 4)
    assert "ovstools repositories reload" in said, "it would give out number 3 again"
    done(two, "ovstools repositories reload")
    done(two, "ovs-cluster-configure --add vmserver5.example.com=192.168.100.104")
    assert [node.number for node in copy_of(one).cluster.nodes] == [0, 1, 2, 3, 4]


def test_what_was_taken_off_the_list_here_stays_off(three: list[Server]) -> None:
    one, two, *_ = three
    done(one, PROPAGATE)
    unmount(two)
    two.write(LIST, "")
    done(two, "ovstools repositories start")
    assert two.read(LIST) == ""


def test_a_damaged_copy_keeps_nothing_from_being_mounted_and_is_not_replaced(
    three: list[Server],
) -> None:
    one, two, *_ = three
    done(one, PROPAGATE)
    one.write(COPY, "{")
    said = done(one, PROPAGATE, 4)
    assert f"{COPY} is damaged" in said and f"mv {COPY}" in said
    assert "no copy" in done(one, "ovstools repositories start")
    unmount(two)
    assert "no copy" in done(two, "ovstools repositories start")
    (one.root / COPY.lstrip("/")).unlink()
    done(one, PROPAGATE)
    assert copy_of(one).generation == 1


# ------------------------------------------------------------ the master


def test_another_master_is_named(three: list[Server]) -> None:
    import fcntl

    from ovstools.model.master_record import MasterRecord, format_master

    one = three[0]
    path = one.root / "OVS/.ovs/locks/master"
    path.parent.mkdir(parents=True)
    path.write_bytes(format_master(MasterRecord(3, NODES[1].name, "b", "i")))
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for line in (PROPAGATE, "ovs-cluster-check --master"):
            said = done(one, line, 4)
            assert f"the master of this pool is {NODES[1].name}" in said
    done(one, PROPAGATE)


# ------------------------------------------------------------ --remove


def burn(three: list[Server]) -> None:
    """Let the last server be dead for the others."""
    for server in three[:2]:
        server.kernel.peers.discard(2)
        server.kernel._show_live()
    three[2].state = "off"


REMOVE = f"ovs-cluster-configure --remove {NODES[2].name}"
SHORT = "ovs-cluster-configure --remove vmserver3"


def test_a_burnt_server_is_removed_everywhere(three: list[Server]) -> None:
    one, two, *_ = three
    burn(three)
    one.pinned_for = 3
    done(one, SHORT)
    for server in (one, two):
        assert server.kernel_nodes() == [node.name for node in NODES[:2]]
        assert server.cluster_conf().cluster.nodes == NODES[:2]
        assert "systemctl restart o2cb.service" not in server.commands
    assert copy_of(one).removed == (NODES[2],)
    done(one, REMOVE)
    assert copy_of(one).generation == 1


def test_a_removed_server_cannot_come_back_with_its_old_files(three: list[Server]) -> None:
    one, _, last, _ = three
    unmount(last)
    burn(three)
    done(one, REMOVE)
    last.state = "on"
    last.commands.clear()
    for line in ("ovstools repositories start", MAKE):
        said = done(last, line, 4)
        assert "was taken out of the pool" in said and "ovstools cleanup" in said
    assert not any(line.startswith("mount ") for line in last.commands)
    done(one, "ovs-cluster-configure --add vmserver4.example.com=192.168.100.103")
    done(one, ADD_ALL)
    assert copy_of(one).removed == ()
    numbers = [(node.name, node.number) for node in copy_of(one).cluster.nodes]
    assert numbers[2:] == [(ALL[3].name, 3), (ALL[2].name, 2)], "each number stays its server's"
    done(last, "ovstools repositories start")


def test_a_live_server_is_not_removed(three: list[Server]) -> None:
    said = done(three[0], REMOVE, 4)
    assert "is alive: it heartbeats" in said
    assert three[0].commands == []


def test_nobody_is_removed_by_one_who_cannot_see(three: list[Server]) -> None:
    burn(three)
    unmount(three[0])
    assert "nobody can tell from here" in done(three[0], REMOVE, 4)


@pytest.mark.parametrize(
    "state, target, status",
    [
        (GuestState.RUNNING, None, 4),
        (GuestState.MIGRATING, NODES[2].name, 4),
        (GuestState.STOPPED, None, 0),
    ],
)
def test_an_owner_record_keeps_it(
    three: list[Server], state: GuestState, target: str | None, status: int
) -> None:
    burn(three)
    owner = NODES[1].name if target else NODES[2].name
    record = OwnerRecord("u" * 36, owner, 2, "b", "i", state, target)
    path = three[0].root / "OVS/.ovs/locks/guest-web1"
    path.parent.mkdir(parents=True)
    path.write_bytes(format_record(record))
    said = done(three[0], REMOVE, status)
    assert ("web1" in said) == bool(status)


def test_an_unreadable_record_keeps_everybody(three: list[Server]) -> None:
    burn(three)
    path = three[0].root / "OVS/.ovs/locks/guest-web1"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\0" * 512)
    assert "cannot be relied on" in done(three[0], REMOVE, 4)


@pytest.mark.parametrize(
    "words, status, expected",
    [
        (f"--remove {NODES[0].name}", 4, "is this server"),
        ("--remove nobody", 4, "there is no node nobody"),
        (f"--remove {NODES[2].name} --add x=192.168.1.1", 2, "exclude each other"),
        (f"--remove {NODES[2].name} --node x=192.168.1.1", 2, "go without"),
    ],
)
def test_words_of_remove(three: list[Server], words: str, status: int, expected: str) -> None:
    burn(three)
    assert expected in done(three[0], f"ovs-cluster-configure {words}", status)
    assert three[0].commands == []


def test_a_node_that_the_kernel_never_lets_go_of(three: list[Server]) -> None:
    burn(three)
    three[0].pinned_for = 10**6
    said = done(three[0], REMOVE, 1)
    assert "still has a connection to vmserver3.example.com" in said
    three[0].pinned_for = 0
    done(three[0], REMOVE)


# ------------------------------------------------------------ cluster-check --all


def test_check_all_merges_the_servers(three: list[Server]) -> None:
    one, two, last, *_ = three
    last.write("/etc/default/o2cb", last.read("/etc/default/o2cb").replace("=31", "=61"))
    data = answer(one, "ovs-cluster-check --all", 3)
    codes = {each["code"]: each for each in data["findings"]}
    assert last.hostname in codes["config-differs"]["text"]
    assert any(last.hostname in each["summary"] for each in data["servers"])
    assert two.hostname not in codes["config-differs"]["text"]


def test_check_all_names_who_was_not_asked(three: list[Server]) -> None:
    three[2].state = "off"
    said = done(three[0], "ovs-cluster-check --all", 6)
    assert "server-not-asked" in said and "No route to host" in said


@pytest.mark.parametrize(
    "line", ["ovs-cluster-check --all --root {0}", "ovs-cluster-configure --all --root {0}"]
)
def test_other_servers_have_no_image(servers: list[Server], line: str) -> None:
    assert "--root works on files alone" in done(servers[0], line.format(servers[0].root), 2)


# ------------------------------------------------------------ cleanup


def test_cleanup_takes_a_server_out(three: list[Server]) -> None:
    last = three[2]
    done(last, "ovstools install-units")
    done(last, "ovstools ssh-setup")
    done(three[0], PROPAGATE)
    data = (last.root / "OVS/.ovsrepo").read_text()
    assert "stop o2cb" in done(last, "ovstools cleanup --dry-run")
    assert last.read(CONF)
    said = done(last, "ovstools cleanup")
    assert f"--remove {last.hostname}" in said
    for path in (CONF, LIST, RECORD, "/etc/systemd/system/ovs-agent.service", "/etc/ovs/ssh"):
        assert not (last.root / path.lstrip("/")).exists(), path
    assert not (last.root / "OVS/.ovs").exists(), "unmounted"
    assert last.kernel_nodes() == []
    assert last.o2cb_defaults().get("O2CB_ENABLED") == "false"
    assert (three[0].root / "OVS/.ovsrepo").read_text() == data
    assert not (three[0].root / f"OVS/.ovs/ssh/{last.hostname}.pub").exists()
    last.commands.clear()
    assert "already out of its pool" in done(last, "ovstools cleanup")
    assert last.commands == []


def test_cleanup_refuses_while_a_guest_runs(three: list[Server]) -> None:
    last = three[2]
    last.keeper.hold("guest-web1")
    said = done(last, "ovstools cleanup", 4)
    assert "web1" in said and last.commands == [] and last.read(CONF)
