"""Heartbeat regions: which device, who has it mounted, and the steps that end one."""

from __future__ import annotations

from ..errors import RefusedError, ToolError
from ..model.fs_state import parse_device_number
from ..model.heartbeat import Region
from ..model.mountinfo import Mount
from ..system import hb_ctl, mounts, o2cb, ocfs2
from ..system.host import Host
from .plan import Confirm, Run, Step

BY_UUID = "/dev/disk/by-uuid"
#: more references than this on one region is a fault that wants a look, not a loop
MAX_REFS = 256


def read_region(host: Host, uuid: str) -> Region | None:
    """Return the region as configfs has it, heartbeating or not; None when there is none."""
    kernel = o2cb.read_kernel_cluster(host)
    return kernel.region(uuid) if kernel else None


def by_uuid_link(uuid: str) -> str:
    """Return the name that udev gives to a device with this file-system UUID."""
    cut = (uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:])
    return f"{BY_UUID}/{'-'.join(cut).lower()}"


def device_with(host: Host, uuid: str) -> str | None:
    """Return the device that carries the UUID: the kernel's word, then udev's; None: unknown."""
    region = read_region(host, uuid)
    if region is not None and region.device:
        return f"/dev/{region.device}"
    link = by_uuid_link(uuid)
    return host.resolve(link) if host.kind(link) == "block" else None


def is_mounted_anywhere(host: Host, uuid: str) -> bool:
    """Tell whether debugfs shows the volume as mounted, in whatever mount namespace."""
    return host.kind(f"{o2cb.DEBUGFS}/ocfs2/{uuid}") == "directory"


def mounts_of(host: Host, uuid: str) -> tuple[Mount, ...]:
    """Return where the volume with this UUID is mounted, by the kernel's own word.

    That is fs_state in debugfs; without debugfs, the device of the active region; for a
    region that is not active the superblocks of all mounted OCFS2 are compared.
    """
    state = host.read(f"{o2cb.DEBUGFS}/ocfs2/{uuid}/fs_state")
    if state:
        return mounts.read_mounts(host).of_device(parse_device_number(state))
    region = read_region(host, uuid)
    if region is not None and region.device:
        return tuple(
            mount
            for mount in mounts.mounted_ocfs2(host)
            if host.resolve(mount.source) == f"/dev/{region.device}"
        )
    return tuple(
        mount
        for mount in mounts.mounted_ocfs2(host)
        if ocfs2.read_volume(host, mount.source).uuid == uuid
    )


def refuse_mounted(host: Host, uuid: str) -> None:
    """Raise RefusedError while the file system of a region is mounted, here or anywhere else.

    Its lock domain pins the region, and the next umount would not find it (ocfs2_hb_ctl is
    called by the kernel then). debugfs also shows what a container has mounted.
    """
    found = mounts_of(host, uuid)
    if found:
        raise RefusedError(
            f"{found[0].source} is mounted at {found[0].mountpoint}: its heartbeat is not stopped",
            "a server that stops its heartbeat while it has the volume mounted corrupts it",
            hint=f"unmount it, that ends its heartbeat as well: ovs-offlinerepo "
            f"{found[0].mountpoint}",
        )
    if is_mounted_anywhere(host, uuid):
        raise RefusedError(
            f"the volume {uuid} is mounted in another mount namespace: "
            "its heartbeat is not stopped",
            *namespaces_with(host, uuid),
            hint="stop the container or service that has it mounted",
        )


def namespaces_with(host: Host, uuid: str) -> tuple[str, ...]:
    """Name processes in other mount namespaces that see the region's device mounted."""
    device = device_with(host, uuid)
    if device is None:
        return ()
    number = (host.read(f"/sys/class/block/{device.rpartition('/')[2]}/dev") or "").strip()
    return tuple(
        f"process {pid} ({(host.read(f'/proc/{pid}/comm') or '?').strip()}) sees it mounted"
        for pid in host.names("/proc")
        if pid.isdigit()
        and number
        and any(
            line.split()[2:3] == [number]
            for line in (host.read(f"/proc/{pid}/mountinfo") or "").splitlines()
        )
    )


def stop_steps(host: Host, region: Region, service: str) -> list[Step]:
    """Return the steps that drop all references to a region, and verify that it is gone."""
    refs = hb_ctl.read_refs(host, region.uuid)
    if refs > MAX_REFS:
        raise RefusedError(
            f"region {region.uuid} has {refs} references, more than is sane",
            hint="find out who starts it again and again; ipcs -s shows the semaphores",
        )
    # Without references (their holder was killed on the way) one -K removes the region.
    steps = [
        Step(
            f"drop reference {number} of {refs} to region {region.uuid}",
            Run(hb_ctl.stop(region.uuid, service)),
        )
        for number in range(1, max(refs, 1) + 1)
    ]
    return [*steps, gone_step(region.uuid)]


def gone_step(uuid: str) -> Step:
    """Return the step that waits until a region is no longer in configfs."""
    return Step(
        "verify that the heartbeat has ended",
        Confirm(f"region {uuid} is gone from configfs", lambda host: confirm_gone(host, uuid)),
    )


def confirm_gone(host: Host, uuid: str) -> None:
    """Raise ToolError when a region does not leave configfs."""
    try:
        o2cb.wait_for(
            host,
            f"the heartbeat region {uuid} does not end",
            lambda host: read_region(host, uuid) is None,
        )
    except ToolError as error:
        raise ToolError(
            error.what,
            *namespaces_with(host, uuid),
            hint=f"see who holds it: ovs-hb-ctl status {uuid}",
        ) from error
