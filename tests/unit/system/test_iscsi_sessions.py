"""Sessions and their disks from sysfs, as a real kernel shows them (`grep -H .` in /sys/class)."""

from __future__ import annotations

from ovstools.model.iscsi import Portal, ScsiDisk, Session, TargetPortal
from ovstools.system.iscsi_sessions import read_sessions
from tests.fakes.machine import FakeMachine
from tests.unit.model.captured import captured

IQN = "iqn.1992-04.com.emc:cx.apm00070202838.a2"
SESSION = "/sys/class/iscsi_session/session9"
LUN1 = f"{SESSION}/device/target5:0:0/5:0:0:1"
WWID = "naa.60000000000000000e00000000030001"


def show(machine: FakeMachine) -> None:
    """Write the captured files."""
    for line in captured("iscsi-sysfs", "session-ipv6").splitlines():
        folder, _, rest = line.rpartition("/")
        name, _, value = rest.partition(":")
        machine.write(f"/sys/class/{folder}/{name}", f"{value}\n")


def test_a_session_has_its_target_portal_and_disks(machine: FakeMachine) -> None:
    show(machine)
    (found,) = read_sessions(machine.host())
    at = TargetPortal(IQN, Portal("fd00:100::1"), 1)
    assert found == Session(9, at, "LOGGED_IN", (ScsiDisk(1, "sdd", WWID),))
    assert str(found.at.portal) == "[fd00:100::1]:3260"
    assert found.disks[0].path == "/dev/sdd", "LUN 0 is the target's controller, not a disk"


def test_several_sessions_come_in_the_order_of_their_numbers(machine: FakeMachine) -> None:
    for sid in (10, 9, 2):
        machine.write(f"/sys/class/iscsi_session/session{sid}/targetname", f"{IQN}\n")
        base = f"/sys/class/iscsi_connection/connection{sid}:0"
        machine.write(f"{base}/persistent_address", "10.1.1.1\n")
        machine.write(f"{base}/persistent_port", "3260\n")
    assert [session.sid for session in read_sessions(machine.host())] == [2, 9, 10]


def test_a_session_that_is_just_going(machine: FakeMachine) -> None:
    show(machine)
    machine.write("/sys/class/iscsi_connection/connection9:0/persistent_port", "")
    assert read_sessions(machine.host()) == ()
    machine.write("/sys/class/iscsi_session/session8/state", "FREE\n")
    machine.write("/sys/class/iscsi_session/sessions/targetname", "none\n")
    assert read_sessions(machine.host()) == ()


def test_no_iscsi_at_all(machine: FakeMachine) -> None:
    assert read_sessions(machine.host()) == ()


def test_luns_in_order_and_none_without_a_disk(machine: FakeMachine) -> None:
    show(machine)
    for lun, device in ((12, "sdx"), (2, "sdf")):
        machine.write(f"{LUN1[:-1]}{lun}/block/{device}/dev", "8:0\n")
    (found,) = read_sessions(machine.host())
    assert [(disk.lun, disk.device, disk.wwid) for disk in found.disks] == [
        (1, "sdd", WWID), (2, "sdf", None), (12, "sdx", None),
    ]  # fmt: skip
