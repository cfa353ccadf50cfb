"""makerepo: register and mount a repository, creating what is missing.

White paper: `ovs-makerepo SOURCE C DESCRIPTION` on the master, and the same words on each
further server, which joins: same UUID, nothing formatted.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import RefusedError, UsageError
from ..model.cluster import Node
from ..model.heartbeat import KernelCluster
from ..model.ovsrepo import OvsRepo
from ..model.repositories import Repository, RepositoryList
from ..model.source import DeviceSource, IscsiSource, NfsSource, parse_source
from ..system import block, mounts
from ..system.host import Host
from . import (
    catch_up,
    cluster_root,
    export_source,
    formatting,
    iscsi_service,
    iscsi_source,
    mounting,
    volume,
)
from .marker import SHARED_WORDS, new_repository_steps
from .plan import Plan, Report
from .volume import CLUSTER_FILE_SYSTEM, CLUSTER_ROOT, LOCAL, SHARED, Found, Request

__all__ = ["Request", "plan"]

MAX_DESCRIPTION = 255


def plan(host: Host, request: Request) -> Plan:
    """Plan what makes the source a mounted, recorded repository; see the module."""
    _check_words(request)
    source = parse_source(request.source)
    if request.iscsi != iscsi_source.IscsiRequest() and not isinstance(source, IscsiSource):
        raise UsageError(
            "--prune, --all-portals and --chap... are for iSCSI",
            hint="give the source as iscsi://PORTAL[:PORT]/IQN[/LUN]",
        )
    if request.heartbeat_size is not None and not isinstance(source, NfsSource):
        raise UsageError("--heartbeat-size is for NFS: an OCFS2 has its heartbeat in itself")
    listed = mounting.read_list(host)
    mounting.refuse_two_roots(host, listed)
    if isinstance(source, IscsiSource):
        iscsi_service.refuse_offline(host)
    elif host.offline:
        return _plan_offline(host, request, str(source), listed)
    if isinstance(source, NfsSource):
        return export_source.plan(host, request, source, listed)
    if (
        isinstance(source, DeviceSource)
        and request.shared == CLUSTER_ROOT
        and host.kind(source.path) == "block"
    ):
        joining = catch_up.plan_join(host, source.path)
        if joining.steps:
            return joining
    cluster = None if request.shared == LOCAL else mounting.online_cluster(host)
    if isinstance(source, IscsiSource):
        connected = iscsi_source.connect(host, source, request.iscsi)
        if isinstance(connected, Plan):
            return connected
        request, source = replace(request, source=connected), DeviceSource(connected)
    device = block.look(host, source.path)
    formatting.refuse_occupied(device)
    formatting.refuse_mounted_elsewhere(host, device, host.settings.paths.cluster_root)
    if volume.must_wait(host, request, device, cluster):
        _refuse_role(host, request, listed, None)  # now, not when the others have formatted it
        return volume.plan_wait(host, request, device)
    found = volume.find(host, request, device, cluster)
    return _plan_mount(host, request, cluster, found, listed)


def _check_words(request: Request) -> None:
    text = request.description
    if not text.strip():
        raise UsageError("the description is empty", hint='say what it is for: "cluster root"')
    if not text.isprintable() or len(text.encode()) > MAX_DESCRIPTION:
        raise UsageError(
            f"a description is one line of at most {MAX_DESCRIPTION} bytes, "
            "without control characters"
        )


def _plan_offline(host: Host, request: Request, path: str, listed: RepositoryList) -> Plan:
    """Only list it, for an image: its UUID is filled in at the first mount."""
    root = listed.cluster_root
    is_root = request.shared == CLUSTER_ROOT
    if is_root and root is not None and root.source != path:
        raise RefusedError(f"the list has another cluster root: {root.source}")
    wanted = listed.with_repository(Repository(None, path, is_root))
    known = listed.by_source(path)
    if known is not None:
        if known.cluster_root != is_root:
            raise RefusedError(f"{path} is listed, but not with {request.shared}")
        wanted = listed
    return Plan(
        tuple(mounting.record_steps(host, listed, wanted)),
        Report((f"{path} is listed; it is mounted when the server runs",), {"source": path}),
    )


def _plan_mount(
    host: Host,
    request: Request,
    cluster: tuple[KernelCluster, Node] | None,
    found: Found,
    listed: RepositoryList,
) -> Plan:
    is_root = request.shared == CLUSTER_ROOT
    mountpoint = mounting.mountpoint_of(host, found.uuid, is_root)
    _refuse_other_role(host, request, found, listed)
    _refuse_place(host, request, found, mountpoint, listed)
    steps = list(found.steps)
    if not found.is_mounted:
        if cluster and not found.steps and not _heartbeats_here(cluster[0], found.uuid):
            mounting.refuse_shared_number(host, found.device.kernel_path, cluster[1])
        device = found.device
        steps += mounting.mount_steps(
            host, device.path, device.number, found.fstype, found.uuid, mountpoint
        )
        if cluster:
            steps.append(mounting.heartbeat_step(found.uuid, cluster[1]))
        if is_root and found.marker is not None:
            steps.append(catch_up.newer_step())
    if found.marker is None:
        marker = OvsRepo(found.uuid, request.description, request.shared)
        steps += new_repository_steps(host, mountpoint, marker, found.is_mounted)
    name = block.stable_name(host, request.source)
    wanted = listed.with_repository(Repository(found.uuid, name, is_root))
    steps += mounting.record_steps(host, listed, wanted)
    return Plan(
        tuple(steps),
        _report(request, found, mountpoint, name, changed=bool(steps)),
        _notices(host, request, found, name, mountpoint, changed=bool(steps)),
    )


def _heartbeats_here(kernel: KernelCluster, uuid: str) -> bool:
    """Tell whether it is this server itself whose heartbeat moves: hb-ctl may have started it."""
    region = kernel.region(uuid)
    return region is not None and region.is_active


def _refuse_other_role(host: Host, request: Request, found: Found, listed: RepositoryList) -> None:
    known = listed.by_uuid(found.uuid)
    roles = [found.marker.shared] if found.marker else []
    if known is not None and known.cluster_root != (request.shared == CLUSTER_ROOT):
        roles.append(CLUSTER_ROOT if known.cluster_root else SHARED)
    for role in roles:
        if role != request.shared:
            raise RefusedError(
                f"{request.source} is {SHARED_WORDS[role]} ({role}), "
                f"not {SHARED_WORDS[request.shared]} ({request.shared})",
                f"UUID {found.uuid}",
                hint=f"ovs-makerepo {request.source} {role} DESCRIPTION",
            )


def _refuse_role(host: Host, request: Request, listed: RepositoryList, uuid: str | None) -> None:
    """Refuse what the listed cluster root rules out; uuid None: it is yet to be formatted."""
    root = listed.cluster_root
    if request.shared != CLUSTER_ROOT:
        cluster_root.refuse_without(host, request.shared, listed)
    elif root is not None and root.uuid not in (None, uuid):
        raise cluster_root.second(root)


def _refuse_place(
    host: Host, request: Request, found: Found, mountpoint: str, listed: RepositoryList
) -> None:
    """Refuse when the mountpoint, or /OVS itself, is not what this repository needs."""
    table = mounts.read_mounts(host)
    top = host.settings.paths.cluster_root
    _refuse_role(host, request, listed, found.uuid)
    is_root = request.shared == CLUSTER_ROOT
    if is_root and not found.is_mounted and table.below(top) and table.at(top) is None:
        below = table.below(top)[0]
        raise RefusedError(
            f"{below.source} is mounted at {below.mountpoint}; {top} would cover it",
            hint=f"ovs-offlinerepo {below.mountpoint}",
        )
    mounts.refuse_other_mount(host, found.device.number, mountpoint)


def _notices(
    host: Host, request: Request, found: Found, name: str, mountpoint: str, changed: bool
) -> tuple[str, ...]:
    notices = []
    if found.marker is not None and found.marker.description != request.description:
        notices.append(
            f"the storage says {found.marker.description!r}; that description stays, "
            f"not {request.description!r}"
        )
    if not changed:
        return tuple(notices)
    if name != request.source:
        notices.append(f"{request.source} is recorded under its stable name, {name}")
    hidden = [] if found.is_mounted else host.names(mountpoint)
    if hidden:
        notices.append(
            f"{mountpoint} has {len(hidden)} entries on the local disk, which the mount hides "
            f"until it is unmounted: {', '.join(hidden[:5])} "
            f"(to bring them along: ovs-offlinerepo {mountpoint}; ovstools repositories convert)"
        )
    others = [
        mount.mountpoint
        for mount in mounts.mounted_ocfs2(host)
        if mount.device_number != found.device.number
    ]
    if others and found.fstype == CLUSTER_FILE_SYSTEM:
        notices.append(
            f"every mounted OCFS2 heartbeats (also {', '.join(others)}): "
            "a server that loses any one of them fences itself"
        )
    return tuple(notices)


def _report(request: Request, found: Found, mountpoint: str, name: str, changed: bool) -> Report:
    already = "" if changed else "already "
    description = found.marker.description if found.marker else request.description
    data = {
        "changed": changed,
        "formatted": bool(found.steps),
        "uuid": found.uuid,
        "source": name,
        "mountpoint": mountpoint,
        "description": description,
        "shared": request.shared,
    }
    return Report((f"{name} is {already}mounted at {mountpoint}, UUID {found.uuid}",), data)
