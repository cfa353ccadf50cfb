"""repositories grow --slots: more node slots, so that more servers can mount a volume at a time.

tunefs.ocfs2 refuses a volume that is mounted, so it is taken offline on all servers first.
"""

from __future__ import annotations

from ..errors import RefusedError, ToolError
from ..system import block, ocfs2, tunefs
from ..system.host import Host
from . import formatting, mounting, repository_mount, slot_map
from .listed import Listed
from .plan import Confirm, Plan, Report, Run, Step


def plan(host: Host, chosen: Listed, slots: int) -> Plan:
    """Plan what gives a volume so many node slots.

    Raises RefusedError while any server has it mounted, and for fewer slots than it has.
    """
    device = block.look(host, repository_mount.find_device(host, chosen.repository))
    formatting.refuse_occupied(device)
    signature = device.signature
    if signature is None or signature.type != repository_mount.CLUSTER_FILE_SYSTEM:
        raise RefusedError(f"{device.path} is no OCFS2, which alone has node slots")
    volume = ocfs2.read_volume(host, device.kernel_path)
    if chosen.repository.uuid not in (None, volume.uuid):
        raise RefusedError(
            f"{device.path} carries another UUID than the list says",
            f"listed: {chosen.repository.uuid}, on the device: {volume.uuid}",
        )
    data = {"uuid": volume.uuid, "source": chosen.repository.source, "slots": slots}
    if volume.slots == slots:
        line = f"{chosen.name} already has {slots} node slots"
        return Plan(report=Report((line,), {"changed": False, **data}))
    if slots < volume.slots:
        raise RefusedError(
            f"{chosen.name} has {volume.slots} node slots; they are not made fewer",
            hint="a slot costs a journal's size and nothing else",
        )
    _refuse_mounted(host, chosen, device.kernel_path)
    kernel, _ = mounting.online_cluster(host)
    mounting.refuse_other_cluster(volume, kernel, device.path)
    line = f"{chosen.name} now has {slots} node slots instead of {volume.slots}"
    return Plan(tuple(_steps(host, device.kernel_path, slots)),
                Report((line,), {"changed": True, **data}))  # fmt: skip


def _refuse_mounted(host: Host, chosen: Listed, device: str) -> None:
    others = slot_map.others(host, device)
    here = [chosen.mountpoint] if chosen.mount is not None else []
    if here or others:
        raise RefusedError(
            f"{chosen.name} is mounted; node slots are added while no server has it",
            *(f"mounted here at {place}" for place in here),
            *(f"{name} has a node slot, or had one when it crashed" for name in others),
            hint="on each of them: ovs-offlinerepo " + (chosen.repository.uuid or device),
        )
    host.talk.notice(f"read the heartbeat area of {device} twice")
    moving = sorted(ocfs2.moving_nodes(host, device))
    if moving:
        names = slot_map.node_names(host)
        words = ", ".join(names.get(number, f"node {number}") for number in moving)
        raise RefusedError(
            f"a server heartbeats on {device}: {words}",
            hint="take it offline there first: ovs-offlinerepo; ovs-hb-ctl stop",
        )


def _steps(host: Host, device: str, slots: int) -> list[Step]:
    def has_slots(host: Host) -> None:
        found = ocfs2.read_volume(host, device).slots
        if found != slots:
            raise ToolError(f"{device} has {found} node slots, not {slots}")

    command = tunefs.set_slots(device, slots, host.settings.limits.format_s)
    return [
        Step(f"give {device} {slots} node slots", Run(command)),
        Step("verify the superblock", Confirm(f"{device} has {slots} node slots", has_slots)),
    ]
