"""Whole command lines of ovs-cluster-configure."""

from __future__ import annotations

import pytest

from ovstools.model.command import Result
from tests.cli.conftest import Shell
from tests.fakes.machine import FakeMachine

CONF = "/etc/ocfs2/cluster.conf"
NODES = (
    "--node vmserver1.example.com=192.168.100.100 --node vmserver2.example.com=192.168.100.101 "
    "--node vmserver3.example.com=192.168.100.102"
)


@pytest.mark.parametrize("name", ["ovs-cluster-configure", "ovstools cluster-configure"])
def test_this_server_alone(shell: Shell, machine: FakeMachine, name: str) -> None:
    answer = shell(name)
    assert answer.status == 0
    assert answer.out.startswith("cluster ocfs2 is online; this server is node 0\n")
    assert "name = vmserver1.example.com" in machine.read(CONF)
    assert machine.o2cb_defaults().get("O2CB_ENABLED") == "true"
    again = shell(name)
    assert again.out.startswith("cluster ocfs2 is already online; ")
    assert (again.status, again.err) == (0, ""), "silent when there is nothing to say"


def test_all_nodes_in_json(shell: Shell, machine: FakeMachine) -> None:
    answer = shell(f"ovs-cluster-configure {NODES} --timing fast --json -q")
    assert (answer.status, answer.err) == (0, "")
    found = answer.json
    assert (found["changed"], found["cluster"], found["status"]) == (True, "ocfs2", 0)
    assert found["node"] == "vmserver1.example.com"
    assert [node["number"] for node in found["nodes"]] == [0, 1, 2]
    assert found["nodes"][1]["ip_address"] == "192.168.100.101"
    assert found["timing"]["threshold"] == 16
    assert shell(f"ovs-cluster-configure {NODES} --timing fast --json").json["changed"] is False


def test_a_dry_run_is_the_very_diffs(shell: Shell, machine: FakeMachine) -> None:
    before = machine.read("/etc/default/o2cb")
    answer = shell(f"ovs-cluster-configure {NODES} --dry-run")
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert f"+++ {CONF}" in lines and "--- /dev/null" in lines
    assert "+\tname = vmserver2.example.com" in lines
    assert "-O2CB_ENABLED=false" in lines and "+O2CB_ENABLED=true" in lines
    assert any(line.startswith("systemctl ") and "o2cb" in line for line in lines)
    assert any(line.startswith("# verify: ocfs2 is online in configfs") for line in lines)
    assert machine.read("/etc/default/o2cb") == before
    assert machine.host().kind(CONF) == "missing"
    assert machine.commands == []


def test_a_dry_run_of_what_is_so_already(shell: Shell) -> None:
    shell("ovs-cluster-configure")
    assert shell("ovs-cluster-configure --dry-run").out == "# nothing to do\n"
    assert shell("ovs-cluster-configure --dry-run --json").json["steps"] == []


@pytest.mark.parametrize(
    "words, status, said",
    [
        ("--node vmserver1.example.com", 2, "NAME=IP"),
        ("--node =10.0.0.1", 2, ""),
        ("--node vmserver1.example.com=10.0.0.300", 2, "10.0.0.300"),
        ("--timing slow", 2, "slow"),
        ("--timing threshold=x", 2, "threshold"),
        ("--nodes-from /none", 4, "/none"),
        ("--add vmserver2.example.com=192.168.100.101", 4, "to add a node to"),
        ("--node other.example.com=10.0.0.1", 4, "vmserver1.example.com"),
    ],
)
def test_bad_words_and_refusals(
    shell: Shell, machine: FakeMachine, words: str, status: int, said: str
) -> None:
    answer = shell(f"ovs-cluster-configure {words}")
    assert (answer.status, answer.out) == (status, "")
    assert said in answer.err
    assert machine.commands == [] and machine.host().kind(CONF) == "missing"


def test_an_existing_file_is_not_overwritten(shell: Shell, machine: FakeMachine) -> None:
    shell("ovs-cluster-configure")
    before = machine.read(CONF)
    answer = shell(f"ovs-cluster-configure {NODES}")
    assert answer.status == 4
    assert machine.read(CONF) == before


def test_add(shell: Shell, machine: FakeMachine) -> None:
    shell("ovs-cluster-configure")
    answer = shell("ovs-cluster-configure --add vmserver2.example.com=192.168.100.101 --json")
    assert (answer.status, len(answer.json["nodes"])) == (0, 2)
    assert "number = 1" in machine.read(CONF)


def test_o2cb_that_does_not_come_up(shell: Shell, machine: FakeMachine) -> None:
    machine.fails["systemctl"] = Result(
        0, "LoadState=loaded\nActiveState=inactive\nUnitFileState=generated\n"
    )
    answer = shell("ovs-cluster-configure --json")
    assert (answer.status, answer.json["status"]) == (1, 1)
    assert "the kernel has no cluster online" in answer.json["error"]
    del machine.fails["systemctl"]
    assert shell("ovs-cluster-configure").status == 0, "the same command goes on"


def test_below_a_root_only_files_are_written(shell: Shell, machine: FakeMachine) -> None:
    machine.write("/etc/hostname", "vmserver1.example.com\n")
    answer = shell(f"ovs-cluster-configure {NODES} --root {machine.root}")
    assert answer.status == 0, answer.err
    assert answer.out.startswith("cluster ocfs2 is written; ")
    assert "vmserver3.example.com" in machine.read(CONF)
    assert machine.commands == []


def test_needs_root(shell: Shell, machine: FakeMachine) -> None:
    machine.is_root = False
    assert shell("ovs-cluster-configure").status == 4
