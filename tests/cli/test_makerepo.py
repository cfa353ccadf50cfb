"""Whole command lines of ovs-makerepo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ovstools.model.command import Result
from ovstools.system import lock
from ovstools.system.clock import Clock
from tests.cli.conftest import Shell
from tests.conftest import WWN
from tests.fakes.machine import FakeMachine
from tests.fakes.nfs import FakeFileServer

LINE = "ovs-makerepo /dev/sdb1 C 'cluster root' --format"


@pytest.fixture
def online(machine: FakeMachine) -> FakeMachine:
    """Return vmserver1 in a cluster."""
    machine.join_cluster()
    return machine


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        LINE.replace("ovs-makerepo", "ovstools makerepo"),
        "ovs-makerepo --format /dev/sdb1 C 'cluster root'",
    ],
)
def test_makes_the_cluster_root(online: FakeMachine, shell: Shell, line: str) -> None:
    answer = shell(line)
    uuid = online.uuid("/dev/sdb1")
    assert answer.status == 0
    assert answer.out == f"{WWN} is mounted at /OVS, UUID {uuid}\n"
    assert "ovstools: format /dev/sdb1" in answer.err
    again = shell(line)
    assert (again.status, again.out) == (
        0,
        f"{WWN} is already mounted at /OVS, UUID {uuid}\n",
    )


NFS_LINE = "ovs-makerepo fileserver.example.com:/OVS C 'Cluster Root'"


def test_the_white_papers_line_for_nfs(online: FakeMachine, shell: Shell, tmp_path: Path) -> None:
    server = FakeFileServer(tmp_path / "exports")
    server.export("/OVS")
    online.nfs.use(server)
    dry = shell(f"{NFS_LINE} --dry-run")
    assert "mount -t nfs -o hard,proto=tcp fileserver.example.com:/OVS /OVS\n" in dry.out
    assert online.commands == []
    answer = shell(f"{NFS_LINE} --heartbeat-size 128M --json -q")
    assert (answer.status, answer.err) == (0, "")
    facts = answer.json
    assert (facts["mountpoint"], facts["shared"]) == ("/OVS", "C")
    assert facts["source"] == "fileserver.example.com:/OVS"
    assert online.kernel.refs == {facts["heartbeat_uuid"]: 1}
    again = shell(NFS_LINE)
    assert again.out.splitlines()[0].endswith(f"is already mounted at /OVS, UUID {facts['uuid']}")
    refused = shell("ovs-makerepo fileserver.example.com:/nosuch 1 x")
    assert refused.status == 4 and "has no such export" in refused.err
    listed = shell("ovstools repositories list").out
    assert "mounted" in listed and "Cluster Root" in listed


def test_json(online: FakeMachine, shell: Shell) -> None:
    answer = shell(f"{LINE} --json -q")
    assert (answer.status, answer.err) == (0, "")
    assert answer.json == {
        "changed": True,
        "formatted": True,
        "uuid": online.uuid("/dev/sdb1"),
        "source": WWN,
        "mountpoint": "/OVS",
        "description": "cluster root",
        "shared": "C",
        "status": 0,
    }
    again = shell(f"{LINE} --json -q").json
    assert (again["changed"], again["formatted"]) == (False, False)


def test_a_dry_run_is_the_very_commands_and_diffs(online: FakeMachine, shell: Shell) -> None:
    before = sorted(path for path in online.root.rglob("*"))
    answer = shell(f"{LINE} --dry-run")
    assert answer.status == 0
    lines = answer.out.splitlines()
    (mkfs,) = [line for line in lines if line.startswith("mkfs.ocfs2 ")]
    assert "-b 4K -C 4K -J size=64M -N 16 /dev/sdb1" in mkfs
    assert any(line.startswith("mount -t ocfs2 ") for line in lines)
    assert "+++ /etc/ovs/repositories" in lines
    assert any(line.startswith("+@") and line.endswith(f" {WWN}") for line in lines)
    assert online.commands == []
    assert sorted(path for path in online.root.rglob("*")) == before
    shell(LINE)
    assert online.commands[0].split(" -U ")[0] == mkfs.split(" -U ")[0], "it does what it said"


def test_a_dry_run_in_json(online: FakeMachine, shell: Shell) -> None:
    answer = shell(f"{LINE} --dry-run --json").json
    titles = [step["title"] for step in answer["steps"]]
    assert "record it in /etc/ovs/repositories" in titles
    assert any(step["change"].startswith("mkfs.ocfs2 ") for step in answer["steps"])


def test_a_blank_device_without_format_and_terminal(online: FakeMachine, shell: Shell) -> None:
    answer = shell("ovs-makerepo /dev/sdb1 C 'cluster root'")
    assert (answer.status, answer.out) == (4, "")
    assert "mkfs.ocfs2 -x" in answer.err, "it prints the mkfs that it would run"
    assert "--format" in answer.err
    assert online.commands == []


@pytest.mark.parametrize(
    "line, status, said",
    [
        ("ovs-makerepo /dev/none C x --format", 4, "there is no device /dev/none"),
        ("ovs-makerepo /etc/fstab C x --format", 4, "is no block device"),
        ("ovs-makerepo /dev/sdb1 1 x --format", 4, "is not the cluster root"),
        ("ovs-makerepo /dev/sdb1 C '' --format", 2, "the description is empty"),
        ("ovs-makerepo /dev/sdb1 C 'a\tb' --format", 2, "a description is one line"),
        ("ovs-makerepo san:/export C x", 4, "the file server san does not answer"),
    ],
)
def test_refusals(online: FakeMachine, shell: Shell, line: str, status: int, said: str) -> None:
    answer = shell(line)
    assert (answer.status, answer.out) == (status, "")
    assert said in answer.err
    assert online.commands == []
    in_json = shell(f"{line} --json")
    assert (in_json.status, in_json.json["status"]) == (status, status)
    assert said in in_json.json["error"]


def test_without_cluster_conf_it_says_what_the_master_has_to_do(shell: Shell) -> None:
    answer = shell(LINE)
    assert answer.status == 4
    assert "ovs-cluster-configure --add" in answer.err


def test_a_tool_that_fails(online: FakeMachine, shell: Shell) -> None:
    online.fails["mount"] = Result(32, "", "mount.ocfs2: Input/output error\n")
    answer = shell(LINE)
    assert (answer.status, answer.out) == (1, "")
    assert "ovstools: mount exited with status 32\n  mount -t ocfs2 " in answer.err
    assert "\n  mount.ocfs2: Input/output error\n" in answer.err
    del online.fails["mount"]
    again = shell(f"{LINE} --json").json
    assert (again["status"], again["formatted"]) == (0, False), "the same command goes on"


def test_another_role_is_refused(online: FakeMachine, shell: Shell) -> None:
    shell(LINE)
    answer = shell(LINE.replace(" C ", " 1 "))
    assert answer.status == 4
    assert "is the cluster root (C), not a shared repository (1)" in answer.err


def test_the_storage_s_description_wins(online: FakeMachine, shell: Shell) -> None:
    shell(LINE)
    answer = shell(LINE.replace("cluster root", "another"))
    assert answer.status == 0
    assert "the storage says 'cluster root'; that description stays" in answer.err
    assert "that description stays" not in shell(LINE.replace("cluster root", "x") + " -q").err


def test_needs_root(online: FakeMachine, shell: Shell) -> None:
    online.is_root = False
    answer = shell(LINE)
    assert (answer.status, "needs root" in answer.err) == (4, True)


def test_busy(online: FakeMachine, shell: Shell) -> None:
    with lock.held(online.root / "run/ovs/ovstools.lock", "ovs-offlinerepo", 0, Clock()):
        answer = shell(f"{LINE} --json")
    assert (answer.status, answer.json["status"]) == (5, 5)
    assert online.commands == []


def test_the_next_server_joins(shells: Callable[[int], Shell]) -> None:
    first, second = shells(0), shells(1)
    for shell in (first, second):
        assert shell.machine is not None
        shell.machine.join_cluster()
    assert first(LINE).status == 0
    answer = second(f"{LINE} --json")
    assert answer.status == 0
    assert (answer.json["changed"], answer.json["formatted"]) == (True, False)
    assert first.machine is not None and answer.json["uuid"] == first.machine.uuid("/dev/sdb1")


def test_below_a_root_only_the_list_is_written(online: FakeMachine, shell: Shell) -> None:
    answer = shell(f"ovs-makerepo {WWN} C root --root {online.root}")
    assert answer.status == 0
    assert online.read("/etc/ovs/repositories").splitlines()[-1] == f"@- {WWN}"
    assert online.commands == []
