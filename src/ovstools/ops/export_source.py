"""makerepo HOST:/EXPORT: from an NFS export to a repository, step by step.

Mount and look; make the heartbeat file of a cluster root; attach and mount that; write the
marker; list it. What follows is planned anew from what is there by then, as other servers may
run the same command at the same time.
"""

from __future__ import annotations

import uuid as uuid_module

from ..errors import RefusedError, UsageError
from ..model.heartbeat import KernelCluster
from ..model.mountinfo import Mount
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
    heartbeat_file,
    mounting,
    pool_mount,
)
from .formatting import Format
from .heartbeat_loop import DetachLoop
from .plan import Plan, Report, Run, Step
from .undoing import OrUndo
from .volume import CLUSTER_ROOT, LOCAL, Request


def plan(host: Host, request: Request, source: NfsSource, listed: RepositoryList) -> Plan:
    """Plan the next part of what makes the export a repository."""
    refuse_words(request, source)
    kernel, _ = mounting.online_cluster(host)
    export_place.refuse_list(host, request.shared, source, listed)
    if request.shared == CLUSTER_ROOT:
        return _plan_root(host, request, source, listed, kernel)
    return _plan_shared(host, request, source, listed)


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
        _refuse_root(host, request, source, mountpoint, kernel, uuid)

    mount = mounts.read_mounts(host).at(top)
    if mount is None:
        change = export_mount.mount_change(host, source, uuid, top, accept)
        then = f"then it is looked what is on {source}, and what is missing is made"
        return Plan((Step(f"mount {source} at {top}", change),), notices=(then,), look_again=True)
    export_mount.refuse_unfit(mount)
    newer = catch_up.plan(host)
    if newer.steps:
        return newer
    marker = _refuse_root(host, request, source, top, kernel, uuid)
    undo = () if known else (export_place.unmount_step(host, top),)
    volume = heartbeat_file.look(host, top, marker, kernel)
    if volume is None:
        export_mount.refuse_unwritable(host, top)
        size_mib = heartbeat_file.size_mib(request.heartbeat_size)
        steps = heartbeat_file.make_steps(host, top, kernel, size_mib, request.format.slots, undo)
        return Plan(tuple(steps), look_again=True)
    steps = _leftover_steps(host, top)
    steps += _pool_steps(host, volume.uuid, undo)
    if marker is None:
        new = OvsRepo(_new_uuid(), request.description, CLUSTER_ROOT, heartbeat_uuid=volume.uuid)
        steps += export_marker.publish_steps(top, new)
        return Plan(tuple(steps), look_again=True)
    wanted = listed.with_repository(Repository(marker.uuid, str(source), True))
    steps += mounting.record_steps(host, listed, wanted)
    report = _report(request, marker, source, top, bool(steps), volume.uuid)
    return Plan(tuple(steps), report, _notices(request, marker))


def _refuse_root(
    host: Host, request: Request, source: NfsSource, mountpoint: str, kernel: KernelCluster,
    uuid: str | None,
) -> OvsRepo | None:  # fmt: skip
    """Raise RefusedError for what is no cluster root of this pool; return its marker."""
    marker = export_marker.read(host, mountpoint)
    export_marker.refuse_other_role(str(source), marker, CLUSTER_ROOT)
    export_marker.refuse_other_uuid(str(source), marker, uuid, host.settings.paths.repositories)
    if heartbeat_file.look(host, mountpoint, marker, kernel) is None:
        size_mib = heartbeat_file.size_mib(request.heartbeat_size)
        heartbeat_file.refuse_no_room(host, mountpoint, size_mib)
    return marker


def _leftover_steps(host: Host, mountpoint: str) -> list[Step]:
    """Remove what a killed run of this server left; nobody else uses these names."""
    names = (
        heartbeat_file.new_name(host, mountpoint),
        export_marker.new_name(host, mountpoint),
        export_mount.probe_name(host, mountpoint),
    )
    left = nfs.existing(host, names)
    if not left:
        return []
    return [Step("remove what an earlier run left", Run(nfs.remove(*left)))]


def _pool_steps(host: Host, heartbeat_uuid: str, undo: tuple[Step, ...]) -> list[Step]:
    file = pool_fs.heartbeat_file(host)
    steps = []
    for step in pool_mount.start_steps(host, heartbeat_uuid):
        steps.append(Step(step.title, OrUndo(step.change, undo) if undo else step.change))
        undo = (*undo, Step(f"detach {file}", DetachLoop(file))) if undo else ()
    return steps


# ------------------------------------------------------------ a repository below it


