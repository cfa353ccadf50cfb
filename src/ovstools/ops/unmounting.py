"""Unmount one file system: what forbids it, the steps, and what must be so afterwards."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import RefusedError
from ..model.mountinfo import Mount
from ..system import hb_ctl, mounts, usage
from ..system.host import Host
from . import regions
from .plan import Confirm, Run, Step

#: a screenful; the rest is counted
SHOWN = 15


def refuse_in_use(host: Host, mountpoints: tuple[str, ...]) -> None:
    """Raise RefusedError while anything uses what is to be unmounted, and name all of it.

    mountpoints: everything that the caller unmounts, so that mounts among them do not count.
    """
    evidence = [str(process) for process in usage.processes_in(host, mountpoints)]
    for mountpoint in mountpoints:
        evidence += [
            f"{mount.source} ({mount.fstype}) is mounted at {mount.mountpoint}"
            for mount in usage.mounts_on(host, mountpoint)
            if mount.mountpoint not in mountpoints
        ]
        evidence += [
            f"{device} is a loop device on {file}"
            for device, file in usage.loops_in(host, mountpoint)
        ]
        evidence += [f"{path} is a swap file" for path in usage.swaps_in(host, mountpoint)]
    evidence = list(dict.fromkeys(evidence))
    if evidence:
        more = len(evidence) - SHOWN
        raise RefusedError(
            f"{', '.join(mountpoints)} is in use; nothing was unmounted",
            *evidence[:SHOWN],
            *([f"and {more} more"] if more > 0 else []),
            hint="end what uses it and run the command again; it is never unmounted lazily",
        )


def unmount_steps(host: Host, mountpoint: str, uuid: str | None) -> list[Step]:
    """Return the steps that unmount what is at a mountpoint, and verify it in the kernel."""
    table = mounts.read_mounts(host)
    stacked = [each for each in table.mounts if each.mountpoint == mountpoint]
    limit_s = host.settings.limits.umount_s
    steps = [
        Step(f"unmount {mountpoint}", Run(mounts.umount(mountpoint, limit_s))) for _ in stacked
    ]
    steps.append(
        Step(
            "verify in mountinfo",
            Confirm(
                f"nothing is mounted at {mountpoint}",
                lambda host: mounts.confirm_unmounted(host, mountpoint),
            ),
        )
    )
    if uuid is not None and regions.read_region(host, uuid) and not extra_refs(host, uuid, stacked):
        steps.append(regions.gone_step(uuid))
    return steps


def extra_refs(host: Host, uuid: str, mounted: Collection[Mount]) -> int:
    """Return how many references keep a region besides its mounts (ovs-hb-ctl start)."""
    return max(0, hb_ctl.read_refs(host, uuid) - len(mounted))


def refs_notice(host: Host, uuid: str | None, mountpoint: str) -> tuple[str, ...]:
    """Return a notice when the heartbeat goes on after the unmount."""
    if uuid is None or not regions.read_region(host, uuid):
        return ()
    table = mounts.read_mounts(host)
    extra = extra_refs(host, uuid, [m for m in table.mounts if m.mountpoint == mountpoint])
    if not extra:
        return ()
    return (
        f"region {uuid} heartbeats on after the unmount: somebody else holds {extra} "
        f"references; end it with: ovs-hb-ctl stop {uuid}",
    )
