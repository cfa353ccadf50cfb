"""makerepo on a fake machine: what it does, and above all what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ovstools.errors import RefusedError, ToolError, UsageError
from ovstools.model.command import Result
from ovstools.ops import makerepo as ops
from ovstools.ops.formatting import Format
from ovstools.ops.plan import Plan
from tests.conftest import WWN
from tests.fakes.machine import NODES, FakeMachine

FORMAT = Format(wanted=True)
FORCE = Format(wanted=True, force=True)


def makerepo(
    machine: FakeMachine,
    source: str = "/dev/sdb1",
    shared: str = "C",
    description: str = "cluster root",
    form: Format = FORMAT,
    **words: Any,
) -> Plan:
    request = ops.Request(source, shared, description, form, **words)
    return machine.carry_out(lambda host: ops.plan(host, request))


def _ignore(plan: Plan) -> None:
    """Take what a scheduled happening returns."""


@pytest.fixture
def online(machine: FakeMachine) -> FakeMachine:
    machine.join_cluster()
    return machine


def test_makes_the_cluster_root(online: FakeMachine) -> None:
    plan = makerepo(online)
    uuid = online.uuid("/dev/sdb1")
    assert online.read("/etc/ovs/repositories").splitlines()[-1] == f"@{uuid} {WWN}"
    marker = online.read("/OVS/.ovsrepo")
    assert f"UUID={uuid}" in marker and "DESCRIPTION=cluster root" in marker
    for name in ("iso_pool", "publish_pool", "seed_pool", "sharedDisk", "running_pool"):
        assert (online.root / "OVS" / name).is_dir()
    assert online.kernel.refs == {uuid: 1}
    mkfs = online.commands[0]
    assert mkfs.startswith("mkfs.ocfs2 -x --cluster-stack=o2cb --cluster-name=ocfs2 ")
    assert mkfs.endswith("-b 4K -C 4K -J size=64M -N 16 /dev/sdb1")
    assert plan.report.data["formatted"] is True
    assert any(WWN in notice for notice in plan.notices)


def test_again_changes_nothing(online: FakeMachine) -> None:
    makerepo(online)
    online.commands.clear()
    plan = makerepo(online)
    assert plan.steps == () and online.commands == []
    assert "already mounted at /OVS" in plan.report.lines[0]


def test_the_same_words_join_on_further_servers(
    machines: Callable[[int], FakeMachine],
) -> None:
    first, second = machines(0), machines(1)
    first.join_cluster()
    second.join_cluster()
    makerepo(first)
    plan = makerepo(second, description="another text")
    assert not any(command.startswith("mkfs") for command in second.commands)
    assert second.read("/etc/ovs/repositories") == first.read("/etc/ovs/repositories")
    assert any("'cluster root'" in notice for notice in plan.notices)
    assert plan.report.data["description"] == "cluster root"


def test_the_description_on_the_storage_stays(online: FakeMachine) -> None:
    makerepo(online)
    plan = makerepo(online, description="other")
    assert "DESCRIPTION=cluster root" in online.read("/OVS/.ovsrepo")
    assert any("that description stays" in notice for notice in plan.notices)


def test_a_volume_made_by_hand_before_any_cluster_is_accepted(online: FakeMachine) -> None:
    disk = online.run_format("/dev/sdb1")
    assert disk.fs is not None
    disk.fs.stack = "classic o2cb"
    plan = makerepo(online, form=Format())
    assert plan.report.data["formatted"] is False
    assert (online.root / "OVS/seed_pool").is_dir()


def test_a_blank_device_needs_leave(online: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="blank") as caught:
        makerepo(online, form=Format())
    assert any("mkfs.ocfs2 -x" in line for line in caught.value.evidence)
    assert online.commands == []


def test_a_yes_at_the_terminal_is_leave(online: FakeMachine) -> None:
    asked: list[str] = []

    def yes(question: str) -> bool:
        asked.append(question)
        return True

    makerepo(online, form=Format(), ask=yes)
    assert asked == ["/dev/sdb1 is blank (4096 MiB). Format it?"]
    assert online.kernel.refs


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"TYPE": "ext4", "USAGE": "filesystem", "UUID": "x"}, "ext4"),
        ({"TYPE": "LVM2_member", "USAGE": "raid", "UUID": "x"}, "LVM2_member"),
        ({"TYPE": "linux_raid_member", "USAGE": "raid", "UUID": "x"}, "linux_raid_member"),
        ({"PTTYPE": "gpt"}, "gpt partition table"),
        ({"TYPE": "swap", "USAGE": "other", "UUID": "x"}, "swap"),
    ],
)
@pytest.mark.parametrize("form", [Format(), FORMAT])
def test_what_is_on_a_device_is_safe(
    online: FakeMachine, content: dict[str, str], said: str, form: Format
) -> None:
    online.disk("/dev/sdb1").other = content
    with pytest.raises(RefusedError) as caught:
        makerepo(online, form=form)
    assert said in " ".join((caught.value.what, *caught.value.evidence))
    assert online.commands == []
    assert online.disk("/dev/sdb1").other == content


@pytest.mark.parametrize("form", [Format(), FORMAT])
def test_data_that_blkid_does_not_know_is_safe(online: FakeMachine, form: Format) -> None:
    online.disk("/dev/sdb1").head = bytes(4000) + b"raw database" + bytes(4000)
    with pytest.raises(RefusedError, match="not blank") as caught:
        makerepo(online, form=form)
    assert "data that blkid does not know" in caught.value.evidence[0]
    online.disk("/dev/sdb1").head = bytes(8192)
    online.disk("/dev/sdb1").tail = bytes(65024) + b"EFI PART" + bytes(504)
    with pytest.raises(RefusedError, match="not blank"):
        makerepo(online, form=form)
    assert online.commands == []


@pytest.mark.parametrize("form", [FORMAT, FORCE])
def test_a_device_in_use_is_never_formatted(online: FakeMachine, form: Format) -> None:
    online.disk("/dev/sdb1").is_claimed = True
    with pytest.raises(RefusedError, match="is in use; it is never formatted"):
        makerepo(online, form=form)
    online.disk("/dev/sdb1").is_claimed = False
    online.write("/proc/77/comm", "qemu-system-x86\n")
    (online.root / "proc/77/fd").mkdir()
    (online.root / "proc/77/fd/9").symlink_to("/dev/sdb1")
    with pytest.raises(RefusedError) as caught:
        makerepo(online, form=form)
    assert "qemu-system-x86 (pid 77) has /dev/sdb1" in caught.value.evidence
    assert online.commands == []


def test_our_own_heartbeat_is_no_other_server(online: FakeMachine) -> None:
    online.run_format("/dev/sdb1").beating = {0}
    online.kernel.start_region(online.uuid("/dev/sdb1"))
    makerepo(online, form=Format())
    assert online.kernel.refs[online.uuid("/dev/sdb1")] == 2


def test_what_the_mount_hides_is_said(online: FakeMachine) -> None:
    online.write("/OVS/seed_pool/old.img", "x")
    plan = makerepo(online)
    assert any("1 entries on the local disk" in notice for notice in plan.notices)


def test_force_names_what_it_destroys(online: FakeMachine) -> None:
    online.disk("/dev/sdb1").other = {"TYPE": "ext4", "USAGE": "filesystem", "LABEL": "books"}
    plan = makerepo(online, form=FORCE)
    assert any("destroying" in s.title and "books" in s.title for s in plan.steps)
    assert online.kernel.refs


def test_format_alone_spares_an_ocfs2(online: FakeMachine) -> None:
    online.run_format("/dev/sdb1")
    plan = makerepo(online, form=FORMAT)
    assert plan.report.data["formatted"] is False
    assert not any(command.startswith("mkfs") for command in online.commands)


def test_a_beating_heart_is_never_formatted(online: FakeMachine) -> None:
    online.run_format("/dev/sdb1").beating = {1}
    with pytest.raises(RefusedError, match="a server heartbeats on it") as caught:
        makerepo(online, form=FORCE)
    assert "node number 1" in caught.value.evidence[0]
    assert online.commands == []


def test_an_occupied_slot_is_never_formatted(online: FakeMachine) -> None:
    """A server whose storage stalls has it mounted, and its heartbeat does not move."""
    disk = online.run_format("/dev/sdb1")
    assert disk.fs is not None
    disk.fs.slot_map = {0: 1}
    for shared in ("C", "0"):
        with pytest.raises(RefusedError, match="in use, or was when") as caught:
            makerepo(online, shared=shared, form=FORCE)
        assert caught.value.evidence == ("the slot map has node number 1",)
    assert online.commands == []


def test_force_alone_says_nothing() -> None:
    with pytest.raises(UsageError, match="without --format"):
        Format(force=True)


def test_two_servers_with_one_number_do_not_both_mount(online: FakeMachine) -> None:
    online.run_format("/dev/sdb1").beating = {0}
    with pytest.raises(RefusedError, match="as node 0, the number of this server"):
        makerepo(online, form=Format())
    assert online.commands == []


def test_a_pool_that_this_cluster_does_not_know_is_not_joined(online: FakeMachine) -> None:
    """A newcomer that configured itself alone would replay the journals of live servers."""
    online.join_cluster(NODES[0])
    online.run_format("/dev/sdb1").beating = {1, 7}
    with pytest.raises(RefusedError, match="that this cluster does not know") as caught:
        makerepo(online, form=Format())
    assert "node number 1, 7; nodes here: 0" in caught.value.evidence[0]
    assert "--add vmserver1.example.com=192.168.100.100" in caught.value.hint
    assert online.commands == []


def test_a_known_servers_heartbeat_is_welcome(online: FakeMachine) -> None:
    online.run_format("/dev/sdb1").beating = {1, 2}
    makerepo(online, form=Format())
    assert online.kernel.refs


@pytest.mark.parametrize("form", [Format(), FORMAT, FORCE])
def test_what_the_system_has_mounted_is_left_alone(online: FakeMachine, form: Format) -> None:
    online.kernel.add_mount("8:17", "/home", "ext4", "/dev/sdb1")
    with pytest.raises(RefusedError, match="already mounted at /home; it is in use") as caught:
        makerepo(online, form=form)
    assert "--force" not in caught.value.hint
    assert online.commands == []


def test_a_mounted_device_is_not_formatted(online: FakeMachine) -> None:
    makerepo(online)
    online.commands.clear()
    with pytest.raises(RefusedError, match="is mounted at /OVS"):
        makerepo(online, form=FORCE)
    assert online.commands == []


def test_a_device_mounted_elsewhere_is_refused(online: FakeMachine) -> None:
    online.run_format("/dev/sdb1")
    online.kernel.add_mount("8:17", "/srv", "ocfs2", "/dev/sdb1")
    with pytest.raises(RefusedError, match="already mounted at /srv"):
        makerepo(online, form=Format())


def test_ovs_mounted_from_something_else(online: FakeMachine) -> None:
    online.run_format("/dev/sdb1")
    online.kernel.add_mount("254:3", "/OVS", "ext4", "/dev/vda3")
    with pytest.raises(RefusedError, match="already mounted from something else") as caught:
        makerepo(online, form=Format())
    assert "umount /OVS" in caught.value.hint


def test_something_mounted_below_would_be_covered(online: FakeMachine) -> None:
    online.kernel.add_mount("254:3", "/OVS/local", "ext4", "/dev/vda3")
    with pytest.raises(RefusedError, match="/OVS would cover it"):
        makerepo(online)


def test_a_partitioned_disk_is_refused_with_its_partitions(online: FakeMachine) -> None:
    disk = online.add_disk("/dev/sdb", "8:16", type="disk")
    disk.other, disk.children = {"PTTYPE": "dos"}, [online.disk("/dev/sdb1")]
    with pytest.raises(RefusedError, match="partition table") as caught:
        makerepo(online, "/dev/sdb", form=FORCE)
    assert caught.value.evidence == ("/dev/sdb1 (part, 4096 MiB)",)


def test_a_second_cluster_root_is_refused_before_anybody_formats_it(
    machines: Callable[[int], FakeMachine],
) -> None:
    """Else it would wait for the lowest node, and nothing else could be done meanwhile."""
    first, second = machines(0), machines(1)
    first.join_cluster()
    makerepo(first, form=Format(wanted=True))
    second.join_cluster()
    makerepo(second)
    second.add_disk("/dev/sdc", "8:32", type="disk")
    began = second.clock.now
    with pytest.raises(RefusedError, match="a cluster root already"):
        makerepo(second, "/dev/sdc", form=Format(wanted=True, wait_s=30))
    assert second.clock.now - began < 30


def test_a_repository_without_the_cluster_root_is_refused_before_anybody_formats_it(
    machines: Callable[[int], FakeMachine],
) -> None:
    second = machines(1)
    second.join_cluster()
    began = second.clock.now
    with pytest.raises(RefusedError, match="is not the cluster root on this server"):
        makerepo(second, "/dev/sdb1", shared="1", form=Format(wanted=True, wait_s=30))
    assert second.clock.now - began < 30


def test_a_multipath_path_is_refused(online: FakeMachine) -> None:
    online.disk("/dev/sdb1").children = [online.add_disk("/dev/dm-0", "253:0", type="mpath")]
    with pytest.raises(RefusedError, match="part of another device"):
        makerepo(online, form=FORCE)


def test_a_second_cluster_root_is_refused(online: FakeMachine) -> None:
    makerepo(online)
    online.add_disk("/dev/sdc", "8:32", type="disk")
    with pytest.raises(RefusedError, match="a cluster root already"):
        makerepo(online, "/dev/sdc")
    assert online.disk("/dev/sdc").fs is None


def test_the_role_on_the_storage_counts(online: FakeMachine) -> None:
    makerepo(online)
    with pytest.raises(RefusedError, match=r"is the cluster root \(C\), not a shared"):
        makerepo(online, shared="1")


def test_a_further_repository_is_mounted_below(online: FakeMachine) -> None:
    makerepo(online)
    online.add_disk("/dev/sdc", "8:32", type="disk")
    plan = makerepo(online, "/dev/sdc", "1", "more")
    uuid = online.uuid("/dev/sdc")
    assert plan.report.data["mountpoint"] == f"/OVS/{uuid}"
    assert online.read("/etc/ovs/repositories").splitlines()[-1] == f"{uuid} /dev/sdc"
    assert any("fences itself" in notice for notice in plan.notices)


def test_a_shared_repository_needs_the_cluster_root(online: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="/OVS is not the cluster root"):
        makerepo(online, shared="1")
    assert online.disk("/dev/sdb1").fs is None


def test_a_local_repository_gets_ext4_and_needs_no_cluster(machine: FakeMachine) -> None:
    machine.add_disk("/dev/sda", "8:0", type="disk")
    makerepo(machine, "/dev/sda", "0", "scratch")
    uuid = machine.uuid("/dev/sda")
    assert machine.commands[0].startswith("mkfs.ext4 -q -F -O mmp -U ")
    assert "SHARED=0" in machine.read(f"/OVS/{uuid}/.ovsrepo")


def test_an_ext4_is_no_shared_repository(online: FakeMachine) -> None:
    online.add_disk("/dev/sda", "8:0", type="disk")
    makerepo(online, "/dev/sda", "0", "scratch")
    online.kernel.umount(f"/OVS/{online.uuid('/dev/sda')}")
    with pytest.raises(RefusedError, match="cannot share"):
        makerepo(online, "/dev/sda", "C", form=Format())


def test_a_cluster_volume_is_no_local_repository(online: FakeMachine) -> None:
    online.run_format("/dev/sdb1")
    with pytest.raises(RefusedError, match="not local"):
        makerepo(online, shared="0", form=Format())


def test_another_clusters_volume_is_refused(online: FakeMachine) -> None:
    online.run_format("/dev/sdb1", "other")
    with pytest.raises(RefusedError, match="for another cluster") as caught:
        makerepo(online, form=Format())
    assert "tunefs.ocfs2 --update-cluster-stack" in caught.value.hint


def test_without_cluster_conf_the_masters_lines_are_printed(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="in no cluster") as caught:
        makerepo(machine)
    assert "--add vmserver1.example.com=" in caught.value.hint
    assert "--propagate" in caught.value.hint


def test_an_offline_cluster_is_refused(online: FakeMachine) -> None:
    online.kernel.stop_o2cb()
    with pytest.raises(RefusedError, match="not online"):
        makerepo(online)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/dev/nosuch", "no device"),
        ("/etc", "it is a directory"),
        ("/etc/hosts", "it is a file"),
        ("fileserver:/OVS", "does not answer: Name or service not known"),
    ],
)
def test_a_source_that_is_no_device(online: FakeMachine, source: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        makerepo(online, source)
    assert online.commands == []


@pytest.mark.parametrize("description", ["", "  ", "two\nlines", "x" * 256])
def test_a_bad_description(online: FakeMachine, description: str) -> None:
    with pytest.raises(UsageError):
        makerepo(online, description=description)
    assert online.commands == []


@pytest.mark.parametrize("words", [{"slots": 0}, {"journal_size": "big"}, {"label": "x" * 64}])
def test_bad_sizes(words: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Format(**words)


def test_the_white_papers_format_does_not_fit_one_gib(online: FakeMachine) -> None:
    online.disk("/dev/sdb1").size = 2**30
    with pytest.raises(RefusedError, match="does not fit 1024 MiB") as caught:
        makerepo(online)
    assert caught.value.evidence[-1] == "Journal size too big for filesystem."
    assert "--slots 8 fits" in caught.value.hint
    makerepo(online, form=Format(wanted=True, slots=8))


def test_the_vmstore_profile(online: FakeMachine) -> None:
    makerepo(online, form=Format(wanted=True, profile="vmstore"))
    assert "-T vmstore -N 16" in online.commands[0]
    assert "-C" not in online.commands[0].split()


def test_the_lowest_numbered_node_formats_and_the_others_wait(
    machines: Callable[[int], FakeMachine],
) -> None:
    first, second = machines(0), machines(1)
    first.join_cluster()
    second.join_cluster()
    second.clock.later.append((second.clock.now + 10, lambda: _ignore(makerepo(first))))
    makerepo(second)
    assert not any(command.startswith("mkfs") for command in second.commands)
    assert second.kernel.refs == first.kernel.refs


def test_waiting_ends(machines: Callable[[int], FakeMachine]) -> None:
    second = machines(1)
    second.join_cluster()
    with pytest.raises(RefusedError, match=r"not formatted by vmserver1.example.com within 30 s"):
        makerepo(second, form=Format(wanted=True, wait_s=30))
    makerepo(second, form=Format(wanted=True, here=True))
    assert second.commands[0].startswith("mkfs.ocfs2")


def test_an_unfinished_format_is_not_mounted(online: FakeMachine) -> None:
    disk = online.run_format("/dev/sdb1")
    assert disk.fs is not None
    disk.fs.is_finished = False
    with pytest.raises(RefusedError, match="has not come to its end"):
        makerepo(online, form=Format())
    makerepo(online, form=FORMAT)
    assert any(command.startswith("mkfs") for command in online.commands)


def test_a_device_that_changes_while_we_look_is_not_formatted(online: FakeMachine) -> None:
    def meanwhile(question: str) -> bool:
        online.disk("/dev/sdb1").other = {"TYPE": "xfs", "USAGE": "filesystem"}
        return True

    with pytest.raises(RefusedError, match="changed since"):
        makerepo(online, form=Format(), ask=meanwhile)
    assert online.commands == []


def test_mkfs_that_fails_is_named(online: FakeMachine) -> None:
    online.fails["mkfs.ocfs2"] = Result(0)
    with pytest.raises(ToolError, match="does not carry its UUID"):
        makerepo(online)


def test_mount_that_lies_is_found_out(online: FakeMachine) -> None:
    online.fails["mount"] = Result(0, "", "mount.ocfs2: mount point does not exist")
    with pytest.raises(ToolError, match="nothing is mounted at /OVS"):
        makerepo(online)


def test_a_read_only_etc_is_noticed_before_mkfs(
    online: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (online.root / "etc/ovs").symlink_to("/proc/self")  # a folder where nobody can create a file
    with pytest.raises(RefusedError, match="cannot write"):
        makerepo(online)
    assert online.commands == []


def test_offline_only_lists(machine: FakeMachine) -> None:
    request = ops.Request("/dev/mapper/mpatha", "C", "cluster root")
    host = machine.host(offline=True)
    from ovstools.ops.plan import apply

    apply(ops.plan(host, request), host)
    assert machine.read("/etc/ovs/repositories").splitlines()[-1] == "@- /dev/mapper/mpatha"
    assert machine.commands == []
    assert ops.plan(host, request).steps == ()


def test_every_boundary_survives_a_kill(machines: Callable[[int], FakeMachine]) -> None:
    """Killed behind its first change, run again and killed behind the next, to the end."""
    online = machines(0)
    online.join_cluster()
    request = ops.Request("/dev/sdb1", "C", "cluster root", FORMAT)
    kills = 0
    while online.killed_behind_first_change(lambda host: ops.plan(host, request)):
        kills += 1
        assert kills < 30
    assert kills == 9
    assert makerepo(online).steps == ()
    assert sum(command.startswith("mkfs") for command in online.commands) == 1
    assert f"@{online.uuid('/dev/sdb1')} {WWN}" in online.read("/etc/ovs/repositories")
    assert sorted(path.name for path in (online.root / "etc/ovs").iterdir()) == ["repositories"]


@pytest.mark.parametrize("boundary", range(14))
def test_a_kill_at_any_boundary_is_finished_by_the_next_run(
    online: FakeMachine, boundary: int
) -> None:
    request = ops.Request("/dev/sdb1", "C", "cluster root", FORMAT)
    online.killed_after(boundary, lambda host: ops.plan(host, request))
    makerepo(online)
    assert makerepo(online).steps == ()
    assert sum(command.startswith("mkfs") for command in online.commands) == 1
    assert "DESCRIPTION=cluster root\n" in online.read("/OVS/.ovsrepo")
