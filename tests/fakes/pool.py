"""A fake machine that is a healthy server of a pool, for tests that then break one thing."""

from __future__ import annotations

from .machine import NODES, FakeMachine

DEVICE = "/dev/sdb1"
NUMBER = "8:17"


def make_healthy(machine: FakeMachine, *, peers: tuple[int, ...] = (1, 2)) -> str:
    """Bring the machine to what cluster-configure, makerepo and install-units leave behind.

    Returns the UUID of the cluster root.
    """
    machine.kernel.peers = set(peers)
    machine.join_cluster(*NODES)
    machine.run_format(DEVICE)
    uuid = machine.uuid(DEVICE)
    add_sysfs(machine, DEVICE, NUMBER)
    (machine.root / "OVS").mkdir()
    machine.kernel.mount(machine.disk(DEVICE), DEVICE, "/OVS")
    machine.write("/etc/ovs/repositories", f"@{uuid} {DEVICE}\n")
    machine.write("/etc/init.d/o2cb", "#!/bin/sh\n")
    machine.write("/etc/rcS.d/S20o2cb", "")
    machine.write("/etc/systemd/system/ovsrepositories.service", "[Unit]\n")
    machine.write("/etc/systemd/system/multi-user.target.wants/ovsrepositories.service", "")
    machine.write("/proc/sys/kernel/panic_on_oops", "1\n")
    machine.write("/proc/sys/kernel/panic", "30\n")
    machine.commands.clear()
    return uuid


def add_sysfs(machine: FakeMachine, device: str, number: str) -> None:
    """Let sysfs tell a block device's number."""
    machine.write(f"/sys/class/block/{device.rpartition('/')[2]}/dev", f"{number}\n")
