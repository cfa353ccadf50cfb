"""install-links: made, renewed and removed, and never over something else."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ovstools.errors import RefusedError
from ovstools.ops import install_links as ops
from ovstools.ops.install_links import NAMES, Request
from ovstools.ops.plan import Plan
from tests.fakes.machine import FakeMachine

FOLDER = "/usr/lib/ovs"
PROGRAM = "/usr/local/bin/ovstools"


def install(machine: FakeMachine, program: str = PROGRAM, remove: bool = False) -> Plan:
    return machine.carry_out(lambda host: ops.plan(host, Request(program, FOLDER, remove)))


@pytest.fixture
def folder(machine: FakeMachine) -> Path:
    for name in NAMES:
        machine.write(f"/usr/local/bin/{name}", "")
    path = machine.root / FOLDER.lstrip("/")
    path.mkdir(parents=True)
    return path


def targets(folder: Path) -> dict[str, str]:
    return {path.name: str(path.readlink()) for path in sorted(folder.iterdir())}


def test_the_historic_names_and_no_other(machine: FakeMachine, folder: Path) -> None:
    plan = install(machine)
    assert targets(folder) == {
        name: f"/usr/local/bin/{name}"
        for name in (
            "ovs-cluster-check", "ovs-cluster-configure", "ovs-hb-ctl", "ovs-makerepo",
            "ovs-offlinerepo",
        )
    }  # fmt: skip
    assert "ocfs2_hb_ctl" not in NAMES and plan.notices == ()


def test_again_changes_nothing(machine: FakeMachine, folder: Path) -> None:
    install(machine)
    plan = install(machine)
    assert plan.steps == () and "already" in plan.report.lines[0]


def test_the_folder_is_made(machine: FakeMachine) -> None:
    plan = install(machine)
    assert len(targets(machine.root / FOLDER.lstrip("/"))) == 5
    assert len(plan.notices) == 5  # the commands are not there


def test_a_stale_link_of_ours_is_replaced(machine: FakeMachine, folder: Path) -> None:
    install(machine, "/opt/old/bin/ovstools")
    preview = ops.plan(machine.host(), Request(PROGRAM, FOLDER)).preview()
    assert f"ln -sfn /usr/local/bin/ovs-makerepo {FOLDER}/ovs-makerepo" in preview
    install(machine)
    assert set(targets(folder).values()) == {f"/usr/local/bin/{name}" for name in NAMES}


def test_killed_anywhere_the_next_run_finishes(machine: FakeMachine, folder: Path) -> None:
    for steps in range(6):
        for program in (PROGRAM, "/opt/old/bin/ovstools"):
            machine.killed_after(steps, partial(ops.plan, request=Request(program, FOLDER)))
            install(machine, program)
            assert set(targets(folder)) == set(NAMES), steps
            assert all(target.startswith(program[:8]) for target in targets(folder).values())


@pytest.mark.parametrize("remove", [False, True])
def test_a_foreign_link_stays(machine: FakeMachine, folder: Path, remove: bool) -> None:
    (folder / "ovs-makerepo").symlink_to("/usr/bin/something-else")
    with pytest.raises(RefusedError, match="which ovstools did not make"):
        install(machine, remove=remove)
    assert targets(folder) == {"ovs-makerepo": "/usr/bin/something-else"}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_no_link_stays(machine: FakeMachine, folder: Path, kind: str) -> None:
    path = folder / "ovs-hb-ctl"
    path.mkdir() if kind == "folder" else path.write_text("Oracle's own")
    with pytest.raises(RefusedError, match="is no link: it is not overwritten"):
        install(machine)
    assert [each.name for each in folder.iterdir()] == ["ovs-hb-ctl"]
    assert install(machine, remove=True).steps == ()


def test_remove(machine: FakeMachine, folder: Path) -> None:
    install(machine)
    install(machine, remove=True)
    assert targets(folder) == {}
    assert install(machine, remove=True).steps == ()


def test_not_onto_the_commands_themselves(machine: FakeMachine) -> None:
    machine.write(PROGRAM, "")
    for folder in ("/usr/local/bin", "/usr/local/../local/bin"):
        with pytest.raises(RefusedError, match="where the commands themselves are"):
            ops.plan(machine.host(), Request(PROGRAM, folder))


def test_a_link_changed_meanwhile_is_left(machine: FakeMachine, folder: Path) -> None:
    install(machine, "/opt/old/bin/ovstools")
    (step, *_) = ops.plan(machine.host(), Request(PROGRAM, FOLDER)).steps
    (folder / "ovs-makerepo").unlink()
    (folder / "ovs-makerepo").symlink_to("/elsewhere/ovs-makerepo")
    with pytest.raises(RefusedError, match="changed by somebody else"):
        step.change.apply(machine.host())
