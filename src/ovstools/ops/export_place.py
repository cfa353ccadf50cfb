"""Where an export is mounted, and what else may be there."""

from __future__ import annotations

from ..errors import RefusedError
from ..model.repositories import RepositoryList
from ..model.source import NfsSource
from ..system import mounts, nfs
from ..system.host import Host
from . import cluster_root, export_marker, export_mount, heartbeat_file
from .export_mount import Accept
from .marker import SHARED_WORDS
from .plan import Run, Step
from .volume import CLUSTER_ROOT, SHARED

#: below /run/ovs: an export whose UUID is not known is looked at here, for a moment
LOOK = "export"


def look_place(host: Host) -> str:
    """Return where an export is mounted to be looked at."""
    return f"{host.settings.paths.run}/{LOOK}"


def is_looked_at(host: Host) -> bool:
    """Tell whether an export is mounted to be looked at: a killed run leaves it so."""
    return mounts.read_mounts(host).at(look_place(host)) is not None


def unmount_step(host: Host, mountpoint: str) -> Step:
    """Return the step that unmounts an export."""
    command = mounts.umount(mountpoint, host.settings.limits.umount_s)
    return Step(f"unmount {mountpoint}", Run(command))


def refuse_list(host: Host, shared: str, source: NfsSource, listed: RepositoryList) -> None:
    """Raise RefusedError when the list, or what is mounted, leaves no place for the export."""
    is_root = shared == CLUSTER_ROOT
    known = listed.by_source(str(source))
    if known is not None and known.cluster_root != is_root:
        role = CLUSTER_ROOT if known.cluster_root else SHARED
        raise RefusedError(
            f"{source} is listed as {SHARED_WORDS[role]} ({role}), "
            f"not {SHARED_WORDS[shared]} ({shared})",
            hint=f"ovs-makerepo {source} {role} DESCRIPTION",
        )
    top = host.settings.paths.cluster_root
    root = listed.cluster_root
    if not is_root:
        cluster_root.refuse_without(host, shared, listed)
        return
    if root is not None and known is None:
        raise cluster_root.second(root)
    refuse_covered(host, top)
    refuse_other(host, top, source)


def refuse_covered(host: Host, top: str) -> None:
    """Raise RefusedError when a mount at /OVS would cover what is mounted below."""
    table = mounts.read_mounts(host)
    if table.at(top) is None and table.below(top):
        below = table.below(top)[0]
        raise RefusedError(
            f"{below.source} is mounted at {below.mountpoint}; {top} would cover it",
            hint=f"umount {below.mountpoint}",
        )


def refuse_other(host: Host, mountpoint: str, source: NfsSource) -> None:
    """Raise RefusedError when something else than the export is mounted at its place."""
    there = mounts.read_mounts(host).at(mountpoint)
    if there is not None and there.source.rstrip("/") != str(source).rstrip("/"):
        raise RefusedError(
            f"{mountpoint} is already mounted from something else",
            f"{there.source} ({there.fstype}) is mounted there, not {source}",
            hint="give the source as it is mounted, if it is the same; "
            f"else, if you do not need it: umount {mountpoint}",
        )


def is_uuid(uuid: str) -> Accept:
    """Return what accepts the export with this UUID alone."""

    def accept(host: Host, mountpoint: str) -> None:
        marker = export_marker.read(host, mountpoint)
        if marker is None:
            raise RefusedError(f"there is no .ovsrepo on {mountpoint} any more")
        listed = host.settings.paths.repositories
        export_marker.refuse_other_uuid(mountpoint, marker, uuid, listed)

    return accept


def leftover_steps(host: Host, mountpoint: str) -> list[Step]:
    """Return the step that removes what a killed run left: names that only this server uses."""
    names = (
        heartbeat_file.new_name(host, mountpoint),
        export_marker.new_name(host, mountpoint),
        export_mount.probe_name(host, mountpoint),
    )
    left = nfs.existing(host, names)
    if not left:
        return []
    return [Step("remove what an earlier run left", Run(nfs.remove(*left)))]
