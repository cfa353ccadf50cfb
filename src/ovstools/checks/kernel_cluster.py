"""Does the kernel run exactly the cluster of cluster.conf, and show who is alive?"""

from __future__ import annotations

from ..model.findings import Finding, Severity
from ..model.heartbeat import differences
from .coded import Check, Code, check
from .membership import is_in_cluster
from .view import Debugfs, View

O2CB_OFFLINE = Code(
    "o2cb-offline",
    Severity.ERROR,
    "o2cb is not online",
    "The kernel has no cluster with this server in it, so no OCFS2 file system can be mounted "
    "here and no guest can be failed over to this server. ovs-cluster-configure starts o2cb; "
    "when it fails: journalctl -u o2cb, and dmesg.",
)
OTHER_CLUSTER = Code(
    "cluster-other",
    Severity.ERROR,
    "the kernel runs another cluster than that of cluster.conf",
    "A kernel runs one cluster at a time. Stop the other one (ovstools services stop), then "
    "start the one of cluster.conf (ovs-cluster-configure).",
)
KERNEL_DIFFERS = Code(
    "kernel-differs",
    Severity.ERROR,
    "the kernel has other nodes than cluster.conf",
    "cluster.conf was changed after o2cb was started. A server that the others do not know "
    "cannot mount anything: 'registered in joining node but not in local node'. On every server "
    "run ovs-cluster-configure, which registers the difference in the running kernel.",
)
DEBUGFS_HIDDEN = Code(
    "debugfs-hidden",
    Severity.ERROR,
    "debugfs cannot be read",
    "The kernel shows which servers are alive and connected only in debugfs. Without it neither "
    "this check nor failover can tell whether a server is dead. Mount it: mount -t debugfs none "
    "/sys/kernel/debug; with kernel lockdown=confidentiality it cannot be read at all.",
)
NOT_ROOT = Code(
    "not-root",
    Severity.INFO,
    "not run as root: which servers are alive was not looked at",
    "debugfs, where the kernel shows which servers are alive, can be read by root alone. "
    "Everything else was checked.",
)


def is_online(view: View) -> bool:
    """Be the condition of what a running cluster shows."""
    return view.is_online


def _online(view: View) -> str:
    assert view.kernel is not None
    return f"cluster {view.kernel.name} online, with the same nodes"


def _should_be_online(view: View) -> bool:
    return is_in_cluster(view) and not view.is_offline


@check(
    "o2cb-online",
    O2CB_OFFLINE,
    OTHER_CLUSTER,
    KERNEL_DIFFERS,
    needs=_should_be_online,
    good=_online,
)
def online(view: View) -> list[Finding]:
    """Look whether the kernel runs exactly the cluster of cluster.conf."""
    assert view.cluster is not None
    others = [name for name in view.kernel_clusters if name != view.cluster.name]
    if others:
        return [
            OTHER_CLUSTER.found(
                f"the kernel has cluster {', '.join(others)}, "
                f"{view.paths.cluster_conf} names {view.cluster.name}",
                hint="ovstools services stop; ovs-cluster-configure",
            )
        ]
    if view.kernel is None or view.kernel.local_node is None:
        return [
            O2CB_OFFLINE.found(
                "o2cb is offline: the kernel has no cluster with this server in it",
                hint="ovs-cluster-configure; ovstools services start",
            )
        ]
    differing = differences(view.kernel, view.cluster)
    if differing:
        return [
            KERNEL_DIFFERS.found(
                "the kernel's cluster is not that of cluster.conf",
                *differing,
                hint="on every server: ovs-cluster-configure",
            )
        ]
    return []


def _debugfs(view: View) -> str:
    return "debugfs shows the live servers" if view.live is not None else "not looked at"


@check("debugfs", DEBUGFS_HIDDEN, NOT_ROOT, needs=is_online, good=_debugfs)
def debugfs(view: View) -> list[Finding]:
    """Look whether the kernel shows which servers are alive."""
    if view.debugfs is Debugfs.HIDDEN:
        return [
            DEBUGFS_HIDDEN.found(
                "/sys/kernel/debug/o2hb cannot be seen",
                hint="mount -t debugfs none /sys/kernel/debug",
            )
        ]
    if view.debugfs is Debugfs.ROOT_ONLY:
        return [NOT_ROOT.found("which servers are alive can be seen by root only", hint="use sudo")]
    return []


CHECKS: tuple[Check, ...] = (online, debugfs)
