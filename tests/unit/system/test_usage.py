"""What keeps a file system busy, from /proc and /sys."""

from __future__ import annotations

import pytest

from ovstools.system import usage
from tests.fakes.machine import FakeMachine


@pytest.mark.parametrize(
    "path, below",
    [("/OVS", True), ("/OVS/x", True), ("/OVSx", False), ("/", False), ("/a/OVS", False)],
)
def test_is_below(path: str, below: bool) -> None:
    assert usage.is_below(path, "/OVS") is below
    assert usage.is_below(path, "/OVS/") is (below and path != "/OVS")


def test_a_process_counts_once(machine: FakeMachine) -> None:
    machine.add_process(7, "qemu", "/OVS/a/x")
    found = usage.processes_in(machine.host(), ("/OVS/a", "/OVS"))
    assert [str(process) for process in found] == ["qemu (pid 7) has /OVS/a/x"]


def test_loops(machine: FakeMachine) -> None:
    machine.write("/sys/block/loop0/loop/backing_file", "/OVS/.server_pool_hb\n")
    machine.write("/sys/block/loop1/loop/backing_file", "/srv/x\n")
    machine.write("/sys/block/loop2/size", "0\n")
    machine.write("/sys/block/sda/loop/backing_file", "/OVS/never\n")
    assert usage.loops_in(machine.host(), "/OVS") == (("/dev/loop0", "/OVS/.server_pool_hb"),)


def test_swaps(machine: FakeMachine) -> None:
    assert usage.swaps_in(machine.host(), "/OVS") == ()
    machine.write(
        "/proc/swaps",
        "Filename Type Size Used Priority\n"
        "/dev/sda2 partition 1 0 -2\n"
        "/OVS/my\\040swap file 1 0 -3\n",
    )
    assert usage.swaps_in(machine.host(), "/OVS") == ("/OVS/my swap",)
