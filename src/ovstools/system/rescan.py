"""Ask a disk for its size again, through sysfs, and multipathd(8) to take it.

A SCSI disk is asked by its own attribute, whatever brings it: Fibre Channel, an iSCSI session,
or a local bus. It is what `iscsiadm --rescan` and rescan-scsi-bus.sh write to, for all disks.
"""

from __future__ import annotations

from ..model.command import Command
from .host import Host

BLOCK = "/sys/class/block"
#: of a SCSI disk, and of an NVMe namespace's controller; a virtio disk tells the kernel itself
ATTRIBUTES = ("rescan", "rescan_controller")
SECTOR = 512


def attribute(host: Host, kernel_name: str) -> str | None:
    """Return the file that makes the kernel ask a disk again; None: it needs none."""
    paths = (f"{BLOCK}/{kernel_name}/device/{name}" for name in ATTRIBUTES)
    return next((path for path in paths if host.kind(path) == "file"), None)


def slaves(host: Host, kernel_name: str) -> tuple[str, ...]:
    """Return the disks that a multipath map is made of."""
    return host.names(f"{BLOCK}/{kernel_name}/slaves")


def size_of(host: Host, kernel_name: str) -> int:
    """Return a device's size in bytes as the kernel has it now; 0: there is no such device."""
    return int((host.read(f"{BLOCK}/{kernel_name}/size") or "0").strip()) * SECTOR


def resize_map(name: str) -> Command:
    """Build the command by which a multipath map takes the size of its paths."""
    return Command(("multipathd", "resize", "map", name), timeout_s=60)
