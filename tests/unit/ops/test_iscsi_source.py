"""makerepo iscsi://PORTAL/IQN/LUN on a fake machine: from nothing to a mounted repository."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ovstools.errors import OvsError, RefusedError, ToolError, UsageError
from ovstools.model.chap import Chap
from ovstools.ops import makerepo, offlinerepo
from ovstools.ops.formatting import Format
from ovstools.ops.iscsi_source import IscsiRequest
from ovstools.ops.plan import Plan
from tests.fakes.disk import Disk
from tests.fakes.iscsi import FakeTarget
from tests.fakes.machine import FakeMachine

IQN = "iqn.2001-04.com.example:pool"
OTHER = "iqn.2001-04.com.example:other"
SOURCE = f"iscsi://10.1.1.1/{IQN}/1"
BY_PATH = f"/dev/disk/by-path/ip-10.1.1.1:3260-iscsi-{IQN}-lun-1"
CHAP = Chap("pool", "twelve bytes and more")


def make(
    machine: FakeMachine, source: str = SOURCE, form: Format | None = None, **words: object
) -> Plan:
    request = makerepo.Request(
        source,
        "C",
        "cluster root",
        form or Format(wanted=True),
        iscsi=IscsiRequest(**words),  # type: ignore[arg-type]
    )
    return machine.carry_out(lambda host: makerepo.plan(host, request))


@pytest.fixture
def san(machine: FakeMachine) -> FakeMachine:
    """Return vmserver1, online, before a LUN and another target."""
    machine.join_cluster()
    machine.iscsi.install(
        FakeTarget(IQN, "10.1.1.1", 5, {1: Disk("/dev/sdd", "8:48", type="disk")}),
        FakeTarget(OTHER, "10.1.0.249", 1, {1: Disk("/dev/sde", "8:64", type="disk")}),
    )
    return machine


def test_one_command_does_it_all(san: FakeMachine) -> None:
    plan = make(san)
    uuid = san.uuid("/dev/sdd")
    assert san.read("/etc/ovs/repositories").splitlines()[-1] == f"@{uuid} {BY_PATH}"
    assert san.kernel.refs == {uuid: 1}
    assert list(san.iscsi.records()) == [f"{IQN} 10.1.1.1,3260,5"], "of the unwanted, no record"
    assert "node.startup = automatic" in next(iter(san.iscsi.records().values()))
    assert plan.report.data["source"] == BY_PATH
    san.commands.clear()
    again = make(san)
    assert again.steps == () and san.commands == []
    assert "already mounted at /OVS" in again.report.lines[0]


def test_the_storage_is_not_asked_again_when_all_is_so_already(san: FakeMachine) -> None:
    make(san)
    san.iscsi.dead.add("10.1.1.1")
    assert make(san).steps == ()


def test_the_next_server_joins(machines: Callable[[int], FakeMachine]) -> None:
    disk = Disk("/dev/sdd", "8:48", type="disk")
    first, second = machines(0), machines(1)
    for machine in (first, second):
        machine.join_cluster()
        machine.iscsi.install(FakeTarget(IQN, "10.1.1.1", 5, {1: disk}))
        make(machine)
    assert second.read("/etc/ovs/repositories") == first.read("/etc/ovs/repositories")
    assert not any(command.startswith("mkfs") for command in second.commands)


def test_without_a_lun_the_only_one_is_meant(san: FakeMachine) -> None:
    make(san, f"iscsi://10.1.1.1/{IQN}")
    assert san.uuid("/dev/sdd")


def test_of_several_luns_one_must_be_named(san: FakeMachine) -> None:
    san.iscsi.targets[0].luns[2] = Disk("/dev/sdf", "8:80", type="disk")
    with pytest.raises(OvsError, match="more than one LUN") as caught:
        make(san, f"iscsi://10.1.1.1/{IQN}")
    assert caught.value.evidence[:2] == ("LUN 1 is /dev/sdd", "LUN 2 is /dev/sdf")
    assert san.iscsi.records() == {}, "what was done is undone"
    assert san.iscsi.sid_of(san.iscsi.targets[0]) is None


def test_a_lun_that_is_not_there_leaves_nothing_behind(san: FakeMachine) -> None:
    begin = san.clock.now
    with pytest.raises(ToolError, match="no LUN 7 of") as caught:
        make(san, f"iscsi://10.1.1.1/{IQN}/7")
    assert 30 <= san.clock.now - begin < 60, "there is a deadline"
    assert "LUN 1 is /dev/sdd" in caught.value.evidence
    assert san.iscsi.records() == {} and san.iscsi.sid_of(san.iscsi.targets[0]) is None


def test_a_lun_that_came_after_the_log_in_is_found(san: FakeMachine) -> None:
    make(san)
    san.iscsi.targets[0].late[2] = Disk("/dev/sdf", "8:80", type="disk")
    request = makerepo.Request(f"{SOURCE[:-1]}2", "1", "more", Format(wanted=True))
    san.carry_out(lambda host: makerepo.plan(host, request))
    assert san.uuid("/dev/sdf")
    with pytest.raises(ToolError, match="no LUN 9"):
        make(san, f"{SOURCE[:-1]}9")
    assert san.iscsi.sid_of(san.iscsi.targets[0]) == 1, "a session that was there stays"


def test_a_wrong_secret_leaves_nothing_behind(san: FakeMachine) -> None:
    san.iscsi.targets[0].chap = CHAP.values()
    for chap in (None, Chap("pool", "something else")):
        with pytest.raises(ToolError, match=r"status 24"):
            make(san, chap=chap)
        assert san.iscsi.records() == {}
        assert not (san.root / "etc/iscsi/nodes" / IQN / "10.1.1.1,3260,5").exists()
    make(san, chap=CHAP)
    assert make(san, chap=CHAP).steps == ()


@pytest.mark.parametrize(
    "source, said",
    [
        (f"iscsi://10.1.1.9/{IQN}/1", "no iSCSI portal answers at 10.1.1.9:3260"),
        ("iscsi://10.1.1.1/iqn.2001-04.com.example:none/1", "does not offer"),
    ],
)
def test_what_is_not_there(san: FakeMachine, source: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        make(san, source)
    assert san.commands == [] and san.iscsi.records() == {}


def test_a_target_at_another_portal_than_the_one_that_was_asked(san: FakeMachine) -> None:
    make(san, f"iscsi://10.1.1.1/{OTHER}/1")
    assert list(san.iscsi.records()) == [f"{OTHER} 10.1.0.249,3260,1"]
    assert "is at 10.1.0.249:3260" in san.said.getvalue()


def test_a_target_at_several_other_portals(san: FakeMachine) -> None:
    san.iscsi.targets += [FakeTarget(OTHER, "10.2.0.249", 1)]
    with pytest.raises(RefusedError, match="several other portals") as caught:
        make(san, f"iscsi://10.1.1.1/{OTHER}/1")
    assert len(caught.value.evidence) == 2


def test_ipv6(san: FakeMachine) -> None:
    target = FakeTarget(IQN, "2001:db8::10", 1, {1: Disk("/dev/sdg", "8:96", type="disk")})
    san.iscsi.targets[:] = [target]
    make(san, f"iscsi://[2001:DB8:0::10]:3260/{IQN}/1")
    assert list(san.iscsi.records()) == [f"{IQN} 2001:db8::10,3260,1"]
    (line,) = [x for x in san.read("/etc/ovs/repositories").splitlines() if x.startswith("@")]
    assert line.endswith(f"/ip-2001:db8::10:3260-iscsi-{IQN}-lun-1")
    request = offlinerepo.Request(f"iscsi://[2001:db8::10]/{IQN}/1")
    assert offlinerepo.find(san.host(), request).is_mounted


def test_prune_deletes_the_others_and_nothing_without_it(san: FakeMachine) -> None:
    san.iscsi.iscsiadm(
        "--mode", "node", "--targetname", OTHER, "--portal", "10.1.0.249:3260,1", "--op", "new"
    )  # fmt: skip
    make(san)
    assert len(san.iscsi.records()) == 2
    make(san, prune=True)
    assert list(san.iscsi.records()) == [f"{IQN} 10.1.1.1,3260,5"]
    assert make(san, prune=True).steps == ()


def test_prune_with_the_other_in_use_changes_nothing(san: FakeMachine) -> None:
    make(san, f"iscsi://10.1.1.1/{OTHER}/1")
    san.commands.clear()
    with pytest.raises(RefusedError, match="in use; nothing was logged out"):
        make(san, prune=True)
    assert san.commands == []


def two_paths(san: FakeMachine) -> FakeTarget:
    """Give the target a second portal; its LUN has one more device, of the same wwid."""
    disk = san.iscsi.targets[0].luns[1]
    second = Disk("/dev/sdh", "8:112", type="disk", fs=disk.fs)
    san.iscsi.targets.append(FakeTarget(IQN, "10.2.1.1", 6, {1: second}))
    return san.iscsi.targets[-1]


def map_paths(san: FakeMachine) -> None:
    """Be multipathd: make a map of the two paths."""
    mapped = Disk("/dev/mapper/36000", "253:0", type="mpath")
    san.add_disk("/dev/mapper/36000", "253:0")
    san.disks["/dev/mapper/36000"] = mapped
    for path in ("/dev/sdd", "/dev/sdh"):
        san.disks[path].children = [mapped]


def test_all_portals_and_the_multipath_map(san: FakeMachine) -> None:
    two_paths(san)
    san.kernel.units["multipathd.service"] = ["loaded", "active", "enabled"]
    san.clock.later.append((san.clock.now + 1, lambda: map_paths(san)))
    make(san, all_portals=True)
    assert len(san.iscsi.records()) == 2
    (line,) = [x for x in san.read("/etc/ovs/repositories").splitlines() if x.startswith("@")]
    assert line.endswith(" /dev/mapper/36000")
    with pytest.raises(RefusedError, match="is part of another device"):
        make(san, "/dev/sdd")
    for portal in ("10.1.1.1", "10.2.1.1"):
        assert offlinerepo.find(
            san.host(), offlinerepo.Request(f"iscsi://{portal}/{IQN}/1")
        ).is_mounted
    for word in (f"10.1.1.1/{IQN}/2", f"10.1.1.2/{IQN}/1", f"10.1.1.1/{OTHER}/1"):
        with pytest.raises(RefusedError, match="no listed repository"):
            offlinerepo.find(san.host(), offlinerepo.Request(f"iscsi://{word}"))


def test_offline_by_another_portal_than_the_one_that_the_name_leads_to(san: FakeMachine) -> None:
    """Of several paths without a map, udev's names of the LUN lead to the one that came last."""
    make(san)
    san.iscsi.add_session(two_paths(san))
    request = offlinerepo.Request(f"iscsi://10.2.1.1/{IQN}/1")
    assert offlinerepo.find(san.host(), request).is_mounted


