"""iscsi discover, login, logout, prune, list on a fake machine."""

from __future__ import annotations

import pytest

from ovstools.errors import OvsError, RefusedError, ToolError, UsageError
from ovstools.model.chap import Chap
from ovstools.ops import (
    iscsi_discover,
    iscsi_list,
    iscsi_login,
    iscsi_logout,
    iscsi_prune,
)
from ovstools.ops.plan import Plan
from tests.fakes.disk import Disk
from tests.fakes.iscsi import FakeTarget
from tests.fakes.machine import FakeMachine

A2 = "iqn.1992-04.com.emc:cx.apm00070202838.a2"
A20 = f"{A2}0"
B0 = "iqn.1992-04.com.emc:cx.apm00070202838.b0"
LUN = Disk


def lun(name: str, minor: int) -> Disk:
    return Disk(f"/dev/{name}", f"8:{minor}", type="disk")


@pytest.fixture
def san(machine: FakeMachine) -> FakeMachine:
    """Return vmserver1 before three targets at three portals."""
    machine.iscsi.install(
        FakeTarget(A2, "10.1.1.1", 5, {1: lun("sdd", 48)}),
        FakeTarget(A20, "10.1.0.249", 1, {1: lun("sde", 64)}),
        FakeTarget(B0, "10.2.0.250", 3, {1: lun("sdf", 80)}),
    )
    return machine


def discover(machine: FakeMachine, *portals: str) -> Plan:
    request = iscsi_discover.Request(portals or ("10.1.1.1",))
    return machine.carry_out(lambda host: iscsi_discover.plan(host, request))


def login(machine: FakeMachine, *targets: str, chap: Chap | None = None) -> Plan:
    request = iscsi_login.Request(targets, chap)
    return machine.carry_out(lambda host: iscsi_login.plan(host, request))


def logout(machine: FakeMachine, *targets: str) -> Plan:
    request = iscsi_logout.Request(targets)
    return machine.carry_out(lambda host: iscsi_logout.plan(host, request))


def prune(machine: FakeMachine, *keep: str) -> Plan:
    request = iscsi_prune.Request(keep)
    return machine.carry_out(lambda host: iscsi_prune.plan(host, request))


def recorded(machine: FakeMachine) -> list[str]:
    return list(machine.iscsi.records())


def test_discover_records_what_is_new_and_nothing_else(san: FakeMachine) -> None:
    plan = discover(san)
    assert recorded(san) == [
        f"{A2} 10.1.1.1,3260,5", f"{A20} 10.1.0.249,3260,1", f"{B0} 10.2.0.250,3260,3",
    ]  # fmt: skip
    assert plan.report.table is not None
    assert plan.report.table.rows[0] == ("10.1.1.1:3260", "5", A2, "new")
    login(san, A2)
    again = discover(san)
    assert again.steps == () and again.report.data["changed"] is False
    (record,) = [text for name, text in san.iscsi.records().items() if name.startswith(f"{A2} ")]
    assert "node.startup = automatic" in record, "a further discovery keeps the settings"


def test_discover_makes_no_boot_log_in_to_everything(san: FakeMachine) -> None:
    """Oracle Linux' iscsid.conf makes new records automatic."""
    san.iscsi.startup = "automatic"
    san.write("/etc/iscsi/iscsid.conf", "# node.startup = manual\nnode.startup = automatic\n")
    discover(san)
    assert all("node.startup = manual" in text for text in san.iscsi.records().values())


@pytest.mark.parametrize("portal", ["10.1.1.2", "10.1.1.1:3261", "nosuch"])
def test_a_portal_that_nobody_listens_at(san: FakeMachine, portal: str) -> None:
    with pytest.raises(RefusedError, match="no iSCSI portal answers") as caught:
        discover(san, portal)
    assert caught.value.evidence == ("Connection refused",)
    assert san.commands == []


def test_the_service_is_started_first(san: FakeMachine) -> None:
    san.kernel.units["iscsid.socket"][1] = "inactive"
    discover(san)
    assert san.commands[0] == "systemctl start iscsid.socket"
    assert len(recorded(san)) == 3


@pytest.mark.parametrize(
    "units, said",
    [
        ({}, "there is no iscsid on this server"),
        ({"iscsid.socket": ["masked", "inactive", "masked"]}, "there is no iscsid"),
    ],
)
def test_no_iscsid(machine: FakeMachine, units: dict[str, list[str]], said: str) -> None:
    machine.kernel.units.update(units)
    with pytest.raises(RefusedError, match=said):
        discover(machine)


