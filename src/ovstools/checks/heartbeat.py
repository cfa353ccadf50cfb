"""Does this server heartbeat on the cluster root, and on what else?"""

from __future__ import annotations

from ..model.findings import Finding, Severity
from ..model.nfs_options import is_nfs
from ..system.pool_fs import OWN_MOUNT
from .coded import Check, Code, check
from .view import View

HEARTBEAT_INACTIVE = Code(
    "heartbeat-inactive",
    Severity.ERROR,
    "this server does not heartbeat on the cluster root",
    "The heartbeat on the cluster root is how the pool knows that a server is alive. It begins "
    "when the cluster root is mounted. A volume formatted with -M local never heartbeats and "
    "cannot be shared. When a heartbeat was stopped by hand (ocfs2_hb_ctl -K), unmount the "
    "volume and mount it again.",
)
MANY_REGIONS = Code(
    "many-heartbeats",
    Severity.INFO,
    "more than one repository heartbeats",
    "With local heartbeat each mounted OCFS2 repository heartbeats on its own, and a server that "
    "loses any one of them fences itself, with all guests on it. Storage that is less reliable "
    "than the cluster root makes the whole server as unreliable.",
)


def _root_is_mounted(view: View) -> bool:
    return view.is_online and view.mount_at(view.paths.cluster_root) is not None


def _heartbeat(view: View) -> str:
    assert view.kernel is not None
    regions = [region for region in view.kernel.regions if region.is_active]
    return ", ".join(f"region {region.uuid} on {region.device}" for region in regions)


@check("heartbeat", HEARTBEAT_INACTIVE, MANY_REGIONS, needs=_root_is_mounted, good=_heartbeat)
def heartbeat(view: View) -> list[Finding]:
    """Look whether the cluster root's region is active, and how many others are."""
    assert view.kernel is not None
    active = frozenset(region.uuid for region in view.kernel.regions if region.is_active)
    root = view.mount_at(view.paths.cluster_root)
    assert root is not None
    if is_nfs(root):  # its heartbeat is in a file, which is mounted; the check before has it
        beating = view.mount_at(f"{view.paths.run}/{OWN_MOUNT}")
        if beating is None:
            return []
    else:
        beating = root
    uuid = view.mounted_uuids.get(beating.device_number)
    needed = active
    if beating.fstype == "ocfs2" and uuid and view.kernel.mode != "global":
        needed = frozenset({uuid})
    if not active or not needed <= active:
        return [
            HEARTBEAT_INACTIVE.found(
                f"this server does not heartbeat on the cluster root, {root.source}",
                hint=f"umount {view.paths.cluster_root}; ovstools services start",
            )
        ]
    if len(active) > 1 and view.kernel.mode != "global":
        return [
            MANY_REGIONS.found(
                f"{len(active)} repositories heartbeat, and losing any of them fences this server",
                *(
                    f"{each.uuid} on {each.device}"
                    for each in view.kernel.regions
                    if each.is_active
                ),
            )
        ]
    return []


CHECKS: tuple[Check, ...] = (heartbeat,)