def test_two_paths_without_a_map_are_refused(san: FakeMachine) -> None:
    two_paths(san)
    with pytest.raises(RefusedError, match="need multipathd"):
        make(san, all_portals=True)
    assert san.commands == []
    san.iscsi.add_session(san.iscsi.targets[-1])
    with pytest.raises(RefusedError, match="2 paths and no multipath map"):
        make(san)
    assert not any(command.startswith("mkfs") for command in san.commands)


def test_a_session_that_does_not_answer(san: FakeMachine) -> None:
    make(san)
    san.write("/sys/class/iscsi_session/session1/state", "FAILED\n")
    with pytest.raises(RefusedError, match="its state is FAILED"):
        make(san)


def test_words_for_iscsi_with_another_source(san: FakeMachine) -> None:
    with pytest.raises(UsageError, match="are for iSCSI"):
        make(san, "/dev/sdb1", prune=True)


def test_without_a_cluster_nothing_is_logged_in(machine: FakeMachine) -> None:
    machine.iscsi.install(FakeTarget(IQN, "10.1.1.1", 5))
    with pytest.raises(RefusedError, match="in no cluster"):
        make(machine)
    assert machine.commands == []


def test_below_a_root(san: FakeMachine) -> None:
    request = makerepo.Request(SOURCE, "C", "cluster root")
    with pytest.raises(RefusedError, match="with --root nothing is logged in or out"):
        makerepo.plan(san.host(offline=True), request)


def test_killed_at_every_boundary_the_same_command_finishes(
    machines: Callable[[int], FakeMachine],
) -> None:
    machine = machines(0)
    machine.join_cluster()
    disk = Disk("/dev/sdd", "8:48", type="disk")
    machine.iscsi.install(FakeTarget(IQN, "10.1.1.1", 5, {1: disk}, CHAP.values()))
    request = makerepo.Request(
        SOURCE, "C", "cluster root", Format(wanted=True), iscsi=IscsiRequest(CHAP)
    )
    for _ in range(40):
        again = makerepo.plan(machine.host(), request).look_again
        killed = machine.killed_behind_first_change(lambda host: makerepo.plan(host, request))
        if not (again or killed):
            break
    assert make(machine, chap=CHAP).steps == ()
    assert machine.kernel.refs == {machine.uuid("/dev/sdd"): 1}
    assert machine.iscsi.sid_of(machine.iscsi.targets[0]) == 1