def test_no_initiator_name(san: FakeMachine) -> None:
    san.kernel.units["iscsid.socket"][1] = "inactive"
    san.write("/etc/iscsi/initiatorname.iscsi", "# InitiatorName=none\n")
    with pytest.raises(RefusedError, match="no initiator name"):
        discover(san)


def test_login_to_one_names_the_device_that_appeared(san: FakeMachine) -> None:
    discover(san)
    plan = login(san, A2)
    assert san.iscsi.sid_of(san.iscsi.targets[0]) == 1
    assert san.iscsi.sid_of(san.iscsi.targets[1]) is None, "its name only begins alike"
    assert plan.report_after is not None
    report = plan.report_after(san.host())
    assert report.lines == (f"{A2} at 10.1.1.1:3260 is logged in: LUN 1 is /dev/sdd, 4.0G, blank",)
    assert report.data["devices"] == ["/dev/sdd"]
    starts = [text.count("startup = automatic") for text in san.iscsi.records().values()]
    assert starts == [1, 0, 0]


def test_login_again_changes_nothing(san: FakeMachine) -> None:
    discover(san)
    login(san)
    san.commands.clear()
    plan = login(san)
    assert plan.steps == () and san.commands == []
    assert plan.report_after is not None
    assert all("already logged in" in line for line in plan.report_after(san.host()).lines)


def test_login_to_what_is_not_recorded(san: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="no node record of"):
        login(san, A2)
    with pytest.raises(RefusedError, match="there is no node record"):
        login(san)
    with pytest.raises(UsageError, match="is not a target"):
        login(san, "../../etc")


def test_login_enables_what_logs_in_at_boot(san: FakeMachine) -> None:
    san.kernel.units["open-iscsi.service"][2] = "disabled"
    discover(san)
    login(san, A2)
    assert san.kernel.units["open-iscsi.service"][2] == "enabled"


GOOD = Chap("pool", "twelve bytes and more", "array", "another secret")


def test_chap_goes_through_the_file_alone(san: FakeMachine) -> None:
    san.iscsi.targets[0].chap = GOOD.values()
    discover(san)
    plan = login(san, A2, chap=GOOD)
    text = plan.preview() + "\n".join(san.commands) + san.said.getvalue()
    assert GOOD.password not in text and str(GOOD.password_in) not in text
    assert "node.session.auth.password = ********" in plan.preview()
    (file,) = (san.root / "etc/iscsi/nodes" / A2).glob("*/default")
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"node.session.auth.password = {GOOD.password}\n" in file.read_text()
    assert [path.name for path in file.parent.iterdir()] == ["default"]
    assert not (san.root / "run/lock/iscsi/lock.write").exists()
    assert login(san, A2, chap=GOOD).steps == ()


def test_a_wrong_secret_leaves_nothing_behind(san: FakeMachine) -> None:
    san.iscsi.targets[0].chap = GOOD.values()
    discover(san)
    before = san.iscsi.records()
    with pytest.raises(ToolError, match="CHAP") as caught:
        login(san, A2, chap=Chap("pool", "wrong wrong wrong"))
    assert "iscsiadm's status 24" in caught.value.what
    assert san.iscsi.records() == before
    assert "wrong wrong" not in san.said.getvalue() + "".join(caught.value.evidence)
    login(san, A2, chap=GOOD)


def test_logout_of_what_nothing_uses(san: FakeMachine) -> None:
    discover(san)
    login(san)
    logout(san, A2)
    assert san.iscsi.sid_of(san.iscsi.targets[0]) is None
    assert san.iscsi.sid_of(san.iscsi.targets[1]) == 2
    starts = [text.count("startup = automatic") for text in san.iscsi.records().values()]
    assert starts == [0, 1, 1]
    assert logout(san, A2).steps == ()
    with pytest.raises(RefusedError, match="no node record of"):
        logout(san, "iqn.2001-04.com.example:none")


def use_mount(machine: FakeMachine) -> None:
    machine.kernel.add_mount("8:48", "/OVS", "ocfs2", "/dev/sdd")


def use_process(machine: FakeMachine) -> None:
    machine.add_process(4711, "qemu-system-x86", "/dev/sdd")


def use_swap(machine: FakeMachine) -> None:
    machine.disk("/dev/sdd").is_claimed = True


def use_lvm(machine: FakeMachine) -> None:
    machine.disk("/dev/sdd").children.append(Disk("/dev/dm-3", "253:3", type="lvm"))


