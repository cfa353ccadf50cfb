"""cluster-configure on a fake machine."""

from __future__ import annotations

import pytest

from ovstools.errors import RefusedError, UsageError
from ovstools.ops import cluster_configure as ops
from ovstools.ops.plan import Edit, Plan
from tests.fakes.machine import NODES, FakeMachine

WORDS = tuple(f"{node.name}={node.ip_address}" for node in NODES)
CONF = "/etc/ocfs2/cluster.conf"


def configure(machine: FakeMachine, **words: object) -> Plan:
    request = ops.Request(**words)  # type: ignore[arg-type]
    return machine.carry_out(lambda host: ops.plan(host, request))


def test_writes_configures_and_starts(machine: FakeMachine) -> None:
    plan = configure(machine, nodes=WORDS)
    assert machine.cluster_conf().cluster.nodes == NODES
    assert machine.o2cb_defaults().get("O2CB_ENABLED") == "true"
    assert machine.read("/sys/kernel/config/cluster/ocfs2/node/vmserver2.example.com/num") == "1\n"
    assert "online; this server is node 0" in plan.report.lines[0]


def test_again_changes_nothing(machine: FakeMachine) -> None:
    configure(machine, nodes=WORDS)
    machine.commands.clear()
    plan = configure(machine, nodes=WORDS)
    assert plan.steps == ()
    assert machine.commands == []
    assert "already online" in plan.report.lines[0]


def test_bare_configures_this_server_alone(machine: FakeMachine) -> None:
    configure(machine)
    assert machine.cluster_conf().cluster.nodes == NODES[:1]


def test_o2cb_started_while_disabled_is_restarted(machine: FakeMachine) -> None:
    plan = configure(machine, nodes=WORDS)
    assert "systemctl restart o2cb.service" in machine.commands
    assert [step.title for step in plan.steps][-2:] == ["start o2cb", "verify in configfs"]


def test_a_loopback_address_is_refused_with_the_line_at_fault(machine: FakeMachine) -> None:
    machine.write("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 vmserver1.example.com vmserver1\n")
    with pytest.raises(RefusedError) as caught:
        configure(machine)
    assert "/etc/hosts:2: 127.0.1.1 vmserver1.example.com vmserver1" in caught.value.evidence
    assert machine.commands == []
    assert not (machine.root / CONF.lstrip("/")).exists()


def test_an_address_that_no_interface_has_is_refused(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="on no interface here"):
        configure(machine, nodes=("vmserver1.example.com=192.168.100.200",))


def test_this_host_must_be_a_node(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="is not in"):
        configure(machine, nodes=WORDS[1:])


def test_a_file_that_is_there_is_never_overwritten(machine: FakeMachine) -> None:
    configure(machine, nodes=WORDS[:2])
    before = machine.read(CONF)
    with pytest.raises(RefusedError, match="says something else"):
        configure(machine, nodes=WORDS)
    with pytest.raises(RefusedError, match="its cluster is ocfs2, not other"):
        configure(machine, cluster_name="other")
    assert machine.read(CONF) == before


def test_add_registers_in_the_running_kernel(machine: FakeMachine) -> None:
    configure(machine, nodes=WORDS[:2])
    machine.commands.clear()
    plan = configure(machine, add=WORDS[2])
    assert machine.commands == ["o2cb register-cluster ocfs2"]
    assert machine.read("/sys/kernel/config/cluster/ocfs2/node/vmserver3.example.com/num") == "2\n"
    assert any("vmserver2.example.com" in notice for notice in plan.notices)
    assert configure(machine, add=WORDS[2]).steps == ()


@pytest.mark.parametrize(
    "word",
    ["vmserver1.example.com=192.168.100.103", "vmserver9=192.168.100.100", "new=10.0.0.1#0"],
)
def test_add_refuses_a_clash(machine: FakeMachine, word: str) -> None:
    configure(machine, nodes=WORDS[:2])
    before = machine.read(CONF)
    with pytest.raises(RefusedError):
        configure(machine, add=word)
    assert machine.read(CONF) == before


def test_a_longer_list_is_answered_with_the_lines_that_add(machine: FakeMachine) -> None:
    configure(machine, nodes=WORDS[:2])
    with pytest.raises(RefusedError) as caught:
        configure(machine, nodes=WORDS)
    line = "ovs-cluster-configure --add vmserver3.example.com=192.168.100.102:7777#2"
    assert caught.value.hint == line
    configure(machine, add=line.split()[-1])
    configure(machine, nodes=WORDS)


def test_a_node_taken_out_of_a_live_cluster_is_refused(machine: FakeMachine) -> None:
    machine.join_cluster()
    machine.run_format("/dev/sdb1")
    machine.kernel.start_region(machine.uuid("/dev/sdb1"))
    machine.write(CONF, str(machine.cluster_conf().without_node("vmserver3.example.com")))
    machine.commands.clear()
    with pytest.raises(RefusedError, match="taken out, while a heartbeat runs") as caught:
        configure(machine)
    assert "vmserver3.example.com, number 2" in caught.value.evidence[0]
    assert machine.commands == []
    machine.kernel.stop_region(machine.uuid("/dev/sdb1"))
    configure(machine)
    assert not (machine.root / "sys/kernel/config/cluster/ocfs2/node" / NODES[2].name).exists()


