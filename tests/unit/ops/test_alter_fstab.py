from __future__ import annotations

import re
import stat

import pytest

from ovstools.errors import RefusedError
from ovstools.ops import alter_fstab
from ovstools.ops.plan import apply
from tests.conftest import WWN
from tests.fakes.disk import FileSystem
from tests.fakes.machine import FakeMachine

LIST = "/etc/ovs/repositories"
OPTIONS = "/etc/ovs/repositories.options"
OTHER = "B" * 32
DASHED = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"


def listed(machine: FakeMachine) -> list[str]:
    """Return the list's lines without comments."""
    return entries(machine, LIST)


def entries(machine: FakeMachine, path: str) -> list[str]:
    """Return a file's lines without comments; none when it is not there."""
    text = machine.host().read(path) or ""
    return [line for line in text.splitlines() if not line.startswith("#")]


def backups(machine: FakeMachine) -> list[str]:
    """Return the texts of all backups."""
    return [path.read_bytes().decode() for path in (machine.root / "tmp").iterdir()]


FSTAB = """# /etc/fstab\r
/dev/vda / ext4 errors=remount-ro 0 1
\tLABEL=x  /mnt\t auto noauto
/dev/sdb1\t/OVS   ocfs2  _netdev,noatime 0 0
this is not understood
/dev/vdb /OVSold ext4 defaults 0 2
filer.example.com:/iso /OVS/iso nfs hard,proto=tcp,_netdev 0 0
none /OVS/tmp tmpfs size=1m 0 0
# the last line has no newline: /dev/sdb1 /OVS ocfs2"""


def test_white_paper_lines_are_moved(machine: FakeMachine) -> None:
    machine.run_format("/dev/sdb1")
    uuid = machine.uuid("/dev/sdb1")
    machine.write("/etc/fstab", FSTAB)
    plan = machine.carry_out(alter_fstab.plan)
    assert listed(machine) == [f"@{uuid} {WWN}", "- filer.example.com:/iso"]
    assert entries(machine, OPTIONS) == [f"{uuid} noatime"]
    kept = [line for line in FSTAB.split("\n") if not line.startswith(("/dev/sdb1", "filer"))]
    assert machine.read("/etc/fstab") == "\n".join(kept)
    assert backups(machine) == [FSTAB]
    backup = plan.report.data["backup"]
    assert re.fullmatch(r"/tmp/fstab\.[0-9a-f]{8}", backup)
    assert stat.S_IMODE((machine.root / backup[1:]).stat().st_mode) == 0o600
    assert plan.report.lines[-1] == f"the original /etc/fstab is kept in {backup}"
    assert plan.report.data["kept"] == [8]
    assert any("ovs-makerepo filer.example.com:/iso 1 DESCRIPTION" in n for n in plan.notices)
    assert any("/etc/fstab:8 stays" in notice for notice in plan.notices)
    assert machine.commands == []


NFS_ROOT = "[fd00::1]:/OVS /OVS nfs4 rw,soft,proto=tcp,vers=4.1,timeo=50,bg 0 0\n"


def test_the_cluster_root_on_nfs_is_moved(machine: FakeMachine) -> None:
    machine.write("/etc/fstab", NFS_ROOT)
    plan = machine.carry_out(alter_fstab.plan)
    assert listed(machine) == ["@- [fd00::1]:/OVS"]
    assert entries(machine, OPTIONS) == ["[fd00::1]:/OVS vers=4.1,timeo=50"]
    assert machine.read("/etc/fstab") == ""
    assert "the option soft is left out: with soft, an outage" in machine.said.getvalue()
    assert any("ovs-makerepo [fd00::1]:/OVS C DESCRIPTION" in n for n in plan.notices)


def test_an_export_that_is_mounted_as_a_repository_says_its_uuid(machine: FakeMachine) -> None:
    machine.write("/etc/fstab", NFS_ROOT)
    machine.kernel.add_mount("0:50", "/OVS", "nfs4", "[fd00::1]:/OVS")
    machine.write("/OVS/.ovsrepo", f"UUID={OTHER}\nSHARED=C\n")
    plan = machine.carry_out(alter_fstab.plan)
    assert listed(machine) == [f"@{OTHER} [fd00::1]:/OVS"]
    assert entries(machine, OPTIONS) == [f"{OTHER} vers=4.1,timeo=50"]
    assert plan.notices == ()


