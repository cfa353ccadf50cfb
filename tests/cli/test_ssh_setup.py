"""Whole command lines of ssh-setup."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.fakes.machine import NODES
from tests.fakes.ssh import SshMachine, key, pool_server

TWO, THREE = (node.name for node in NODES[1:])


@pytest.fixture
def machine(tmp_path: Path) -> SshMachine:
    """Return vmserver1, in a pool where vmserver2 has published its keys."""
    made = pool_server(tmp_path, 0, {})
    text = f"format 1\nhost {key('h')}\nlogin {key('l')}\naddress 192.168.100.101\n"
    made.write(f"/OVS/.ovs/ssh/{TWO}.pub", text)
    made.lets_in.add(TWO)
    return made


def test_a_servers_first_run_and_its_second(shell: Shell, machine: SshMachine) -> None:
    first = shell("ovstools ssh-setup")
    assert first.status == 0
    assert "make /etc/ovs/ssh/id_ed25519" in first.err
    header, two, three, line = first.out.splitlines()
    assert header.split() == ["SERVER", "STATE"]
    assert two.split(maxsplit=1) == [TWO, "root logs in there"]
    assert three.startswith(THREE) and "run ovstools ssh-setup there" in three
    assert line.startswith("vmserver1.example.com has published")
    second = shell("ovstools ssh-setup --json -q")
    assert second.status == 0 and second.json["changed"] is False
    assert second.json["servers"][0] == {"name": TWO, "ok": True, "is": "root logs in there"}
    assert second.err == ""


def test_dry_run_shows_commands_and_diffs(shell: Shell, machine: SshMachine) -> None:
    said = shell("ovstools ssh-setup --dry-run")
    assert said.status == 0 and "ssh-keygen -q -t ed25519" in said.out
    assert machine.host().kind("/etc/ovs/ssh") == "missing"
    shell("ovstools ssh-setup")
    said = shell("ovstools ssh-setup --remove --dry-run")
    assert "rm /etc/ovs/ssh/id_ed25519\n" in said.out and "SECRET" not in said.out
    assert f"ovstools-ssh-setup:{TWO}" in said.out
    assert machine.host().kind("/etc/ovs/ssh/id_ed25519") == "file"


def test_remove(shell: Shell, machine: SshMachine) -> None:
    shell("ovstools ssh-setup")
    assert shell("ovstools ssh-setup --remove").status == 0
    again = shell("ovstools ssh-setup --remove")
    assert again.status == 0 and "already removed" in again.out


def test_statuses(shell: Shell, machine: SshMachine, tmp_path: Path) -> None:
    assert shell("ovstools ssh-setup more").status == 2
    assert shell(f"ovstools --root {tmp_path} ssh-setup").status == 4
    machine.kernel.umount("/OVS")
    refused = shell("ovstools ssh-setup --json")
    assert refused.status == 4 and "not mounted" in refused.json["error"]
    machine.is_root = False
    assert "needs root" in shell("ovstools ssh-setup").err
