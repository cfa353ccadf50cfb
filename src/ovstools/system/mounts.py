"""Mounts: what /proc/self/mountinfo says, and mount(8), umount(8)."""

from __future__ import annotations

from ..errors import RefusedError, ToolError
from ..model.command import Command
from ..model.mountinfo import Mount, MountTable, parse_mountinfo
from .host import Host

MOUNTINFO = "/proc/self/mountinfo"


def read_mounts(host: Host) -> MountTable:
    """Return what is mounted; nothing below another root."""
    return parse_mountinfo("" if host.offline else host.read(MOUNTINFO) or "")


def mounted_ocfs2(host: Host) -> tuple[Mount, ...]:
    """Return the mounted cluster file systems of type ocfs2."""
    return tuple(mount for mount in read_mounts(host).mounts if mount.fstype == "ocfs2")


def mount(device: str, mountpoint: str, fstype: str, options: str, timeout_s: float) -> Command:
    """Build the command that mounts device; options may be empty."""
    words = ["mount", "-t", fstype, *(["-o", options] if options else []), device, mountpoint]
    return Command(tuple(words), timeout_s=timeout_s)


def umount(mountpoint: str, timeout_s: float) -> Command:
    """Build the command that unmounts; never lazily: `-l` hides a file system still in use."""
    return Command(("umount", mountpoint), timeout_s=timeout_s)


def confirm_mounted(host: Host, device_number: str, mountpoint: str) -> None:
    """Raise ToolError unless the device is what is mounted at mountpoint.

    mount.ocfs2 1.8.7 exits 0 on some failures, so mountinfo is asked.
    """
    found = read_mounts(host).at(mountpoint)
    if found is None:
        raise ToolError(
            f"mount said nothing, but nothing is mounted at {mountpoint}",
            hint="see the last lines of dmesg",
        )
    if found.device_number != device_number:
        raise ToolError(
            f"{mountpoint} has another device than the one just mounted",
            f"mounted: {found.source} ({found.device_number}), expected {device_number}",
        )


def confirm_unmounted(host: Host, mountpoint: str) -> None:
    """Raise ToolError while something is mounted at mountpoint."""
    found = read_mounts(host).at(mountpoint)
    if found is not None:
        raise ToolError(f"{mountpoint} is still mounted ({found.source})")


def refuse_other_mount(host: Host, device_number: str, mountpoint: str) -> bool:
    """Tell whether the device is mounted at mountpoint; refuse when another is, or elsewhere."""
    table = read_mounts(host)
    there = table.at(mountpoint)
    if there is not None and there.device_number != device_number:
        raise RefusedError(
            f"{mountpoint} is already mounted from something else",
            f"{there.source} ({there.fstype}) is mounted there",
            hint=f"if that is a local repository that you do not need: umount {mountpoint}\n"
            "if its guests are to come along: ovstools repositories convert",
        )
    elsewhere = [m for m in table.of_device(device_number) if m.mountpoint != mountpoint]
    if elsewhere:
        raise RefusedError(
            f"the device is already mounted at {elsewhere[0].mountpoint}",
            f"{elsewhere[0].source} ({elsewhere[0].fstype})",
            hint=f"umount {elsewhere[0].mountpoint}",
        )
    return there is not None
