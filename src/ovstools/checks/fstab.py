"""Is /etc/fstab free of what belongs into the list of repositories?"""

from __future__ import annotations

from ..model.findings import Finding, Severity
from ..model.fstab_storage import is_storage
from .coded import Check, Code, check
from .view import View

FSTAB_STORAGE = Code(
    "fstab-storage",
    Severity.ERROR,
    "/etc/fstab mounts storage at or below /OVS",
    "/etc/ovs/repositories is the only place for mounts under /OVS. What fstab mounts there comes "
    "before o2cb, or hides what belongs there. ovs-cluster-check --alter-fstab moves such lines "
    "to the list of repositories, and keeps a backup of fstab in /tmp.",
)
FSTAB_OTHER = Code(
    "fstab-other",
    Severity.WARNING,
    "/etc/fstab mounts something at or below /OVS that is no repository",
    "A bind mount, tmpfs and the like cannot be moved to the list of repositories. At boot it is "
    "mounted before the cluster root, which then hides it, or takes its place. Mount it "
    "somewhere else, or by a unit that is ordered after ovsrepositories.service.",
)


def _is_configured(view: View) -> bool:
    return view.is_configured


@check(
    "fstab",
    FSTAB_STORAGE,
    FSTAB_OTHER,
    needs=_is_configured,
    good=lambda view: f"nothing at or below {view.paths.cluster_root}",
)
def fstab(view: View) -> list[Finding]:
    """Look for lines of fstab at or below the cluster root."""
    found = []
    for entry in view.fstab.entries_under(view.paths.cluster_root):
        line = f"{view.paths.fstab}:{entry.line}"
        if is_storage(entry):
            found.append(
                FSTAB_STORAGE.found(
                    f"{line} mounts {entry.spec} at {entry.mountpoint}",
                    hint="ovs-cluster-check --alter-fstab",
                )
            )
        else:
            found.append(
                FSTAB_OTHER.found(
                    f"{line} mounts {entry.spec} ({entry.fstype}) at {entry.mountpoint}",
                    hint="mount it elsewhere, or by a unit after ovsrepositories.service",
                )
            )
    return found


CHECKS: tuple[Check, ...] = (fstab,)
