"""Unmount one file system: what forbids it, the steps, and what must be so afterwards."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import RefusedError
from ..model.mountinfo import Mount
from ..system import hb_ctl, mounts, pool_fs, systemd, usage
from ..system.host import Host
from ..system.pool_units import AGENT
from . import guests_here, node_locks, regions
from .plan import Confirm, Run, Step

#: a screenful; the rest is counted
SHOWN = 15
LEAVE_HINT = "move or stop the guests first: ovstools services stop --drain, or --stop-guests"
GUESTS_HINT = "stop the guests first: virsh shutdown NAME; those of the pool: ovstools vm stop NAME"
AGENT_HINT = "stop the agent first; in the right order everything: ovstools services stop"
USERS_HINT = "end what uses it and run the command again; it is never unmounted lazily"


def refuse_in_use(
    host: Host, mountpoints: tuple[str, ...], wait_s: float = 0, stops_agent: bool = False
) -> None:
    """Raise RefusedError while anything uses what is to be unmounted, and name all of it.

    mountpoints: everything that the caller unmounts, so that mounts among them do not count.
    wait_s: how long the users may take to end; at a shutdown they are being ended just now.
    stops_agent: the caller stops the agent of guest HA before, which then is no user.
    """
    deadline = host.clock.monotonic() + wait_s
    uses = _uses(host, mountpoints, stops_agent)
    if uses and wait_s:
        host.talk.notice(f"wait up to {wait_s:g} s for the end of: {'; '.join(uses)}")
    while uses and host.clock.monotonic() < deadline:
        host.clock.sleep(1)
        uses = _uses(host, mountpoints, stops_agent)
    if uses:
        more = len(uses) - SHOWN
        places = sorted(set(uses.values()))
        raise RefusedError(
            f"{', '.join(places)} {'is' if len(places) == 1 else 'are'} in use; "
            "nothing was unmounted",
            *list(uses)[:SHOWN],
            *([f"and {more} more"] if more > 0 else []),
            hint=_way_out(uses),
        )


def _way_out(uses: Collection[str]) -> str:
    if any(each.startswith(guests_here.GUEST) for each in uses):
        return LEAVE_HINT
    if any(f", {guests_here.GUEST}" in each for each in uses):
        return GUESTS_HINT
    return AGENT_HINT if any(each.startswith(AGENT) for each in uses) else USERS_HINT


def pool_steps(host: Host, mountpoints: tuple[str, ...]) -> list[Step]:
    """Return what has to be done before the pool file system can be unmounted, if it is there."""
    names = node_locks.kept(host) if _pool_place(host, mountpoints) else ()
    return [node_locks.drop_step(names)] if names else []


def _pool_place(host: Host, mountpoints: Collection[str]) -> str | None:
    pool = pool_fs.find(host)
    return pool.mount.mountpoint if pool and pool.mount.mountpoint in mountpoints else None


def _pool_uses(host: Host, stops_agent: bool) -> list[str]:
    """Return what needs the pool file system, though no process may have it open just now."""
    found = guests_here.sentences(guests_here.look(host))
    if not stops_agent and systemd.look(host, AGENT).is_active:
        found.append(f"{AGENT} runs: the agent of guest HA")
    return found


def _uses(host: Host, mountpoints: tuple[str, ...], stops_agent: bool) -> dict[str, str]:
    """Return who uses a mountpoint, in words, and which one it is."""
    found = {}
    names: tuple[str, ...] = ()
    pool = _pool_place(host, mountpoints)
    if pool is not None:
        found = dict.fromkeys(_pool_uses(host, stops_agent), pool)
        names = node_locks.kept(host)
    for process in usage.processes_in(host, mountpoints, node_locks.excuse(names, stops_agent)):
        above = [place for place in mountpoints if usage.is_below(process.path, place)]
        found[str(process)] = max(above, key=len)
    for place in mountpoints:
        for mount in usage.mounts_on(host, place):
            if mount.mountpoint not in mountpoints:
                words = f"{mount.source} ({mount.fstype}) is mounted at {mount.mountpoint}"
                found[words] = place
        for device, file in usage.loops_in(host, place):
            if _goes_with_pool(host, device, file, mountpoints):
                continue
            found[f"{device} is a loop device on {file}"] = place
        for path in usage.swaps_in(host, place):
            found[f"{path} is a swap file"] = place
    return found


def _goes_with_pool(host: Host, device: str, file: str, mountpoints: Collection[str]) -> bool:
    """Tell whether a loop device is the heartbeat file's, which is detached before the export."""
    own = pool_fs.own_mountpoint(host)
    number = (host.read(f"/sys/class/block/{device.rpartition('/')[2]}/dev") or "").strip()
    mounted = mounts.read_mounts(host).of_device(number)
    return file == pool_fs.heartbeat_file(host) and all(
        each.mountpoint == own and own in mountpoints for each in mounted
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