def _plan_shared(host: Host, request: Request, source: NfsSource, listed: RepositoryList) -> Plan:
    known = listed.by_source(str(source))
    options = export_mount.options_for(host, source, known.uuid if known else None)
    nfs.refuse_silent(host, source, options)
    table = mounts.read_mounts(host)
    if known is not None and known.uuid is not None:
        mountpoint = mounting.mountpoint_of(host, known.uuid, False)
        there = table.at(mountpoint)
        if there is not None and there.source == str(source):
            return _already(host, request, source, there, known.uuid)
    look_at = export_place.look_place(host)
    looked = table.at(look_at)
    if looked is not None and looked.source != str(source):
        return Plan((export_place.unmount_step(host, look_at),), look_again=True)
    if looked is None:

        def accept(host: Host, mountpoint: str) -> None:
            export_mount.refuse_unwritable(host, mountpoint)
            marker = export_marker.read(host, mountpoint)
            export_marker.refuse_other_role(str(source), marker, request.shared)
            uuid = known.uuid if known else None
            path = host.settings.paths.repositories
            export_marker.refuse_other_uuid(str(source), marker, uuid, path)

        change = export_mount.mount_change(host, source, None, look_at, accept)
        then = f"then {source} is mounted at its place"
        title = f"mount {source} at {look_at}, to look at it"
        return Plan((Step(title, change),), notices=(then,), look_again=True)
    return _plan_looked(host, request, source, listed, look_at)


def _plan_looked(
    host: Host, request: Request, source: NfsSource, listed: RepositoryList, look_at: str
) -> Plan:
    """Plan the rest, with the export mounted where nobody else sees it."""
    leave = export_place.unmount_step(host, look_at)
    marker = export_marker.read(host, look_at)
    if marker is None:
        known = listed.by_source(str(source))
        uuid = (known.uuid if known else None) or _new_uuid()
        new = OvsRepo(uuid, request.description, request.shared)
        steps = [
            Step(step.title, OrUndo(step.change, (leave,)))
            for step in export_marker.publish_steps(look_at, new)
        ]
        return Plan(tuple(steps), look_again=True)
    export_marker.refuse_other_role(str(source), marker, request.shared)
    mountpoint = mounting.mountpoint_of(host, marker.uuid, False)
    steps = _leftover_steps(host, look_at)
    there = mounts.read_mounts(host).at(mountpoint)
    if there is None:
        accept = export_place.is_uuid(marker.uuid)
        change = export_mount.mount_change(host, source, marker.uuid, mountpoint, accept)
        steps.append(Step(f"mount {source} at {mountpoint}", OrUndo(change, (leave,))))
    elif there.source != str(source):
        raise RefusedError(
            f"{mountpoint} is already mounted from something else",
            f"{there.source} ({there.fstype}) is mounted there",
            hint=f"umount {mountpoint}; umount {look_at}",
        )
    wanted = listed.with_repository(Repository(marker.uuid, str(source)))
    steps += [leave, *mounting.record_steps(host, listed, wanted)]
    report = _report(request, marker, source, mountpoint, True, None)
    return Plan(tuple(steps), report, _notices(request, marker))


def _already(host: Host, request: Request, source: NfsSource, mount: Mount, uuid: str) -> Plan:
    export_mount.refuse_unfit(mount)
    marker = export_marker.read(host, mount.mountpoint) or OvsRepo(uuid, "", request.shared)
    export_marker.refuse_other_role(str(source), marker, request.shared)
    report = _report(request, marker, source, mount.mountpoint, False, None)
    return Plan((), report, _notices(request, marker))


def _new_uuid() -> str:
    return uuid_module.uuid4().hex.upper()


def _notices(request: Request, marker: OvsRepo) -> tuple[str, ...]:
    if marker.description == request.description:
        return ()
    return (
        f"the storage says {marker.description!r}; that description stays, "
        f"not {request.description!r}",
    )


def _report(
    request: Request, marker: OvsRepo, source: NfsSource, mountpoint: str, changed: bool,
    heartbeat_uuid: str | None,
) -> Report:  # fmt: skip
    already = "" if changed else "already "
    data = {
        "changed": changed,
        "uuid": marker.uuid,
        "source": str(source),
        "mountpoint": mountpoint,
        "description": marker.description,
        "shared": request.shared,
    }
    line = f"{source} is {already}mounted at {mountpoint}, UUID {marker.uuid}"
    if heartbeat_uuid is None:
        return Report((line,), data)
    beats = f"its heartbeat file is region {heartbeat_uuid}"
    return Report((line, beats), {**data, "heartbeat_uuid": heartbeat_uuid})
