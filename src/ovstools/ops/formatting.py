"""Whether a device may be formatted, by whom, and with which command.

A wrong mkfs destroys other people's data: every rule here refuses rather than guesses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import RefusedError, ToolError, UsageError
from ..model.command import Command
from ..model.uuids import normal_uuid
from ..system import block, mkfs, mounts, ocfs2, processes, usage
from ..system.block import Device
from ..system.host import Host
from .plan import Confirm, Run, Step

#: udev opens every device for a moment when it changes
PROBERS = ("systemd-udevd", "(udev-worker)", "udev-worker")
SIZE = re.compile(r"[1-9][0-9]{0,8}[KMG]?")
MIB = 2**20


@dataclass(frozen=True)
class Format:
    """What the command line says about formatting; sizes as mkfs.ocfs2 takes them.

    The defaults are the white paper's: -b 4K -C 4K -J size=64M -N 16.
    """

    wanted: bool = False
    force: bool = False
    here: bool = False
    wait_s: float | None = None
    profile: str = "whitepaper"
    block_size: str | None = None
    cluster_size: str | None = None
    journal_size: str | None = None
    slots: int | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        for size in (self.block_size, self.cluster_size, self.journal_size):
            if size is not None and not SIZE.fullmatch(size):
                raise UsageError(f"{size!r} is no size", hint="a number with K, M or G: 64M")
        if self.force and not self.wanted:
            raise UsageError("--force does nothing without --format")
        if self.slots is not None and not 1 <= self.slots <= 255:
            raise UsageError(f"{self.slots} node slots: expected 1 to 255")
        if self.label is not None and (
            len(self.label.encode()) > 63 or not self.label.isprintable()
        ):
            raise UsageError("a label has at most 63 bytes and no control characters")


def command_for(
    wanted: Format, device: str, uuid: str, cluster_name: str | None, timeout_s: float
) -> Command:
    """Return the mkfs for a cluster file system, or without cluster_name for a local one."""
    label = wanted.label or "ovs"
    if cluster_name is None:
        return mkfs.ext4(device, uuid, label[:16], timeout_s)
    whitepaper = wanted.profile == "whitepaper"
    return mkfs.ocfs2(
        device,
        uuid=uuid,
        label=label,
        cluster_name=cluster_name,
        usage=None if whitepaper else "vmstore",
        block_size=wanted.block_size or "4K",
        cluster_size=wanted.cluster_size or ("4K" if whitepaper else None),
        journal_size=wanted.journal_size or ("64M" if whitepaper else None),
        slots=wanted.slots or 16,
        timeout_s=timeout_s,
    )


def refuse_occupied(device: Device) -> None:
    """Raise RefusedError when the device is in use, or only its partitions are to be used.

    --force does not help here: what uses the device goes on using it.
    """
    if device.partitions:
        raise RefusedError(
            f"{device.path} is a disk with a partition table, not a partition",
            *device.partitions,
            hint="give a partition",
        )
    if device.holders:
        raise RefusedError(
            f"{device.path} is part of another device",
            *device.holders,
            hint="give that device (of several paths, the one in /dev/mapper), or release this one",
        )


def refuse_mounted_elsewhere(host: Host, device: Device, top: str) -> None:
    """Raise RefusedError when the device is mounted where no repository is."""
    for mount in mounts.read_mounts(host).of_device(device.number):
        if mount.mountpoint != top and not mount.mountpoint.startswith(f"{top}/"):
            raise RefusedError(
                f"{device.path} is already mounted at {mount.mountpoint}; it is in use",
                f"{mount.source} ({mount.fstype})",
                hint="give another device; this one only if nobody needs what is on it: "
                f"umount {mount.mountpoint}",
            )


def refuse_in_use(host: Host, device: Device) -> None:
    """Raise RefusedError when anything uses the device, whatever is or is not on it.

    Also what leaves no trace on it: swap, a mount in another namespace, a guest or a database
    that has the raw device open, a loop device.
    """
    path = device.kernel_path
    evidence = [str(p) for p in processes.users_of(host, path) if p.name not in PROBERS]
    evidence += [f"{loop} is a loop device on it" for loop, _ in usage.loops_in(host, path)]
    if not evidence and host.is_claimed(path):
        evidence = ["the kernel holds it exclusively: swap, RAID, or a mount in a container"]
    if evidence:
        raise RefusedError(
            f"{device.path} is in use; it is never formatted",
            *evidence,
            hint=f"see /proc/swaps, lsns -t mnt, and fuser -v {path}; end what uses it",
        )


def refuse_content(host: Host, device: Device, wanted: Format, is_free: bool = False) -> None:
    """Raise RefusedError when the device holds something, unless --force says to destroy it.

    is_free: nobody can have data there, the root folder was never made. A device on which any
    server heartbeats is refused whatever the words are.
    """
    if device.is_blank:
        return
    if device.signature is not None and device.signature.type == "ocfs2":
        _refuse_heartbeat(host, device)
        if not is_free:
            _refuse_slots(host, device)
    if not wanted.force and not is_free:
        raise RefusedError(
            f"{device.path} is not blank, it is not formatted",
            f"found: {device.content}",
            hint="if nobody needs that any more: --format --force",
        )


def _refuse_heartbeat(host: Host, device: Device) -> None:
    host.talk.notice(f"read the heartbeat area of {device.path} twice")
    alive = sorted(ocfs2.moving_nodes(host, device.kernel_path))
    if alive:
        raise RefusedError(
            f"{device.path} is in use: a server heartbeats on it; it is never formatted",
            f"heartbeat moves of node number {', '.join(map(str, alive))}",
            hint="take it offline there first: ovs-offlinerepo",
        )


def _refuse_slots(host: Host, device: Device) -> None:
    """Refuse while a node has a slot: a server whose storage stalls does not heartbeat either."""
    nodes = sorted(ocfs2.read_slots(host, device.kernel_path).values())
    if nodes:
        raise RefusedError(
            f"{device.path} is in use, or was when its server crashed; it is never formatted",
            f"the slot map has node number {', '.join(map(str, nodes))}",
            hint="a server whose storage stalls looks dead, and is not; if it is, mount the volume "
            "and take it offline, which frees the slot:\n"
            f"ovs-makerepo {device.path} ... (without --format); ovs-offlinerepo {device.path}",
        )


def refuse_unfit(host: Host, command: Command, size_bytes: int, wanted: Format) -> None:
    """Raise RefusedError when mkfs.ocfs2 would not take these sizes; its own dry run tells."""
    result = host.run(mkfs.dry_run(command))
    if result.status == 0:
        return
    said = [line for line in result.stderr.splitlines() if line.strip()]
    raise RefusedError(
        f"this format does not fit {size_bytes // MIB} MiB",
        command.shell(),
        *said[-1:],
        hint=_what_fits(size_bytes, wanted),
    )


def _what_fits(size_bytes: int, wanted: Format) -> str:
    """Suggest a number of slots: each has a journal, and half the volume is for data."""
    journal = wanted.journal_size or "64M"
    unit = {"K": 2**10, "M": MIB, "G": 2**30}.get(journal[-1], 1)
    journal_bytes = int(journal.rstrip("KMG")) * unit
    fitting = size_bytes // 2 // journal_bytes
    if fitting >= 1:
        return f"each node slot has a journal of {journal}: --slots {min(fitting, 16)} fits"
    return "smaller journals fit: --journal-size 4M --slots 4"


def format_steps(host: Host, device: Device, command: Command, uuid: str) -> list[Step]:
    """Return the steps that format a device, having looked once more, and verify the result."""

    def is_unchanged(host: Host) -> None:
        refuse_in_use(host, device)
        now = block.look(host, device.path)
        if now != device:
            raise RefusedError(
                f"{device.path} has changed since it was looked at; it is not formatted",
                f"then: {device.content}; now: {now.content}",
            )

    def is_made(host: Host) -> None:
        found = block.look(host, device.path).signature
        if found is None or found.uuid is None or normal_uuid(found.uuid) != uuid:
            raise ToolError(
                f"{command.program} ended well, but {device.path} does not carry its UUID",
                f"expected {uuid}, found {found.uuid if found else 'nothing'}",
            )

    title = f"format {device.path}"
    if not device.is_blank:
        title += f", destroying what is there: {device.content}"
    return [
        Step("look at the device once more", Confirm(f"{device.path} is unchanged", is_unchanged)),
        Step(title, Run(command)),
        Step("verify the format", Confirm(f"{device.path} has UUID {uuid}", is_made)),
    ]