@pytest.mark.parametrize(
    "use, said",
    [
        (use_mount, "/dev/sdd is mounted at /OVS"),
        (use_process, "qemu-system-x86 (pid 4711) has /dev/sdd"),
        (use_swap, "the kernel holds /dev/sdd"),
    ],
)
@pytest.mark.parametrize("verb", ["logout", "prune"])
def test_a_session_in_use_is_never_logged_out(
    san: FakeMachine, use: object, said: str, verb: str
) -> None:
    discover(san)
    login(san)
    assert callable(use)
    use(san)
    san.commands.clear()
    with pytest.raises(RefusedError, match="in use; nothing was logged out") as caught:
        if verb == "logout":
            logout(san, A20, A2)
        else:
            prune(san, B0)
    assert any(said in line for line in caught.value.evidence)
    assert san.commands == [] and len(recorded(san)) == 3


def test_a_session_that_came_into_use_meanwhile(san: FakeMachine) -> None:
    discover(san)
    login(san)
    san.before["iscsiadm"] = lambda: None
    plan = iscsi_logout.plan(san.host(), iscsi_logout.Request((A2,)))
    use_mount(san)
    with pytest.raises(RefusedError, match="in use"):
        plan.steps[0].change.apply(san.host())


def test_multipathd_and_udev_are_no_users(san: FakeMachine) -> None:
    discover(san)
    login(san, A2)
    san.add_process(12, "multipathd", "/dev/sdd")
    san.add_process(13, "(udev-worker)", "/dev/sdd")
    logout(san, A2)


def test_prune_keeps_only_what_is_named(san: FakeMachine) -> None:
    discover(san)
    login(san)
    plan = prune(san, f"{A2}@10.1.1.1")
    assert recorded(san) == [f"{A2} 10.1.1.1,3260,5"]
    assert [san.iscsi.sid_of(target) for target in san.iscsi.targets] == [1, None, None]
    assert plan.report.data["kept"] == [f"{A2} at 10.1.1.1:3260"]
    assert prune(san, A2).steps == ()


@pytest.mark.parametrize(
    "keep, error, said",
    [
        ((), UsageError, "name what stays"),
        (("iqn.1992-04.com.emc:cx.apm00070202838.a3",), RefusedError, "is to be kept, but"),
        ((f"{A2}@10.1.1.2",), RefusedError, "is to be kept, but"),
        ((A2, "eui.02004567A425678D"), RefusedError, "is to be kept, but"),
        (("a2",), UsageError, "is not a target"),
    ],
)
def test_a_word_that_keeps_nothing_deletes_nothing(
    san: FakeMachine, keep: tuple[str, ...], error: type[OvsError], said: str
) -> None:
    discover(san)
    before = san.iscsi.records()
    with pytest.raises(error, match=said):
        prune(san, *keep)
    assert san.iscsi.records() == before


def test_prune_spares_the_target_of_a_listed_repository(san: FakeMachine) -> None:
    discover(san)
    login(san)
    san.write("/etc/ovs/repositories", f"{'A' * 32} /dev/sdf\n")
    with pytest.raises(RefusedError, match="a listed repository") as caught:
        prune(san, A2)
    assert any("A" * 32 in line for line in caught.value.evidence)
    assert len(recorded(san)) == 3


def test_list_shows_records_sessions_devices_and_users(san: FakeMachine) -> None:
    discover(san)
    login(san, A2)
    san.run_format("/dev/sdd")
    use_mount(san)
    report = iscsi_list.look(san.host())
    assert report.table is not None
    assert report.table.rows[0] == (
        "10.1.1.1:3260", A2, "automatic", "1 LOGGED_IN", "1", "/dev/sdd", "4.0G", "ocfs2",
        "/dev/sdd is mounted at /OVS",
    )  # fmt: skip
    assert report.table.rows[1][3:] == ("-",) * 6
    (first, *_) = report.data["iscsi"]
    assert (first["target"], first["session"], first["device"]) == (A2, 1, "/dev/sdd")
    assert first["used_by"] == ["/dev/sdd is mounted at /OVS"]


def test_list_shows_sessions_without_a_record(san: FakeMachine) -> None:
    san.iscsi.add_session(san.iscsi.targets[2])
    (row,) = iscsi_list.look(san.host()).data["iscsi"]
    assert (row["target"], row["startup"], row["session"]) == (B0, None, 1)


@pytest.mark.parametrize("number", range(1, 12))
def test_killed_after_any_step_the_same_command_finishes(san: FakeMachine, number: int) -> None:
    san.iscsi.targets[0].chap = GOOD.values()
    discover(san, "10.1.1.1")
    request = iscsi_login.Request((A2,), GOOD)
    san.killed_after(number, lambda host: iscsi_login.plan(host, request))
    login(san, A2, chap=GOOD)
    assert login(san, A2, chap=GOOD).steps == ()
    assert san.iscsi.sid_of(san.iscsi.targets[0]) == 1
