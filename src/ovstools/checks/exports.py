"""Are NFS exports mounted so that a pool can live on them, and does their server answer?"""

from __future__ import annotations

from ..model.findings import Finding, Severity
from ..model.mountinfo import Mount
from ..model.nfs_options import faults, is_nfs
from ..system import pool_fs
from .coded import Check, Code, check
from .view import View

SILENT = Code(
    "nfs-server-silent",
    Severity.ERROR,
    "the file server of a repository does not answer",
    "While it does not answer, all I/O on it waits: guests stand still, and so do the heartbeats "
    "of all servers at once. Nobody is fenced for that: servers whose heartbeats hang agree over "
    "the network that it is the storage (o2hb negotiates at half of the time limit), and wait. "
    "When the file server is back all go on where they stood; nothing has to be done here. "
    "Exceptions: a server that has just mounted, and one that is cut off from the other servers. "
    "Do not reboot servers meanwhile: that would end their guests, and a shutdown would wait too.",
)
OPTIONS = Code(
    "nfs-mount-options",
    Severity.ERROR,
    "an NFS export is mounted as no repository may be",
    "With soft, or over UDP, an outage of the file server becomes an I/O error instead of a wait. "
    "A heartbeat that fails, unlike one that hangs, makes every server of the pool fence itself. "
    "Take the option out of /etc/ovs/repositories.options, take the repository offline, and "
    "start it again.",
)
POOL_NOT_MOUNTED = Code(
    "pool-fs-not-mounted",
    Severity.ERROR,
    "the heartbeat file of the NFS cluster root is not mounted",
    "An NFS cluster root has its heartbeat, and the pool file system, in /OVS/.server_pool_hb, "
    "which is attached to a loop device and mounted at /run/ovs/poolfs. Without it this server "
    "does not heartbeat, and no guest can run on it. ovstools repositories start attaches and "
    "mounts it.",
)
BUFFERED = Code(
    "heartbeat-file-buffered",
    Severity.ERROR,
    "the heartbeat file is attached so that it harms the other servers",
    "Without direct I/O this server reads the heartbeats of others from its page cache, old ones, "
    "and writes a whole page for its own 512 bytes: the heartbeats of seven neighbors with it. "
    "Servers get fenced for nothing. Take the cluster root offline at once (ovstools services stop "
    "--drain), look that losetup --list shows no device for it, and start again.",
)
TWICE = Code(
    "heartbeat-file-twice",
    Severity.WARNING,
    "the heartbeat file is attached more than once",
    "One of the devices is mounted; detach the others with losetup --detach. Mounted twice, the "
    "file system would be damaged.",
)


def _has_exports(view: View) -> bool:
    return bool(view.exports)


def _well(view: View) -> str:
    sources = (export.mount.source for export in view.exports)
    return ", ".join(dict.fromkeys(sources))


@check("nfs", SILENT, OPTIONS, needs=_has_exports, good=_well)
def exports(view: View) -> list[Finding]:
    """Look how exports are mounted, and whether their servers answer."""
    found = []
    for export in view.exports:
        mount = export.mount
        wrong = [each for each in faults(mount) if "read-only" not in each]  # another check's
        if wrong:
            found.append(
                OPTIONS.found(
                    f"{mount.source} at {mount.mountpoint} is not mounted as it must be",
                    *wrong,
                    hint=f"take it out of {view.paths.repository_options}; ovs-offlinerepo "
                    f"{mount.mountpoint}; ovstools repositories start",
                )
            )
    silent = {e.mount.source.rpartition(":")[0]: e for e in view.exports if e.silent}
    found += [
        SILENT.found(
            f"the file server {name} does not answer: {export.silent}",
            *(f"{e.mount.mountpoint} hangs" for e in view.exports if _server(e.mount) == name),
            "nobody is fenced while the heartbeats of all servers hang: they wait, and go on",
            hint="see to the file server and the network to it; do nothing to the servers",
        )
        for name, export in silent.items()
    ]
    return found


def _server(mount: Mount) -> str:
    return mount.source.rpartition(":")[0]


def _has_export_root(view: View) -> bool:
    mount = view.mount_at(view.paths.cluster_root)
    return view.is_online and mount is not None and is_nfs(mount)


def _pool(view: View) -> str:
    loops = ", ".join(loop.path for loop in view.heartbeat_loops)
    return f"{_file(view)} on {loops}, mounted at {_pool_place(view)}"


def _file(view: View) -> str:
    return f"{view.paths.cluster_root}/{pool_fs.HEARTBEAT_FILE}"


def _pool_place(view: View) -> str:
    return f"{view.paths.run}/{pool_fs.OWN_MOUNT}"


@check("heartbeat-file", BUFFERED, TWICE, POOL_NOT_MOUNTED, needs=_has_export_root, good=_pool)
def heartbeat_file(view: View) -> list[Finding]:
    """Look whether the heartbeat file is attached rightly, once, and mounted."""
    found = []
    loops = view.heartbeat_loops
    for loop in loops:
        if loop.faults:
            found.append(
                BUFFERED.found(
                    f"{loop.file} is attached to {loop.path} without direct I/O"
                    if not loop.is_direct
                    else f"{loop.file} is attached to {loop.path} wrongly",
                    *loop.faults,
                    hint="ovstools services stop --drain; ovstools services start",
                )
            )
    if len(loops) > 1:
        found.append(
            TWICE.found(
                f"{_file(view)} is attached {len(loops)} times",
                *(loop.path for loop in loops),
                hint="losetup --detach those that are not mounted",
            )
        )
    mount = view.mount_at(_pool_place(view))
    if mount is None or mount.device_number not in {loop.number for loop in loops}:
        there = f"{mount.source} is mounted there" if mount else "nothing is mounted there"
        state = "it is attached" if loops else "it is not attached to a loop device"
        found.append(
            POOL_NOT_MOUNTED.found(
                f"{_file(view)} is not mounted at {_pool_place(view)}",
                state,
                there,
                hint="ovstools repositories start",
            )
        )
    return found


CHECKS: tuple[Check, ...] = (exports, heartbeat_file)
