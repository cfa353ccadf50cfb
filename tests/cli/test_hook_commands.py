"""Whole command lines of install-hook and of the hook itself."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Shell
from tests.fakes.machine import FakeMachine

QEMU = "/etc/libvirt/hooks/qemu.d/50-ovstools"


def test_install_and_remove(shell: Shell, machine: FakeMachine) -> None:
    assert shell("ovstools install-hook").status == 4
    machine.write("/etc/libvirt/libvirtd.conf", "")
    said = shell("ovstools install-hook --dry-run")
    assert said.status == 0 and "guest-hook -- qemu" in said.out
    assert machine.host().kind(QEMU) == "missing"
    said = shell("ovstools install-hook")
    assert said.status == 0 and "systemctl restart libvirtd" in said.err
    assert "guest-hook -- qemu" in machine.read(QEMU)
    assert shell("ovstools install-hook --json").json["changed"] is False
    machine.write(QEMU, "#!/bin/sh")
    assert shell("ovstools install-hook").status == 4
    assert shell("ovstools install-hook --remove").status == 0
    assert machine.read(QEMU) == "#!/bin/sh"


def test_below_another_root(root_shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "etc/libvirt").mkdir(parents=True)
    assert root_shell(f"ovstools --root {tmp_path} install-hook").status == 0
    assert (tmp_path / QEMU.lstrip("/")).stat().st_mode & 0o111 == 0o111
    assert root_shell(f"ovstools --root {tmp_path} guest-hook qemu web1 prepare").status == 4


def test_the_hook_refuses_with_1_and_a_sentence(shell: Shell, machine: FakeMachine) -> None:
    assert shell("ovstools guest-hook qemu web1 prepare").status == 0  # no pool here
    assert shell("ovstools guest-hook -- qemu --help prepare").status == 0  # a guest's name
    assert shell("ovstools guest-hook qemu").status == 2
    machine.write("/etc/ovs/repositories", f"@{'A' * 32} /dev/sdb1\n")
    refused = shell("ovstools guest-hook qemu web1 prepare")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("ovstools: web1 is not started here: ")
    assert "hint: " in refused.err
    assert shell("ovstools guest-hook qemu web1 stopped").status == 0


def test_the_hook_is_not_for_people(shell: Shell) -> None:
    assert "guest-hook" not in shell("ovstools --help").out
    assert "install-hook" in shell("ovstools --help").out
