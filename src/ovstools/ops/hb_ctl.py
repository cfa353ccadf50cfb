"""hb-ctl: start, stop and show the heartbeat region of a volume.

It takes the words of ocfs2_hb_ctl(8) as well, and supplies the service that today's tool
wants. Where that tool drops one reference, stopping here goes on until the region is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ExitStatus, RefusedError, UsageError
from ..model.block import parse_blkid
from ..model.uuids import is_uuid, normal_uuid
from ..system import block, hb_ctl, o2cb, ocfs2
from ..system.host import Host
from . import mounting, regions
from .plan import Plan, Report, Run, Step

START, STOP, STATUS, INFO, PRIORITY = "start", "stop", "status", "info", "priority"
VERBS = (START, STOP, STATUS)
OCFS2 = "ocfs2"


@dataclass(frozen=True)
class Request:
    """What to do with which region; target is a device or a UUID."""

    action: str
    target: str
    service: str = hb_ctl.SERVICE
    priority: int = 0


@dataclass(frozen=True)
class Target:
    """A region, and the device that it is on if that is known."""

    uuid: str
    device: str | None


def parse_words(
    words: tuple[str, ...],
    flags: tuple[str, ...],
    device: str | None,
    uuid: str | None,
    priority: int | None,
) -> Request:
    """Read `start|stop|status DEVICE|UUID [SERVICE]`, or ocfs2_hb_ctl's own words.

    flags are the actions that were given as flags. Raises UsageError for any other mix.
    """
    if not flags:
        if device or uuid or priority is not None:
            raise UsageError("-d, -u and -n want one of -S, -K, -I and -P")
        if not 2 <= len(words) <= 3 or words[0] not in VERBS:
            raise UsageError(
                "expected start, stop or status, and a device or UUID",
                hint="ovs-hb-ctl status /dev/sdb1; ovs-hb-ctl -K -d /dev/sdb1",
            )
        return Request(words[0], _target(words[1]), _service(words[2:]))
    if len(flags) > 1:
        raise UsageError("give one of -S, -K, -I and -P")
    if (device is None) == (uuid is None):
        raise UsageError("name the region: either -d DEVICE or -u UUID")
    action = flags[0]
    if priority is not None and action != PRIORITY:
        raise UsageError("-n goes with -P")
    if len(words) > (1 if action in (START, STOP) else 0):
        raise UsageError(f"unexpected words: {' '.join(words)}")
    target = normal_uuid(uuid) if uuid is not None else _target(device or "")
    return Request(action, target, _service(words), priority or 0)


def plan(host: Host, request: Request) -> Plan:
    """Plan what starts or stops a region, or sets the priority of its thread."""
    _refuse_offline(host)
    target = find(host, request.target)
    if request.action == START:
        return _plan_start(host, target, request.service)
    if request.action == STOP:
        return _plan_stop(host, target, request.service)
    return _plan_priority(host, target, request.priority)


def look(host: Host, request: Request) -> Report:
    """Say whether a region heartbeats, who holds it, and where its volume is mounted."""
    _refuse_offline(host)
    target = find(host, request.target)
    region = regions.read_region(host, target.uuid)
    active = region is not None and region.is_active
    refs = hb_ctl.read_refs(host, target.uuid) if region is not None else 0
    if request.action == INFO:
        return Report((f"{target.uuid}: {refs} refs",), {"uuid": target.uuid, "refs": refs})
    where = [mount.mountpoint for mount in regions.mounts_of(host, target.uuid)] if region else []
    elsewhere = not where and regions.is_mounted_anywhere(host, target.uuid)
    data = {
        "uuid": target.uuid,
        "active": active,
        "refs": refs,
        "pid": region.pid if region else None,
        "device": target.device,
        "mounted": where,
        "mounted_elsewhere": elsewhere,
    }
    line = f"{target.uuid}: {'active' if active else 'not active'}, {refs} references"
    if region is not None and active:
        line += f", thread {region.pid}, on /dev/{region.device}"
    if where:
        line += f", mounted at {', '.join(where)}"
    else:
        line += ", mounted in another mount namespace" if elsewhere else ", not mounted"
    return Report((line,), data, ExitStatus.OK if active else ExitStatus.UNHEALTHY)


def find(host: Host, word: str) -> Target:
    """Return the region that a device or UUID stands for.

    Raises RefusedError when the device does not exist or has no OCFS2.
    """
    if is_uuid(word):
        uuid = normal_uuid(word)
        return Target(uuid, regions.device_with(host, uuid))
    kernel_path = block.existing(host, word)
    found = parse_blkid(host.run(block.blkid(kernel_path)).stdout)
    if found.type != OCFS2:
        raise RefusedError(
            f"{word} has no heartbeat region: it is not an OCFS2 volume",
            f"found there: {found.type or found.pttype or 'nothing'}",
            hint="lsblk --fs shows which device holds which file system",
        )
    return Target(ocfs2.read_volume(host, kernel_path).uuid, word)


def _plan_start(host: Host, target: Target, service: str) -> Plan:
    kernel, node = mounting.online_cluster(host)
    if kernel.mode == "global":
        raise _global_mode(kernel.name)
    region = kernel.region(target.uuid)
    if region is not None and region.is_active:
        line = f"region {target.uuid} is already active, on /dev/{region.device}"
        return Plan(report=Report((line,), _data(target, changed=False)))
    if target.device is None:
        raise RefusedError(
            f"there is no device with UUID {target.uuid}",
            f"looked for {regions.by_uuid_link(target.uuid)}",
            hint="log in to its target, or name the device: ovs-hb-ctl start DEVICE",
        )
    volume = ocfs2.read_volume(host, target.device)
    mounting.refuse_other_cluster(volume, kernel, target.device)
    mounting.refuse_shared_number(host, target.device, node)
    # A region that is there but not active is what a killed start left; -S would only add a
    # reference to it.
    steps = regions.stop_steps(host, region, service) if region is not None else []
    steps += [
        Step(f"start the heartbeat on {target.device}", Run(hb_ctl.start(target.device, service))),
        mounting.heartbeat_step(target.uuid, node),
    ]
    line = f"region {target.uuid} is active, on {target.device}"
    return Plan(tuple(steps), Report((line,), _data(target, changed=True)))


def _plan_stop(host: Host, target: Target, service: str) -> Plan:
    kernel = o2cb.read_kernel_cluster(host)
    region = kernel.region(target.uuid) if kernel else None
    if kernel is None or region is None:
        line = f"region {target.uuid} is already stopped"
        return Plan(report=Report((line,), _data(target, changed=False)))
    if kernel.mode == "global":
        raise _global_mode(kernel.name)
    regions.refuse_mounted(host, target.uuid)
    steps = regions.stop_steps(host, region, service)
    line = f"region {target.uuid} is stopped"
    return Plan(tuple(steps), Report((line,), _data(target, changed=True)))


def _plan_priority(host: Host, target: Target, priority: int) -> Plan:
    region = regions.read_region(host, target.uuid)
    if region is None or not region.is_active:
        raise RefusedError(
            f"region {target.uuid} is not active, it has no thread",
            hint=f"ovs-hb-ctl start {target.device or target.uuid}",
        )
    step = Step(
        f"set the I/O priority of thread {region.pid} to {priority}",
        Run(hb_ctl.set_priority(target.uuid, priority)),
    )
    line = f"the heartbeat thread {region.pid} has I/O priority {priority}"
    return Plan((step,), Report((line,), _data(target, changed=True)))


def _target(word: str) -> str:
    if is_uuid(word):
        return normal_uuid(word)
    if not word.startswith("/"):
        raise UsageError(f"{word!r} is neither a device nor a UUID of 32 hex digits")
    return word


def _service(words: tuple[str, ...]) -> str:
    return words[0] if words else hb_ctl.SERVICE


def _data(target: Target, changed: bool) -> dict[str, object]:
    return {"uuid": target.uuid, "device": target.device, "changed": changed}


def _global_mode(cluster: str) -> RefusedError:
    return RefusedError(
        f"cluster {cluster} has global heartbeat: its regions belong to no volume",
        "ocfs2_hb_ctl would say nothing and do nothing",
        hint=f"o2cb start-heartbeat {cluster}, o2cb stop-heartbeat {cluster}",
    )


def _refuse_offline(host: Host) -> None:
    if host.offline:
        raise RefusedError("with --root there is no kernel to heartbeat")