def test_twice_is_nothing(machine: FakeMachine) -> None:
    machine.run_format("/dev/sdb1")
    machine.write("/etc/fstab", FSTAB)
    machine.carry_out(alter_fstab.plan)
    plan = machine.carry_out(alter_fstab.plan)
    assert plan.steps == ()
    assert plan.report.lines == (
        "nothing to move: /etc/fstab mounts no device and no export at or below /OVS",
    )
    assert len(backups(machine)) == 1


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "/dev/sdb1 /OVSx ocfs2\n"])
def test_nothing_to_move_makes_no_backup(machine: FakeMachine, text: str | None) -> None:
    (machine.root / "etc/fstab").unlink()
    if text is not None:
        machine.write("/etc/fstab", text)
    assert machine.carry_out(alter_fstab.plan).steps == ()
    assert machine.host().read("/etc/fstab") == text
    assert backups(machine) == []


def test_killed_between_any_steps(machine: FakeMachine) -> None:
    machine.run_format("/dev/sdb1")
    steps = 0
    while True:
        machine.write("/etc/fstab", FSTAB)
        for path in (LIST, OPTIONS):
            (machine.root / path[1:]).unlink(missing_ok=True)
        goes_on = machine.killed_after(steps, alter_fstab.plan)
        machine.carry_out(alter_fstab.plan)
        assert len(listed(machine)) == 2
        assert len(entries(machine, OPTIONS)) == 1
        assert "/dev/sdb1\t" not in machine.read("/etc/fstab")
        assert set(backups(machine)) <= {FSTAB}
        if not goes_on:
            break
        steps += 1
    assert steps == 4


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("LABEL=mylabel /OVS ocfs2 _netdev", "@- /dev/disk/by-label/mylabel"),
        ("/dev/sdz1 /OVS/ ocfs2 _netdev", "@- /dev/sdz1"),
        (f"UUID={DASHED} /OVS ocfs2", f"@{OTHER} /dev/disk/by-uuid/{DASHED}"),
        (f"UUID={DASHED} /OVS/{OTHER} ext4", f"{OTHER} /dev/disk/by-uuid/{DASHED}"),
        ("/dev/sdz1 /OVS ext3 defaults 1 2", "- /dev/sdz1"),
    ],
)
def test_storage_that_is_away(machine: FakeMachine, line: str, expected: str) -> None:
    machine.write("/etc/fstab", f"{line}\n")
    machine.carry_out(alter_fstab.plan)
    assert listed(machine) == [expected]
    assert machine.read("/etc/fstab") == ""
    assert not (machine.root / "etc/ovs/repositories.options").exists()


def test_local_ovs_is_no_cluster_root(machine: FakeMachine) -> None:
    folder = machine.volume_folder(OTHER)
    machine.disk("/dev/sdb1").fs = FileSystem("ext4", OTHER, folder)
    machine.write("/etc/fstab", "/dev/sdb1 /OVS ext4 defaults 0 2\n")
    plan = machine.carry_out(alter_fstab.plan)
    assert listed(machine) == [f"{OTHER} {WWN}"]
    assert any(f"belongs at /OVS/{OTHER}" in notice for notice in plan.notices)


def test_second_cluster_root_is_refused(machine: FakeMachine) -> None:
    machine.run_format("/dev/sdb1")
    machine.write(LIST, f"@{OTHER} /dev/mapper/root\n")
    machine.write("/etc/fstab", FSTAB)
    with pytest.raises(RefusedError) as caught:
        machine.carry_out(alter_fstab.plan)
    assert caught.value.evidence == (f"the other one: @{OTHER} /dev/mapper/root",)
    assert machine.read("/etc/fstab") == FSTAB
    assert backups(machine) == []


def test_two_cluster_roots_in_fstab_are_refused(machine: FakeMachine) -> None:
    machine.write("/etc/fstab", "/dev/sdy1 /OVS ocfs2\n/dev/sdz1 /OVS ocfs2\n")
    with pytest.raises(RefusedError, match=r"/etc/fstab:2 .*another cluster root"):
        machine.carry_out(alter_fstab.plan)


