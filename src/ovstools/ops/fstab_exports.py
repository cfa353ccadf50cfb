"""Lines of fstab that mount NFS exports, as lines of the list of repositories."""

from __future__ import annotations

from ..model import nfs_options
from ..model.fstab import FstabEntry
from ..model.fstab_storage import export, mount_options
from ..model.repositories import Repository
from ..system import filesystems, mounts
from ..system.host import Host


def repository(host: Host, entry: FstabEntry, is_at_top: bool) -> Repository:
    """Return an export as a repository; its UUID is known where it is mounted as one."""
    source = export(entry)
    assert source is not None  # is_storage() has seen to that
    for mount in mounts.read_mounts(host).of_source(source):
        marker = filesystems.read_marker(host, mount.mountpoint)
        if marker is not None:
            return Repository(marker.uuid, source, is_at_top)
    return Repository(None, source, is_at_top)


def options(host: Host, entry: FstabEntry) -> str:
    """Return how a line mounts; for an export without what a repository must not have."""
    given = mount_options(entry.options)
    if entry.fstype not in nfs_options.FSTYPES:
        return given
    kept = []
    for word in given.split(","):
        reason = nfs_options.why_refused(word)
        if reason:
            host.talk.notice(f"{entry.spec}: the option {word} is left out: {reason}")
        elif word and word not in nfs_options.IMPLIED:
            kept.append(word)
    return ",".join(kept)


def notices(entry: FstabEntry, moved: Repository) -> list[str]:
    """Say what makes an export a repository, when it is none yet: the list alone does not."""
    if entry.fstype not in nfs_options.FSTYPES or moved.uuid is not None:
        return []
    role = "C" if moved.cluster_root else "1"
    words = f"ovs-makerepo {moved.source} {role} DESCRIPTION"
    return [f"{moved.source} is mounted from the list once it is a repository: {words}"]
