"""Mount a listed NFS export: at boot, or after it was taken offline."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError, UsageError
from ..model.ovsrepo import OvsRepo
from ..model.repositories import Repository
from ..model.source import NfsSource, parse_source
from ..system import nfs
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
from .export_mount import MountExport
from .listed import Listed
from .plan import Step
from .repository_mount import RecordUuid, record_step
from .volume import CLUSTER_ROOT, SHARED


def export_of(repository: Repository) -> NfsSource | None:
    """Return the export that a listed repository is on; None for a device."""
    try:
        source = parse_source(repository.source)
    except UsageError:
        return None
    return source if isinstance(source, NfsSource) else None


def is_absent(host: Host, repository: Repository) -> bool:
    """Tell whether a repository is on an export whose server does not answer yet."""
    source = export_of(repository)
    if source is None:
        return False
    try:
        nfs.refuse_silent(host, source, export_mount.options_for(host, source, repository.uuid))
    except RefusedError:
        return True
    return False


def start_steps(host: Host, each: Listed) -> list[Step]:
    """Return the steps that mount a listed export, and a cluster root's heartbeat file.

    Raises RefusedError when it is plain already that it cannot be.
    """
    repository = each.repository
    source = export_of(repository)
    assert source is not None
    if repository.cluster_root:
        mounting.online_cluster(host)
    options = export_mount.options_for(host, source, repository.uuid)
    nfs.refuse_silent(host, source, options)
    if repository.cluster_root:
        return _root_steps(host, each, source)
    if each.mountpoint is None:
        return [Step(f"mount {source}, and fill in its UUID", _learn(host, source))]
    export_place.refuse_other(host, each.mountpoint, source)
    return [_mount_step(host, source, repository, each.mountpoint)]


def _root_steps(host: Host, each: Listed, source: NfsSource) -> list[Step]:
    top = host.settings.paths.cluster_root
    repository = each.repository
    export_place.refuse_covered(host, top)
    export_place.refuse_other(host, top, source)
    steps = []
    marker = None
    if each.mount is None:
        steps += [_mount_step(host, source, repository, top), catch_up.newer_step()]
    else:
        export_mount.refuse_unfit(each.mount)
        marker = _accepted(host, source, repository, top)
    # The marker is compared with the heartbeat file where the export is mounted only then.
    steps += pool_mount.start_steps(host, marker.heartbeat_uuid if marker else None)
    if repository.uuid is None:
        change = FillInUuid(source, top, True, host.settings.paths.repositories)
        steps.append(Step(f"fill in the UUID of {source}", change))
    return steps


def _mount_step(host: Host, source: NfsSource, repository: Repository, mountpoint: str) -> Step:
    def accept(host: Host, mountpoint: str) -> None:
        export_mount.refuse_unwritable(host, mountpoint)
        _accepted(host, source, repository, mountpoint)

    change = export_mount.mount_change(host, source, repository.uuid, mountpoint, accept)
    return Step(f"mount {source} at {mountpoint}", change)


def _accepted(host: Host, source: NfsSource, repository: Repository, mountpoint: str) -> OvsRepo:
    """Return the marker of what is mounted; raise RefusedError when it is not the listed one."""
    role = CLUSTER_ROOT if repository.cluster_root else SHARED
    marker = _marker(host, source, mountpoint, role)
    listed = host.settings.paths.repositories
    export_marker.refuse_other_role(str(source), marker, role)
    export_marker.refuse_other_uuid(str(source), marker, repository.uuid, listed)
    if repository.cluster_root:
        kernel, _ = mounting.online_cluster(host)
        if heartbeat_file.look(host, mountpoint, marker, kernel) is None:
            raise _no_repository(source, CLUSTER_ROOT, "it has no heartbeat file")
    return marker


def _marker(host: Host, source: NfsSource, mountpoint: str, role: str) -> OvsRepo:
    marker = export_marker.read(host, mountpoint)
    if marker is None:
        raise _no_repository(source, role, "it has no .ovsrepo")
    return marker


def _no_repository(source: NfsSource, role: str, evidence: str) -> RefusedError:
    return RefusedError(
        f"{source} is no repository yet",
        evidence,
        hint=f"make it one, what is on it stays: ovs-makerepo {source} {role} DESCRIPTION",
    )


@dataclass(frozen=True)
class FillInUuid:
    """Fill in the UUID of a listed export, from its marker where it is mounted."""

    source: NfsSource
    mountpoint: str
    cluster_root: bool
    path: str

    def preview(self) -> str:
        """Say it as a comment: the UUID is on the export."""
        return f"# the UUID in {self.mountpoint}/.ovsrepo becomes that of {self.source}"

    def preflight(self, host: Host) -> None:
        """Nothing to look at yet."""

    def apply(self, host: Host) -> None:
        """Write it into the list."""
        role = CLUSTER_ROOT if self.cluster_root else SHARED
        marker = _marker(host, self.source, self.mountpoint, role)
        RecordUuid(self.path, str(self.source), marker.uuid, self.cluster_root).apply(host)


@dataclass(frozen=True)
class MountUnknown:
    """Mount an export of which the list has no UUID: look at it, then mount it at its place."""

    look: MountExport
    source: NfsSource

    def preview(self) -> str:
        """Return how it is looked at; where it belongs is on the export."""
        return f"{self.look.preview()}\n# the same at /OVS/UUID, with the UUID in its .ovsrepo"

    def preflight(self, host: Host) -> None:
        """Leave it to the runner."""

    def apply(self, host: Host) -> None:
        """Do it; an export that is no repository yet is left unmounted."""
        leave = export_place.unmount_step(host, self.look.mountpoint)
        if export_place.is_looked_at(host):
            leave.change.apply(host)
        self.look.apply(host)
        marker = _marker(host, self.source, self.look.mountpoint, SHARED)
        leave.change.apply(host)
        mountpoint = mounting.mountpoint_of(host, marker.uuid, False)
        repository = Repository(marker.uuid, str(self.source))
        _mount_step(host, self.source, repository, mountpoint).change.apply(host)
        listed = host.settings.paths.repositories
        RecordUuid(listed, str(self.source), marker.uuid, False).apply(host)


def _learn(host: Host, source: NfsSource) -> MountUnknown:
    def accept(host: Host, mountpoint: str) -> None:
        marker = _marker(host, source, mountpoint, SHARED)
        export_marker.refuse_other_role(str(source), marker, SHARED)

    look_at = export_place.look_place(host)
    return MountUnknown(export_mount.mount_change(host, source, None, look_at, accept), source)


def filled_in_steps(host: Host, each: Listed) -> list[Step]:
    """Return the step that fills in the UUID of an export that is mounted."""
    source = export_of(each.repository)
    assert source is not None and each.mountpoint is not None
    role = CLUSTER_ROOT if each.repository.cluster_root else SHARED
    marker = _marker(host, source, each.mountpoint, role)
    export_marker.refuse_other_role(str(source), marker, role)
    return [record_step(host, each.repository, marker.uuid)]
