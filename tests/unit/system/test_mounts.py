"""Mounts: commands, and what mountinfo must say after them."""

from __future__ import annotations

import pytest

from ovstools.errors import RefusedError, ToolError
from ovstools.system import mounts
from tests.fakes.machine import FakeMachine


@pytest.fixture
def mounted(machine: FakeMachine) -> FakeMachine:
    """Return a machine with /dev/sdb1 at /OVS and an NFS export elsewhere."""
    machine.kernel.add_mount("8:17", "/OVS", "ocfs2", "/dev/sdb1")
    machine.kernel.add_mount("0:50", "/mnt", "nfs4", "san:/export")
    return machine


def test_reads_the_kernel_s_table(mounted: FakeMachine) -> None:
    table = mounts.read_mounts(mounted.host())
    assert [mount.mountpoint for mount in table.mounts] == ["/", "/OVS", "/mnt"]
    (found,) = mounts.mounted_ocfs2(mounted.host())
    assert (found.mountpoint, found.source) == ("/OVS", "/dev/sdb1")


def test_below_another_root_nothing_is_mounted(mounted: FakeMachine) -> None:
    assert mounts.read_mounts(mounted.host(offline=True)).mounts == ()


def test_without_proc_nothing_is_known(machine: FakeMachine) -> None:
    (machine.root / "proc/self/mountinfo").unlink()
    assert mounts.read_mounts(machine.host()).mounts == ()


@pytest.mark.parametrize(
    "options, words",
    [
        ("", "mount -t ocfs2 /dev/sdb1 /OVS"),
        ("_netdev,noatime", "mount -t ocfs2 -o _netdev,noatime /dev/sdb1 /OVS"),
    ],
)
def test_mount(options: str, words: str) -> None:
    command = mounts.mount("/dev/sdb1", "/OVS", "ocfs2", options, 7)
    assert (command.shell(), command.timeout_s, command.changes) == (words, 7, True)


def test_umount_is_never_lazy() -> None:
    command = mounts.umount("/OVS/A B", 7)
    assert command.argv == ("umount", "/OVS/A B")
    assert command.timeout_s == 7


def test_confirms_what_is_mounted(mounted: FakeMachine) -> None:
    host = mounted.host()
    mounts.confirm_mounted(host, "8:17", "/OVS")
    with pytest.raises(ToolError, match="nothing is mounted at /OVS/x"):
        mounts.confirm_mounted(host, "8:17", "/OVS/x")
    with pytest.raises(ToolError, match="another device") as caught:
        mounts.confirm_mounted(host, "8:18", "/OVS")
    assert "8:17" in caught.value.evidence[0] and "8:18" in caught.value.evidence[0]


def test_what_covers_counts(mounted: FakeMachine) -> None:
    mounted.kernel.add_mount("8:33", "/OVS", "ext4", "/dev/sdc1")
    mounts.confirm_mounted(mounted.host(), "8:33", "/OVS")
    with pytest.raises(ToolError):
        mounts.confirm_mounted(mounted.host(), "8:17", "/OVS")


def test_confirms_what_is_not_mounted(mounted: FakeMachine) -> None:
    mounts.confirm_unmounted(mounted.host(), "/OVS/x")
    with pytest.raises(ToolError, match=r"/OVS is still mounted \(/dev/sdb1\)"):
        mounts.confirm_unmounted(mounted.host(), "/OVS")


def test_refuses_a_mount_in_the_way(mounted: FakeMachine) -> None:
    host = mounted.host()
    assert mounts.refuse_other_mount(host, "8:17", "/OVS") is True
    assert mounts.refuse_other_mount(host, "8:33", "/OVS/x") is False
    with pytest.raises(RefusedError) as caught:
        mounts.refuse_other_mount(host, "8:33", "/OVS")
    assert "already mounted from something else" in caught.value.what
    assert "/dev/sdb1 (ocfs2)" in caught.value.evidence[0]
    with pytest.raises(RefusedError, match="already mounted at /OVS") as caught:
        mounts.refuse_other_mount(host, "8:17", "/OVS/x")
    assert caught.value.hint == "umount /OVS"


def test_mounted_there_and_elsewhere_too_is_refused(mounted: FakeMachine) -> None:
    mounted.kernel.add_mount("8:17", "/elsewhere", "ocfs2", "/dev/sdb1")
    with pytest.raises(RefusedError, match="already mounted at /elsewhere"):
        mounts.refuse_other_mount(mounted.host(), "8:17", "/OVS")
