"""Whole command lines of ovstools iscsi, and of ovs-makerepo iscsi://..."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Shell
from tests.fakes.disk import Disk
from tests.fakes.iscsi import FakeTarget
from tests.fakes.machine import FakeMachine

P = "iqn.1992-04.com.emc:cx.apm00070202838"
SECRET = "twelve bytes and more"
MAKE = f"ovs-makerepo iscsi://10.1.1.1/{P}.a2/1 C 'cluster root' --format"


@pytest.fixture
def san(machine: FakeMachine) -> FakeMachine:
    """Return vmserver1 before three targets."""
    machine.iscsi.install(
        FakeTarget(f"{P}.a2", "10.1.1.1", 5, {1: Disk("/dev/sdd", "8:48", type="disk")}),
        FakeTarget(f"{P}.a0", "10.1.0.249", 1, {1: Disk("/dev/sde", "8:64", type="disk")}),
        FakeTarget(f"{P}.b0", "10.2.0.250", 3, {1: Disk("/dev/sdf", "8:80", type="disk")}),
    )
    return machine


def chap_file(machine: FakeMachine, mode: int = 0o600) -> str:
    """Write a file with a secret; options take paths of this machine, so below its root."""
    machine.write("/root/pool.chap", f"username = pool\npassword = {SECRET}\n")
    (machine.root / "root/pool.chap").chmod(mode)
    return "/root/pool.chap"


def test_the_white_paper_s_steps(san: FakeMachine, shell: Shell) -> None:
    found = shell("ovstools iscsi discover 10.1.1.1")
    assert found.status == 0
    assert found.out.splitlines()[1].split() == ["10.1.1.1:3260", "5", f"{P}.a2", "new"]
    assert len(found.out.splitlines()) == 4
    gone = shell(f"ovstools iscsi prune --keep {P}.a2@10.1.1.1")
    assert (gone.status, gone.out.splitlines()[-1]) == (0, "2 node records deleted")
    logged_in = shell("ovstools iscsi login --json -q").json
    assert logged_in["devices"] == ["/dev/sdd"]
    listed = shell("ovstools iscsi list").out.splitlines()
    assert listed[1].split()[:6] == [
        "10.1.1.1:3260", f"{P}.a2", "automatic", "1", "LOGGED_IN", "1",
    ]  # fmt: skip
    out = shell(f"ovstools iscsi logout {P}.a2")
    assert (out.status, out.out) == (
        0, f"{P}.a2 at 10.1.1.1:3260 is logged out; no boot logs in to it\n"
    )  # fmt: skip


def test_makerepo_in_one_command(san: FakeMachine, shell: Shell) -> None:
    san.join_cluster()
    answer = shell(f"{MAKE} --json -q").json
    assert (answer["status"], answer["changed"], answer["formatted"]) == (0, True, True)
    assert answer["source"] == f"/dev/disk/by-path/ip-10.1.1.1:3260-iscsi-{P}.a2-lun-1"
    again = shell(f"{MAKE} --json").json
    assert (again["status"], again["changed"]) == (0, False)


def test_a_dry_run_does_nothing_and_shows_no_secret(san: FakeMachine, shell: Shell) -> None:
    san.join_cluster()
    san.commands.clear()
    before = sorted(san.root.rglob("*"))
    file = chap_file(san)
    for line in (
        f"{MAKE} --chap-file {file} --dry-run",
        f"{MAKE} --chap-file {file} --dry-run --json",
    ):
        answer = shell(line)
        assert answer.status == 0
        assert "node.session.auth.password = ********" in answer.out
        assert "--login" in answer.out and "node.startup" in answer.out
        assert SECRET not in answer.out + answer.err
    assert san.commands == []
    new = set(san.root.rglob("*")) - set(before)
    assert {path.name for path in new} <= {"root", "pool.chap"}


def test_with_a_secret_from_a_file(san: FakeMachine, shell: Shell) -> None:
    san.iscsi.targets[0].chap = {"username": "pool", "password": SECRET}
    shell("ovstools iscsi discover 10.1.1.1")
    wrong = shell(f"ovstools iscsi login {P}.a2 --json")
    assert (wrong.status, wrong.json["status"]) == (1, 1)
    assert "status 24" in wrong.json["error"]
    answer = shell(f"ovstools iscsi login {P}.a2 --chap-file {chap_file(san)} -v")
    assert answer.status == 0
    assert SECRET not in answer.out + answer.err + "".join(san.commands)


@pytest.mark.parametrize(
    "line, status, said",
    [
        ("ovstools iscsi discover", 2, "Missing argument"),
        ("ovstools iscsi discover 10.1.1.9", 4, "no iSCSI portal answers at 10.1.1.9:3260"),
        ("ovstools iscsi discover 10.1.1.1:0", 2, "port 0"),
        ("ovstools iscsi login nosuch", 2, "is not a target"),
        (f"ovstools iscsi login {P}.a2", 4, "there is no node record of"),
        (f"ovstools iscsi logout {P}.a2", 4, "there is no node record of"),
        ("ovstools iscsi logout", 2, "Missing argument"),
        ("ovstools iscsi prune", 2, "--keep"),
        (f"ovstools iscsi prune --keep {P}.a2", 4, "is to be kept, but there is no node record"),
        (f"ovstools iscsi login {P}.a2 --chap-user pool", 2, "no terminal"),
        (f"ovstools iscsi login {P}.a2 --chap-target-user x", 2, "needs --chap-user"),
        (f"ovstools iscsi login {P}.a2 --chap-user x --chap-file y", 2, "goes without"),
        (f"ovstools iscsi login {P}.a2 --chap-file /root/none", 4, "cannot read /root/none"),
        ("ovs-makerepo /dev/sdb1 C x --prune", 2, "are for iSCSI"),
    ],
)
def test_refusals(san: FakeMachine, shell: Shell, line: str, status: int, said: str) -> None:
    answer = shell(line)
    assert (answer.status, answer.out) == (status, "")
    assert said in answer.err
    assert san.commands == []


def test_a_secret_file_that_others_can_read(san: FakeMachine, shell: Shell) -> None:
    answer = shell(f"ovstools iscsi login {P}.a2 --chap-file {chap_file(san, 0o644)}")
    assert answer.status == 4
    assert "others can read the secrets" in answer.err and SECRET not in answer.err


@pytest.mark.parametrize("verb", ["discover 10.1.1.1", f"login {P}.a2", f"logout {P}.a2"])
def test_below_a_root(san: FakeMachine, shell: Shell, verb: str) -> None:
    answer = shell(f"ovstools iscsi {verb} --root {san.root}")
    assert answer.status == 4
    assert "with --root nothing is logged in or out" in answer.err


def test_nothing_at_all(machine: FakeMachine, shell: Shell) -> None:
    answer = shell("ovstools iscsi list")
    assert (answer.status, answer.out) == (0, "no node record and no session\n")
    assert shell("ovstools iscsi list --json").json == {"iscsi": [], "status": 0}
    assert shell("ovstools iscsi discover 10.1.1.1").status == 4
