"""The files of node records: found, written under iscsiadm's lock, never read by others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ovstools.errors import RefusedError, ToolError
from ovstools.model.iscsi import Portal, TargetPortal
from ovstools.system import iscsi_database
from ovstools.system.secret_file import read_secret_file
from tests.fakes.machine import FakeMachine

IQN = "iqn.2001-04.com.example:pool"
AT = TargetPortal(IQN, Portal("10.1.1.1"), 5)
FOLDER = f"/etc/iscsi/nodes/{IQN}"


@pytest.mark.parametrize(
    "at, files",
    [
        (AT, [f"{FOLDER}/10.1.1.1,3260,5/default"]),
        (AT, [f"/var/lib/iscsi/nodes/{IQN}/10.1.1.1,3260,5/default"]),
        (AT, [f"{FOLDER}/10.1.1.1,3260,5/{name}" for name in ("iface0", "iface1")]),
        (TargetPortal(IQN, Portal("10.1.1.1")), [f"{FOLDER}/10.1.1.1,3260"]),
        (TargetPortal(IQN, Portal("2001:DB8::1"), 1), [f"{FOLDER}/2001:DB8::1,3260,1/default"]),
    ],
)
def test_record_files(machine: FakeMachine, at: TargetPortal, files: list[str]) -> None:
    machine.write(f"{FOLDER}/10.1.1.2,3260,5/default", "another\n")
    for file in files:
        machine.write(file, "text\n")
    assert iscsi_database.record_files(machine.host(), at) == tuple(files)


def test_no_record_has_no_files(machine: FakeMachine) -> None:
    assert iscsi_database.record_files(machine.host(), AT) == ()


@pytest.mark.parametrize(
    "at", [TargetPortal("../../etc", Portal("x")), TargetPortal(IQN, Portal("../../x"))]
)
def test_a_name_that_leads_elsewhere(machine: FakeMachine, at: TargetPortal) -> None:
    with pytest.raises(RefusedError, match="no part of a path"):
        iscsi_database.record_files(machine.host(), at)


FILE = f"{FOLDER}/10.1.1.1,3260,5/default"


def names_below(machine: FakeMachine) -> list[str]:
    top = machine.root / "etc/iscsi"
    return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())


def test_the_new_text_is_root_s_alone_and_nothing_else_is_left(machine: FakeMachine) -> None:
    machine.write(FILE, "old\n")
    (machine.root / FILE[1:]).chmod(0o644)
    machine.write("/etc/iscsi/.ovstools-record", "of a run that was killed\n")
    iscsi_database.replace_record(machine.host(), FILE, "new\n", "old\n")
    assert machine.read(FILE) == "new\n"
    assert (machine.root / FILE[1:]).stat().st_mode & 0o777 == 0o600
    assert names_below(machine) == [f"nodes/{IQN}/10.1.1.1,3260,5/default"]
    assert os.listdir(machine.root / "run/lock/iscsi") == ["lock"]


def test_a_record_that_changed_meanwhile(machine: FakeMachine) -> None:
    machine.write(FILE, "newer\n")
    with pytest.raises(RefusedError, match="changed by somebody else"):
        iscsi_database.replace_record(machine.host(), FILE, "new\n", "old\n")
    assert machine.read(FILE) == "newer\n"
    assert not (machine.root / "run/lock/iscsi/lock.write").exists()


def test_the_lock_of_an_iscsiadm_is_waited_for(machine: FakeMachine) -> None:
    machine.write(FILE, "old\n")
    held = machine.root / "run/lock/iscsi/lock.write"
    machine.write("/run/lock/iscsi/lock.write", "")
    machine.clock.later.append((machine.clock.now + 5, held.unlink))
    iscsi_database.replace_record(machine.host(), FILE, "new\n", "old\n")
    assert machine.read(FILE) == "new\n"
    machine.write("/run/lock/iscsi/lock.write", "")
    begin = machine.clock.now
    with pytest.raises(ToolError, match="an iscsiadm works on the records") as caught:
        iscsi_database.replace_record(machine.host(), FILE, "newest\n", "new\n")
    assert 30 <= machine.clock.now - begin < 31
    assert "rm " in caught.value.hint
    assert held.exists(), "it is not ours to remove"


def secret_file(machine: FakeMachine, mode: int) -> Path:
    machine.write("/root/pool.chap", "username = pool\n")
    path = machine.root / "root/pool.chap"
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_file(machine: FakeMachine, mode: int) -> None:
    secret_file(machine, mode)
    assert read_secret_file(machine.host(), "/root/pool.chap") == "username = pool\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601])
def test_a_secret_file_that_others_can_read(machine: FakeMachine, mode: int) -> None:
    secret_file(machine, mode)
    with pytest.raises(RefusedError, match="others can read the secrets") as caught:
        read_secret_file(machine.host(), "/root/pool.chap")
    assert "chmod 600 /root/pool.chap" in caught.value.hint


def test_what_is_no_secret_file(machine: FakeMachine) -> None:
    secret_file(machine, 0o600).write_bytes(b"\xff\xfe")
    for path, said in (
        ("/root/pool.chap", "UTF-8"),
        ("/root", "Is a directory"),
        ("/no", "cannot"),
    ):
        with pytest.raises(RefusedError, match=said):
            read_secret_file(machine.host(), path)
