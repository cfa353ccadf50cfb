"""Are the repositories listed, mounted where they belong, and writable?"""

from __future__ import annotations

from ..model.findings import Finding, Severity
from ..model.mountinfo import Mount
from ..model.repositories import Repository
from .coded import Check, Code, check
from .membership import has_cluster
from .view import View

LINE_UNKNOWN = Code(
    "repository-line-unknown",
    Severity.WARNING,
    "a line of the list of repositories is not understood",
    "A line is [@]UUID SOURCE, or a comment that begins with #. Such a line is kept but nothing "
    "is mounted for it: correct it or remove it.",
)
ROOT_UNLISTED = Code(
    "cluster-root-unlisted",
    Severity.ERROR,
    "no cluster root is listed",
    "The cluster root is the shared storage that carries the pool's heartbeat; it is mounted at "
    "/OVS, and marked with @ in /etc/ovs/repositories. Make it with ovs-makerepo SOURCE C "
    "DESCRIPTION, with the same source on every server.",
)
ROOT_AMBIGUOUS = Code(
    "cluster-root-twice",
    Severity.ERROR,
    "more than one cluster root is listed",
    "One repository of the pool is the cluster root, the same on every server. Take the @ off "
    "the lines of all others: they belong at /OVS/UUID.",
)
ROOT_NOT_MOUNTED = Code(
    "cluster-root-not-mounted",
    Severity.ERROR,
    "the cluster root is not mounted",
    "Without the cluster root this server does not heartbeat: the pool counts it as dead, and no "
    "guest can run on it. Mount it with ovstools repositories start; when that fails, see dmesg.",
)
NOT_MOUNTED = Code(
    "repository-not-mounted",
    Severity.ERROR,
    "a listed repository is not mounted",
    "Guests whose images are on it cannot run on this server. Mount it with ovstools "
    "repositories start, or take it off the list with ovs-offlinerepo -d.",
)
OTHER_STORAGE = Code(
    "repository-other-storage",
    Severity.ERROR,
    "something else is mounted where a repository belongs",
    "Servers that mount different storage at one place use different images under one name, and "
    "guests get damaged when they move. Find out which storage is right (the UUID in "
    "/etc/ovs/repositories must be the same on all servers), unmount the wrong one, and run "
    "ovstools repositories start.",
)
READ_ONLY = Code(
    "repository-read-only",
    Severity.ERROR,
    "a repository is mounted read-only",
    "OCFS2 turns read-only when it finds an error on the storage. Guests get I/O errors, and "
    "this server keeps its locks without being able to work. See dmesg for the reason; then "
    "unmount the repository on all servers, run fsck.ocfs2 -fy on it, and mount it again.",
)


def has_list(view: View) -> bool:
    """Be the condition of all that compares with the list of repositories."""
    return bool(view.listed)


def _can_be_mounted(view: View) -> bool:
    """Leave it to the cluster's own checks to say why nothing of a pool is mounted."""
    return has_list(view) and not view.is_offline and (view.is_online or not has_cluster(view))


def _listed(view: View) -> str:
    root = view.repositories.cluster_root
    count = len(view.listed)
    return f"{count} listed, cluster root {root.source}" if root else f"{count} listed"


def _is_set_up(view: View) -> bool:
    return has_cluster(view) or has_list(view)


@check(
    "repository-list", ROOT_UNLISTED, ROOT_AMBIGUOUS, LINE_UNKNOWN, needs=_is_set_up, good=_listed
)
def repository_list(view: View) -> list[Finding]:
    """Look whether the list is understood and has one cluster root."""
    path = view.paths.repositories
    found = [
        LINE_UNKNOWN.found(
            f"{path}:{number} is not understood",
            line.strip(),
            hint="a line is [@]UUID SOURCE, @ marks the cluster root",
        )
        for number, line in view.repositories.unknown
    ]
    roots = [each for each in view.listed if each.cluster_root]
    if len(roots) > 1:
        lines = (f"@{each.uuid or '-'} {each.source}" for each in roots)
        found.append(
            ROOT_AMBIGUOUS.found(
                f"{path} lists {len(roots)} cluster roots",
                *lines,
                hint="take the @ off all but one, as on the other servers",
            )
        )
    if not roots and has_cluster(view):
        found.append(
            ROOT_UNLISTED.found(
                f"no cluster root is listed in {path}",
                hint='ovs-makerepo SOURCE C "cluster root", with the same SOURCE on every server',
            )
        )
    return found


def _mounted(view: View) -> str:
    root = view.paths.cluster_root
    below = len([each for each, _ in view.mounted() if not each.cluster_root])
    here = view.mount_at(root)
    words = [f"{root} has {here.source}"] if here else []
    return ", ".join([*words, *([f"{below} below it"] if below else [])])


@check(
    "repositories",
    ROOT_NOT_MOUNTED,
    NOT_MOUNTED,
    OTHER_STORAGE,
    needs=_can_be_mounted,
    good=_mounted,
)
def repositories(view: View) -> list[Finding]:
    """Look whether each listed repository is mounted at its place, from its own storage."""
    found = []
    for repository in view.listed:
        mount = view.mount_at(view.mountpoint(repository)) if view.mountpoint(repository) else None
        if mount is None:
            found.append(_missing(view, repository))
        elif difference := _difference(view, repository, mount):
            found.append(
                OTHER_STORAGE.found(
                    f"{mount.mountpoint} has other storage than the listed one",
                    f"listed: {repository.uuid or '-'} {repository.source}",
                    f"mounted: {difference}",
                    hint=f"find out which is right; umount {mount.mountpoint}; "
                    "ovstools services start",
                )
            )
    return found


def _missing(view: View, repository: Repository) -> Finding:
    if repository.cluster_root:
        return ROOT_NOT_MOUNTED.found(
            f"the cluster root, {repository.source}, is not mounted at {view.paths.cluster_root}",
            hint="ovstools services start",
        )
    place = view.mountpoint(repository)
    return NOT_MOUNTED.found(
        f"the repository {repository.source} is not mounted" + (f" at {place}" if place else ""),
        hint="ovstools services start",
    )


def _difference(view: View, repository: Repository, mount: Mount) -> str:
    """Say what is mounted instead of the repository; empty when it is the right storage."""
    uuid = view.mounted_uuids.get(mount.device_number)
    if uuid is not None and repository.uuid is not None:
        return "" if uuid == repository.uuid else f"{uuid} {mount.source}"
    if not repository.source.startswith("/"):
        is_same = mount.source.rstrip("/") == repository.source.rstrip("/")
        return "" if is_same else f"{mount.source} ({mount.fstype})"
    number = view.source_numbers.get(repository.source)
    if number is None or number == mount.device_number:
        return ""
    return f"{mount.source} ({mount.fstype})"


def _has_mounted(view: View) -> bool:
    return bool(view.mounted())


@check("writable", READ_ONLY, needs=_has_mounted, good=lambda view: "all of them")
def writable(view: View) -> list[Finding]:
    """Look whether a repository turned read-only."""
    return [
        READ_ONLY.found(
            f"{mount.mountpoint} is mounted read-only",
            f"{mount.source} ({mount.fstype})",
            hint="dmesg | grep -i ocfs2 says why",
        )
        for _, mount in view.mounted()
        if mount.is_read_only
    ]


CHECKS: tuple[Check, ...] = (repository_list, repositories, writable)
