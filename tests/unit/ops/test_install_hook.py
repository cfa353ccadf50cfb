"""install-hook: libvirt's scripts, never over somebody else's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ovstools.errors import RefusedError
from ovstools.model import hook_script
from ovstools.ops import install_hook as ops
from ovstools.ops.plan import Plan, apply
from tests.fakes.machine import FakeMachine

PROGRAM = "/opt/my tools/ovstools"
HOOKS = "/etc/libvirt/hooks"
QEMU, LXC, LIBXL = (f"{HOOKS}/{name}.d/50-ovstools" for name in ("qemu", "lxc", "libxl"))


@pytest.fixture
def libvirt(machine: FakeMachine) -> FakeMachine:
    """A server with libvirt."""
    machine.write("/etc/libvirt/libvirtd.conf", "")
    machine.write(PROGRAM, "")
    return machine


def install(machine: FakeMachine, remove: bool = False) -> Plan:
    return machine.carry_out(lambda host: ops.plan(host, ops.Request(PROGRAM, remove)))


def mode(machine: FakeMachine, path: str) -> int:
    return (machine.root / path.lstrip("/")).stat().st_mode & 0o7777


def test_a_script_for_each_driver(libvirt: FakeMachine) -> None:
    plan = install(libvirt)
    for driver, path in (("qemu", QEMU), ("lxc", LXC), ("libxl", LIBXL)):
        assert f"guest-hook -- {driver} " in libvirt.read(path)
        assert mode(libvirt, path) == 0o755
    assert plan.notices == (ops.RESTART,)
    again = install(libvirt)
    assert again.steps == () and again.notices == ()
    assert "already" in again.report.lines[0]


def test_an_older_text_is_updated_without_a_restart(libvirt: FakeMachine) -> None:
    install(libvirt)
    text = libvirt.read(QEMU)
    libvirt.write(QEMU, text.replace("my tools", "tools of old"))
    assert install(libvirt).notices == ()
    assert libvirt.read(QEMU) == text and mode(libvirt, QEMU) == 0o755


def test_killed_anywhere_the_next_run_finishes(libvirt: FakeMachine) -> None:
    for steps in range(7):
        libvirt.killed_after(steps, lambda host: ops.plan(host, ops.Request(PROGRAM)))
        install(libvirt)
        assert install(libvirt).steps == (), steps
        libvirt.killed_after(steps, lambda host: ops.plan(host, ops.Request(PROGRAM, True)))
        install(libvirt, remove=True)
        assert libvirt.host().kind(QEMU) == "missing"
        shutil.rmtree(libvirt.root / HOOKS.lstrip("/"))


def test_remove_leaves_others_alone(libvirt: FakeMachine) -> None:
    install(libvirt)
    libvirt.write(LXC, "#!/bin/sh\n")
    libvirt.write(f"{HOOKS}/qemu", "#!/bin/sh\n")
    plan = install(libvirt, remove=True)
    assert plan.notices[0] == f"{LXC} is not ours: left alone"
    assert libvirt.host().kind(QEMU) == libvirt.host().kind(LIBXL) == "missing"
    assert libvirt.read(LXC) == libvirt.read(f"{HOOKS}/qemu") == "#!/bin/sh\n"
    assert install(libvirt, remove=True).steps == ()


def foreign_file(machine: FakeMachine) -> None:
    machine.write(LXC, "#!/bin/sh\nexit 0\n")


def foreign_link(machine: FakeMachine) -> None:
    machine.write(LXC, "")
    path = machine.root / LXC.lstrip("/")
    path.unlink()
    path.symlink_to("/usr/share/hooks/ovstools")


def foreign_folder(machine: FakeMachine) -> None:
    machine.write(f"{LXC}/x", "")


@pytest.mark.parametrize("spoil", [foreign_file, foreign_link, foreign_folder])
def test_never_over_what_is_there(libvirt: FakeMachine, spoil: object) -> None:
    assert callable(spoil)
    spoil(libvirt)
    with pytest.raises(RefusedError, match="not overwritten"):
        install(libvirt)
    assert libvirt.host().kind(QEMU) == "missing"


def test_without_libvirt(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="libvirt is not installed"):
        install(machine)
    assert install(machine, remove=True).steps == ()


def test_one_that_somebody_switched_off(libvirt: FakeMachine) -> None:
    install(libvirt)
    (libvirt.root / QEMU.lstrip("/")).chmod(0o644)
    assert install(libvirt).notices[0].startswith(f"{QEMU} is not executable")


def test_below_another_root(libvirt: FakeMachine) -> None:
    host = libvirt.host(offline=True)
    apply(ops.plan(host, ops.Request(PROGRAM)), host)
    assert hook_script.is_ours(libvirt.read(QEMU))


# ---------------------------------------------------------------- the script itself


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script, with a program that tells how it was called, and refuses."""
    program = tmp_path / "my tools" / "ovstools"
    program.parent.mkdir()
    called = tmp_path / "called"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >"{called}"\necho no >&2\nexit 1\n')
    program.chmod(0o755)
    made = tmp_path / "50-ovstools"
    made.write_text(hook_script.format_script("qemu", str(program)))
    made.chmod(0o755)
    return made


@pytest.mark.processes
@pytest.mark.parametrize("operation", ["prepare", "migrate"])
def test_it_asks(script: Path, operation: str) -> None:
    words = [str(script), "web 1; $(x)", operation, "begin", "-"]
    done = subprocess.run(words, input="<domain/>", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "no\n")
    assert (script.parent / "called").read_text() == f"guest-hook|--|qemu|web 1; $(x)|{operation}|"


@pytest.mark.processes
@pytest.mark.parametrize("operation", ["start", "started", "stopped", "release", "reconnect", ""])
def test_it_asks_for_nothing_else(script: Path, operation: str) -> None:
    words = [str(script), "web1", operation, "begin", "-"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not (script.parent / "called").exists()


@pytest.mark.processes
def test_without_its_program_it_refuses(script: Path) -> None:
    shutil.rmtree(script.parent / "my tools")
    words = [str(script), "web1", "prepare", "begin", "-"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 127
