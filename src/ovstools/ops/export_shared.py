"""makerepo HOST:/EXPORT 1: a further repository on NFS, without a heartbeat file.

Where it belongs, /OVS/UUID, is only known when it was looked at: it is mounted where nobody sees
it, gets its marker, and is mounted at its place.
"""

from __future__ import annotations

from ..errors import RefusedError
from ..model.mountinfo import Mount
from ..model.ovsrepo import OvsRepo
from ..model.repositories import Repository, RepositoryList
from ..model.source import NfsSource
from ..system import mounts, nfs
from ..system.host import Host
from . import export_marker, export_mount, export_place, mounting
from .export_report import new_uuid, notices, report
from .plan import Plan, Step
from .undoing import OrUndo
from .volume import Request


def plan_shared(host: Host, request: Request, source: NfsSource, listed: RepositoryList) -> Plan:
    """Plan the next part of what makes an export a repository below the cluster root."""
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
        uuid = (known.uuid if known else None) or new_uuid()
        new = OvsRepo(uuid, request.description, request.shared)
        steps = [
            Step(step.title, OrUndo(step.change, (leave,)))
            for step in export_marker.publish_steps(look_at, new)
        ]
        return Plan(tuple(steps), look_again=True)
    export_marker.refuse_other_role(str(source), marker, request.shared)
    mountpoint = mounting.mountpoint_of(host, marker.uuid, False)
    steps = export_place.leftover_steps(host, look_at)
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
    said = report(request, marker, source, mountpoint, True, None)
    return Plan(tuple(steps), said, notices(request, marker))


def _already(host: Host, request: Request, source: NfsSource, mount: Mount, uuid: str) -> Plan:
    export_mount.refuse_unfit(mount)
    marker = export_marker.read(host, mount.mountpoint) or OvsRepo(uuid, "", request.shared)
    export_marker.refuse_other_role(str(source), marker, request.shared)
    said = report(request, marker, source, mount.mountpoint, False, None)
    return Plan((), said, notices(request, marker))