@pytest.mark.parametrize("known", ["@{uuid} /dev/mapper/x", "@- {wwn}"])
def test_what_is_listed_is_not_listed_twice(machine: FakeMachine, known: str) -> None:
    machine.run_format("/dev/sdb1")
    uuid = machine.uuid("/dev/sdb1")
    line = known.format(uuid=uuid, wwn=WWN)
    machine.write(LIST, f"# mine\n{line}\n")
    machine.write("/etc/fstab", FSTAB)
    plan = machine.carry_out(alter_fstab.plan)
    assert listed(machine)[0] == line.replace("@-", f"@{uuid}")
    assert [moved["was_listed"] for moved in plan.report.data["moved"]] == [True, False]


def test_options_that_are_set_already_stay(machine: FakeMachine) -> None:
    machine.run_format("/dev/sdb1")
    uuid = machine.uuid("/dev/sdb1")
    machine.write(OPTIONS, f"{uuid} errors=panic\n")
    machine.write("/etc/fstab", "/dev/sdb1 /OVS ocfs2 noatime\n")
    machine.carry_out(alter_fstab.plan)
    assert machine.read(OPTIONS) == f"{uuid} errors=panic\n"
    assert "errors=panic there, noatime in fstab" in machine.said.getvalue()


def test_options_with_a_space_are_refused(machine: FakeMachine) -> None:
    machine.write("/etc/fstab", "/dev/sdz1 /OVS ocfs2 a\\040b\n")
    with pytest.raises(RefusedError, match="fstab:1: the mount options hold a space"):
        machine.carry_out(alter_fstab.plan)


def test_by_label_is_kept_where_there_is_no_better_name(machine: FakeMachine) -> None:
    machine.add_disk("/dev/sdc1", "8:33", link="/dev/disk/by-label/ovs")
    machine.run_format("/dev/sdc1")
    machine.write("/etc/fstab", "LABEL=ovs /OVS ocfs2\n")
    machine.carry_out(alter_fstab.plan)
    assert listed(machine) == [f"@{machine.uuid('/dev/sdc1')} /dev/disk/by-label/ovs"]


def test_systemd_reads_fstab_again(machine: FakeMachine) -> None:
    (machine.root / "run/systemd/system").mkdir(parents=True)
    machine.write("/etc/fstab", "/dev/sdz1 /OVS ocfs2\n")
    machine.carry_out(alter_fstab.plan)
    assert machine.commands == ["systemctl daemon-reload"]


def test_below_another_root_no_device_is_looked_at(machine: FakeMachine) -> None:
    (machine.root / "run/systemd/system").mkdir(parents=True)
    machine.run_format("/dev/sdb1")
    machine.write("/etc/fstab", "/dev/sdb1 /OVS ocfs2\n")
    host = machine.host(offline=True)
    apply(alter_fstab.plan(host), host)
    assert listed(machine) == ["@- /dev/sdb1"]
    assert machine.commands == []


def test_a_backup_follows_no_link(machine: FakeMachine) -> None:
    machine.write("/etc/fstab", "/dev/sdz1 /OVS ocfs2\n")
    plan = alter_fstab.plan(machine.host())
    (machine.root / plan.report.data["backup"][1:]).symlink_to(machine.root / "etc/passwd")
    with pytest.raises(RefusedError, match="cannot write"):
        apply(plan, machine.host())
    assert not (machine.root / "etc/passwd").exists()
    assert machine.read("/etc/fstab") == "/dev/sdz1 /OVS ocfs2\n"


def test_preview_shows_backup_and_diffs(machine: FakeMachine) -> None:
    machine.write("/etc/fstab", "/dev/sdz1 /OVS ocfs2 noatime\n/dev/vda / ext4\n")
    preview = alter_fstab.plan(machine.host()).preview()
    assert "install -m 600 /etc/fstab /tmp/fstab." in preview
    assert "+@- /dev/sdz1\n" in preview
    assert "+/dev/sdz1 noatime\n" in preview
    assert "-/dev/sdz1 /OVS ocfs2 noatime\n" in preview
    assert machine.host().read(LIST) is None
