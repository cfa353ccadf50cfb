"""The file system that a repository is on: find it, plan to make it, or wait for it."""

from __future__ import annotations

import uuid as uuid_module
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import RefusedError
from ..model.cluster import Node
from ..model.cluster_conf import ClusterConf
from ..model.heartbeat import KernelCluster
from ..model.ovsrepo import OvsRepo
from ..model.uuids import is_uuid, normal_uuid
from ..system import block, mounts, ocfs2
from ..system.block import Device
from ..system.host import Host
from . import formatting, mounting, short_device
from .formatting import Format
from .iscsi_source import IscsiRequest
from .marker import read_marker
from .plan import Confirm, Plan, Step

CLUSTER_ROOT, SHARED, LOCAL = "C", "1", "0"
CLUSTER_FILE_SYSTEM = "ocfs2"


@dataclass(frozen=True)
class Request:
    """The words of the command line. ask: put a question to a person; False without one."""

    source: str
    shared: str
    description: str
    format: Format = field(default_factory=Format)
    ask: Callable[[str], bool] = field(default=lambda question: False, compare=False)
    iscsi: IscsiRequest = field(default_factory=IscsiRequest)
    #: of the heartbeat file on an NFS cluster root, should it have to be made
    heartbeat_size: str | None = None


@dataclass(frozen=True)
class Found:
    """A device that carries, or is about to carry, a repository's file system."""

    device: Device
    uuid: str
    fstype: str
    marker: OvsRepo | None
    is_mounted: bool = False
    steps: tuple[Step, ...] = ()


def must_wait(
    host: Host, request: Request, device: Device, cluster: tuple[KernelCluster, Node] | None
) -> bool:
    """Tell whether another server is the one to format: the lowest-numbered node alone does."""
    if cluster is None or request.format.here or not _needs_format(host, device):
        return False
    if not request.format.wanted and request.format.wait_s is None:
        return False
    kernel, node = cluster
    return node.number != min(each.number for each in kernel.nodes)


def _needs_format(host: Host, device: Device) -> bool:
    if device.is_blank:
        return True
    return (
        _is_ocfs2(device)
        and not _is_mounted(host, device)
        and ocfs2.is_unfinished(host, device.kernel_path)
    )


def _is_in_the_making(host: Host, device: Device) -> bool:
    """Tell whether there is no whole file system yet; a running mkfs writes other blocks first."""
    return device.signature is None or _needs_format(host, device)


def plan_wait(host: Host, request: Request, device: Device) -> Plan:
    """Plan to wait until the lowest-numbered node has formatted, then to look again."""
    limits = host.settings.limits
    wait_s = limits.format_wait_s if request.format.wait_s is None else request.format.wait_s
    lowest = _lowest_name(host)

    def await_volume(host: Host) -> None:
        deadline = host.clock.monotonic() + wait_s
        while _is_in_the_making(host, block.look(host, device.path)):
            if host.clock.monotonic() >= deadline:
                raise RefusedError(
                    f"{device.path} was not formatted by {lowest} within {wait_s:g} s",
                    hint=f"run the same command on {lowest}, or format here: --format-here",
                )
            host.clock.sleep(2)

    step = Step(
        f"wait up to {wait_s:g} s for {lowest} to format {device.path}: "
        "of several servers, the lowest-numbered node formats",
        Confirm(f"{device.path} has a file system", await_volume),
    )
    return Plan((step,), look_again=True)


def _lowest_name(host: Host) -> str:
    path = host.settings.paths.cluster_conf
    cluster = ClusterConf.parse(host.read(path) or "", path).cluster
    return min(cluster.nodes, key=lambda node: node.number).name


def find(
    host: Host, request: Request, device: Device, cluster: tuple[KernelCluster, Node] | None
) -> Found:
    """Say which file system the repository is on, planning to make it where that is allowed."""
    mounted = _is_mounted(host, device)
    if mounted and request.format.wanted and request.format.force:
        where = mounts.read_mounts(host).of_device(device.number)[0].mountpoint
        raise RefusedError(
            f"{device.path} is mounted at {where}; it is not formatted",
            hint=f"ovs-offlinerepo {where}",
        )
    blank = _needs_format(host, device)
    if blank or (request.format.wanted and request.format.force):
        return _found_by_format(host, request, device, cluster, blank)
    if device.signature is None or device.signature.usage != "filesystem":
        formatting.refuse_content(host, device, Format())
    signature = device.signature
    assert signature is not None
    if request.shared != LOCAL and not _is_ocfs2(device):
        raise RefusedError(
            f"{device.path} holds {device.content}, which servers cannot share",
            hint="if nobody needs it any more: --format --force; "
            "for a repository of this server alone: 0",
        )
    fstype = signature.type or ""
    if not signature.uuid or not is_uuid(signature.uuid):
        raise RefusedError(f"the {fstype} on {device.path} has no UUID of 32 hex digits")
    if not _is_ocfs2(device):
        uuid = normal_uuid(signature.uuid)
        return Found(device, uuid, fstype, read_marker(host, device, None), mounted)
    volume = ocfs2.read_volume(host, device.kernel_path)
    if cluster is None:
        raise RefusedError(
            f"{device.path} holds a cluster file system, which is not local",
            hint=f"ovs-makerepo {device.path} 1 DESCRIPTION",
        )
    mounting.refuse_other_cluster(volume, cluster[0], device.path)
    short_device.refuse(host, device)
    return Found(
        device, volume.uuid, CLUSTER_FILE_SYSTEM, read_marker(host, device, volume.uuid), mounted
    )


def _found_by_format(
    host: Host,
    request: Request,
    device: Device,
    cluster: tuple[KernelCluster, Node] | None,
    blank: bool,
) -> Found:
    uuid = uuid_module.uuid4().hex.upper()
    limit_s = host.settings.limits.format_s
    command = formatting.command_for(
        request.format, device.path, uuid, cluster[0].name if cluster else None, limit_s
    )
    formatting.refuse_content(host, device, request.format, is_free=blank)
    formatting.refuse_in_use(host, device)
    if cluster is not None:
        formatting.refuse_unfit(host, command, device.size_bytes, request.format)
    state = "is blank" if device.is_blank else "has an OCFS2 whose mkfs has not come to its end"
    question = f"{device.path} {state} ({device.size_bytes // 2**20} MiB). Format it?"
    if not request.format.wanted and not request.ask(question):
        raise RefusedError(
            f"{device.path} {state} and must be formatted first",
            f"this would be run: {command.shell()}",
            hint="allow it: --format",
        )
    steps = formatting.format_steps(host, device, command, uuid)
    fstype = CLUSTER_FILE_SYSTEM if cluster else "ext4"
    return Found(device, uuid, fstype, None, False, tuple(steps))


def _is_ocfs2(device: Device) -> bool:
    return device.signature is not None and device.signature.type == CLUSTER_FILE_SYSTEM


def _is_mounted(host: Host, device: Device) -> bool:
    return bool(mounts.read_mounts(host).of_device(device.number))