def test_add_needs_a_file(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match=r"no /etc/ocfs2/cluster\.conf to add"):
        configure(machine, add=WORDS[1])


def test_timing_is_written_and_kept(machine: FakeMachine) -> None:
    configure(machine, nodes=WORDS, timing="fast")
    assert machine.o2cb_defaults().get("O2CB_HEARTBEAT_THRESHOLD") == "16"
    configure(machine)
    assert machine.o2cb_defaults().get("O2CB_HEARTBEAT_THRESHOLD") == "16"


def test_timing_cannot_change_under_a_heartbeat(machine: FakeMachine) -> None:
    machine.join_cluster()
    machine.run_format("/dev/sdb1")
    machine.kernel.start_region(machine.uuid("/dev/sdb1"))
    before = machine.read("/etc/default/o2cb")
    with pytest.raises(RefusedError, match="while a heartbeat runs"):
        configure(machine, timing="fast")
    assert machine.read("/etc/default/o2cb") == before


def test_timing_changes_by_a_restart_without_heartbeat(machine: FakeMachine) -> None:
    configure(machine, nodes=WORDS)
    machine.commands.clear()
    configure(machine, timing="multipath")
    assert machine.commands == ["systemctl restart o2cb.service"]
    text = machine.read("/sys/kernel/config/cluster/ocfs2/heartbeat/dead_threshold")
    assert text == "61\n"


def test_unsafe_timing_is_refused(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="would not take"):
        configure(machine, nodes=WORDS, timing="threshold=3")


def test_a_kernel_without_ocfs2_is_refused(machine: FakeMachine) -> None:
    machine.modules = False
    with pytest.raises(RefusedError, match="no OCFS2") as caught:
        configure(machine, nodes=WORDS)
    assert "not -cloud" in caught.value.hint
    assert not (machine.root / CONF.lstrip("/")).exists()


def test_no_o2cb_service(machine: FakeMachine) -> None:
    machine.kernel.units["o2cb.service"][0] = "not-found"
    with pytest.raises(RefusedError, match="no o2cb service"):
        configure(machine, nodes=WORDS)


def test_another_cluster_online_is_refused(machine: FakeMachine) -> None:
    configure(machine, nodes=WORDS)
    machine.write(CONF, machine.read(CONF).replace("ocfs2", "other"))
    with pytest.raises(RefusedError, match="another cluster, ocfs2"):
        configure(machine)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cluster:\r\n\tname = ocfs2\r\n", "LF"),
        ("\ufeffcluster:\n\tname = ocfs2\n\tnode_count = 0\n", "byte order mark"),
        ("cluster:\n\tnode_count = 0\n", "name"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(machine: FakeMachine, text: str, said: str) -> None:
    machine.write(CONF, text)
    with pytest.raises(RefusedError) as caught:
        configure(machine)
    assert said in caught.value.what and f"{CONF}:" in caught.value.what
    assert machine.read(CONF) == text


def test_offline_writes_files_only(machine: FakeMachine) -> None:
    machine.write("/etc/hostname", "vmserver1.example.com\n")
    plan = ops.plan(machine.host(offline=True), ops.Request(nodes=WORDS))
    assert all(isinstance(step.change, Edit) for step in plan.steps)
    with pytest.raises(UsageError, match="name the nodes"):
        ops.plan(machine.host(offline=True), ops.Request())


def test_nodes_from_a_file(machine: FakeMachine) -> None:
    machine.write("/nodes", "# the pool\n" + "\n".join(WORDS) + "\n")
    configure(machine, nodes_from=str(machine.root / "nodes"))
    assert machine.cluster_conf().cluster.nodes == NODES
    with pytest.raises(RefusedError, match="no file"):
        configure(machine, nodes_from="/nonexistent")


def test_every_boundary_survives_a_kill(machine: FakeMachine) -> None:
    """Killed behind its first change, run again and killed behind the next, to the end."""
    request = ops.Request(nodes=WORDS)
    kills = 0
    while machine.killed_behind_first_change(lambda host: ops.plan(host, request)):
        kills += 1
        assert kills < 30
    assert kills == 4
    configure(machine, nodes=WORDS)
    assert configure(machine, nodes=WORDS).steps == ()
    assert machine.cluster_conf().cluster.nodes == NODES


@pytest.mark.parametrize("boundary", range(4))
def test_a_kill_at_any_boundary_is_finished_by_the_next_run(
    machine: FakeMachine, boundary: int
) -> None:
    request = ops.Request(nodes=WORDS)
    assert machine.killed_after(boundary, lambda host: ops.plan(host, request))
    configure(machine, nodes=WORDS)
    assert configure(machine, nodes=WORDS).steps == ()
    assert machine.o2cb_defaults().get("O2CB_BOOTCLUSTER") == "ocfs2"
