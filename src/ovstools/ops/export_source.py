"""makerepo HOST:/EXPORT: from an NFS export to a repository, step by step.

Mount and look; make the heartbeat file of a cluster root; attach and mount that; write the
marker; list it. What follows is planned anew from what is there by then, as other servers may
run the same command at the same time.
"""

from __future__ import annotations

from ..errors import RefusedError, UsageError
from ..model.heartbeat import KernelCluster
from ..model.ocfs2 import Volume
from ..model.ovsrepo import OvsRepo
from ..model.repositories import Repository, RepositoryList
from ..model.source import NfsSource
from ..system import mounts, nfs, pool_fs
from ..system.host import Host
from . import (
    catch_up,
    export_marker,
    export_mount,
    export_place,
    export_shared,
    heartbeat_file,
    mounting,
    pool_mount,
)
from .export_report import new_uuid, notices, report
from .formatting import Format
from .heartbeat_loop import DetachLoop
from .plan import Plan, Step
from .undoing import OrUndo
from .volume import CLUSTER_ROOT, LOCAL, Request


def plan(host: Host, request: Request, source: NfsSource, listed: RepositoryList) -> Plan:
    """Plan the next part of what makes the export a repository."""
    refuse_words(request, source)
    kernel, _ = mounting.online_cluster(host)
    export_place.refuse_list(host, request.shared, source, listed)
    if request.shared == CLUSTER_ROOT:
        return _plan_root(host, request, source, listed, kernel)
    return export_shared.plan_shared(host, request, source, listed)


def refuse_words(request: Request, source: NfsSource) -> None:
    """Raise for words that make no sense with an export."""
    heartbeat_file.size_mib(request.heartbeat_size)
    if request.shared == LOCAL:
        raise RefusedError(
            f"{source} is shared by nature; 0 is for storage of this server alone",
            hint=f"ovs-makerepo {source} 1 DESCRIPTION",
        )
    form = request.format
    ignored = Format(wanted=form.wanted, here=form.here, wait_s=form.wait_s, slots=form.slots)
    if form != ignored:
        raise UsageError(
            "only --slots and --heartbeat-size say how the heartbeat file is formatted",
            hint="what is on an export stays; the other options are for block devices",
        )


# ------------------------------------------------------------ the cluster root


def _plan_root(
    host: Host, request: Request, source: NfsSource, listed: RepositoryList, kernel: KernelCluster
) -> Plan:
    top = host.settings.paths.cluster_root
    known = listed.cluster_root
    uuid = known.uuid if known else None
    options = export_mount.options_for(host, source, uuid)
    nfs.refuse_silent(host, source, options)

    def accept(host: Host, mountpoint: str) -> None:
        export_mount.refuse_unwritable(host, mountpoint)
        _look(host, request, source, mountpoint, kernel, uuid)

    mount = mounts.read_mounts(host).at(top)
    if mount is None:
        change = export_mount.mount_change(host, source, uuid, top, accept)
        then = f"then what is on {source} is looked at, and what is missing is made"
        return Plan((Step(f"mount {source} at {top}", change),), notices=(then,), look_again=True)
    export_mount.refuse_unfit(mount)
    newer = catch_up.plan(host)
    if newer.steps:
        return newer
    marker, volume = _look(host, request, source, top, kernel, uuid)
    undo = () if known else (export_place.unmount_step(host, top),)
    if volume is None:
        export_mount.refuse_unwritable(host, top)
        size_mib = heartbeat_file.size_mib(request.heartbeat_size)
        steps = heartbeat_file.make_steps(host, top, kernel, size_mib, request.format.slots, undo)
        return Plan(tuple(steps), look_again=True)
    steps = export_place.leftover_steps(host, top)
    steps += _pool_steps(host, volume.uuid, undo)
    if marker is None:
        new = OvsRepo(new_uuid(), request.description, CLUSTER_ROOT, heartbeat_uuid=volume.uuid)
        steps += export_marker.publish_steps(top, new)
        return Plan(tuple(steps), look_again=True)
    wanted = listed.with_repository(Repository(marker.uuid, str(source), True))
    steps += mounting.record_steps(host, listed, wanted)
    said = report(request, marker, source, top, bool(steps), volume.uuid)
    return Plan(tuple(steps), said, notices(request, marker))


def _look(
    host: Host, request: Request, source: NfsSource, mountpoint: str, kernel: KernelCluster,
    uuid: str | None,
) -> tuple[OvsRepo | None, Volume | None]:  # fmt: skip
    """Return the marker and the heartbeat file's volume; what is missing can be made.

    Raises RefusedError for what is no cluster root of this pool, and cannot become it.
    """
    marker = export_marker.read(host, mountpoint)
    export_marker.refuse_other_role(str(source), marker, CLUSTER_ROOT)
    export_marker.refuse_other_uuid(str(source), marker, uuid, host.settings.paths.repositories)
    volume = heartbeat_file.look(host, mountpoint, marker, kernel)
    if volume is None:
        size_mib = heartbeat_file.size_mib(request.heartbeat_size)
        heartbeat_file.refuse_no_room(host, mountpoint, size_mib)
    return marker, volume


def _pool_steps(host: Host, heartbeat_uuid: str, undo: tuple[Step, ...]) -> list[Step]:
    file = pool_fs.heartbeat_file(host)
    steps = []
    for step in pool_mount.start_steps(host, heartbeat_uuid):
        steps.append(Step(step.title, OrUndo(step.change, undo) if undo else step.change))
        undo = (*undo, Step(f"detach {file}", DetachLoop(file))) if undo else ()
    return steps
