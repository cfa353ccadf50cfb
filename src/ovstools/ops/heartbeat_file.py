"""The heartbeat file of an NFS cluster root: look at it, or make it.

It is an OCFS2 in a file: servers heartbeat in it, and it carries the pool file system. Made under
another name and published with link(2), so that of several servers one wins, and nobody ever
takes half of one for a whole one.
"""

from __future__ import annotations

import re
import uuid as uuid_module
from dataclasses import dataclass

from ..errors import RefusedError, ToolError, UsageError
from ..model.command import Command
from ..model.heartbeat import KernelCluster
from ..model.ocfs2 import Volume
from ..model.ovsrepo import OvsRepo
from ..system import mkfs, nfs, ocfs2
from ..system.host import Host
from ..system.pool_fs import HEARTBEAT_FILE
from . import mounting
from .plan import Confirm, Run, Step
from .undoing import OrUndo

LABEL = "server_pool_hb"
SIZE = re.compile(r"(?P<number>[1-9][0-9]{0,8})(?P<unit>[MG])", re.ASCII)
DEFAULT_MIB, LEAST_MIB, MOST_MIB = 300, 128, 65536
#: below this, the journals that mkfs.ocfs2 gives 16 slots (8 MiB each) leave too little room
SMALL_MIB, SMALL_JOURNAL = 256, "4M"
SLOTS = 16
#: so many parts it is written in: what the progress counts
PARTS = 20


def size_mib(text: str | None) -> int:
    """Return the size in MiB, given as 300M or 1G; raise UsageError when it is of no use."""
    match = SIZE.fullmatch(text or f"{DEFAULT_MIB}M")
    if match is None:
        raise UsageError(f"{text!r} is no size", hint="a number with M or G: 300M")
    mib = int(match["number"]) * (1024 if match["unit"] == "G" else 1)
    if not LEAST_MIB <= mib <= MOST_MIB:
        raise UsageError(
            f"a heartbeat file of {mib} MiB: expected {LEAST_MIB}M to {MOST_MIB // 1024}G"
        )
    return mib


def look(
    host: Host, mountpoint: str, marker: OvsRepo | None, kernel: KernelCluster
) -> Volume | None:
    """Return the file system in the heartbeat file; None when there is no file yet.

    Raises RefusedError when it is not whole, another cluster's, or not the one that .ovsrepo
    names: two servers with different heartbeat files would not see each other live.
    """
    path = f"{mountpoint}/{HEARTBEAT_FILE}"
    named = marker.heartbeat_uuid if marker else None
    found = nfs.look(host, path)
    if found is None:
        if named is not None:
            raise RefusedError(
                f"the pool's heartbeat file {path} is gone",
                f".ovsrepo names the file system {named} in it",
                hint="bring that file back; if it is lost for good: stop the pool on all servers, "
                f"remove {mountpoint}/{ocfs2.MARKER}, and run ovs-makerepo again",
            )
        return None
    if not found.is_file:
        raise RefusedError(f"{path} is no regular file, but a {found.kind}")
    if found.size == 0:
        raise _not_whole(path, "it is empty")
    try:
        volume = ocfs2.read_volume(host, path)
    except RefusedError as error:
        raise _not_whole(path, *error.evidence) from error
    if ocfs2.is_unfinished(host, path):
        raise _not_whole(path, "its mkfs.ocfs2 has not come to its end")
    mounting.refuse_other_cluster(volume, kernel, path)
    if named is not None and volume.uuid != named:
        raise RefusedError(
            f"{path} is another heartbeat file than the pool's",
            f".ovsrepo names the file system {named}, the file has {volume.uuid}",
            hint="servers of the pool may heartbeat in the right one: find it, and bring it back",
        )
    return volume


def _not_whole(path: str, *evidence: str) -> RefusedError:
    return RefusedError(
        f"{path} holds no whole OCFS2",
        *evidence,
        hint="when somebody is just making it, wait; else remove it, and ovs-makerepo makes it, or "
        f"make it by hand: mkfs.ocfs2 -L {LABEL} -N {SLOTS} -b 2k -C 4k {path}",
    )


def refuse_no_room(host: Host, mountpoint: str, size_mib: int) -> None:
    """Raise RefusedError when a heartbeat file of that size has no room on the export."""
    free_mib = nfs.free_bytes(host, mountpoint) >> 20
    if free_mib < size_mib:
        raise RefusedError(
            f"the export has no room for the heartbeat file: {size_mib} MiB are needed",
            f"free: {free_mib} MiB",
            hint=f"make room there, or make it smaller: --heartbeat-size {LEAST_MIB}M",
        )


@dataclass(frozen=True)
class WriteZeros:
    """Write the file in full, part by part: a hole would want room when the server beats."""

    path: str
    size_mib: int
    limit_s: float  #: for each part

    def preview(self) -> str:
        """Return the one command that would do the same."""
        return nfs.fill(self.path, 0, self.size_mib, self.limit_s).shell()

    def preflight(self, host: Host) -> None:
        """Leave it to the runner: that the export has room was looked at."""

    def apply(self, host: Host) -> None:
        """Write it, and say how far it is; raise ToolError when it fails."""
        edges = [self.size_mib * part // PARTS for part in range(PARTS + 1)]
        title = f"write {self.path}, {self.size_mib} MiB"
        for start, end in zip(edges, edges[1:]):
            host.run(nfs.fill(self.path, start, end - start, self.limit_s))
            host.talk.progress(title, end, self.size_mib, start)


@dataclass(frozen=True)
class PublishFile:
    """Give the new file its name unless another server was first; its own name goes."""

    new: str
    path: str

    def preview(self) -> str:
        """Return the command lines."""
        return "\n".join(
            command.shell() for command in (nfs.link(self.new, self.path), nfs.remove(self.new))
        )

    def preflight(self, host: Host) -> None:
        """Nothing to look at yet."""

    def apply(self, host: Host) -> None:
        """Publish it; raise ToolError when there is no such file afterwards."""
        linked = host.run(nfs.link(self.new, self.path))
        ours, there = nfs.look(host, self.new), nfs.look(host, self.path)
        if there is None:
            raise ToolError(f"{self.path} cannot be made", *linked.stderr.strip().splitlines()[-2:])
        # NFS repeats a request whose answer was lost: a failed link may be ours after all
        if ours is None or ours.inode != there.inode:
            host.talk.notice(f"another server was first to make {self.path}: it is used")
        host.run(nfs.remove(self.new))


def new_name(host: Host, mountpoint: str) -> str:
    """Return the name under which this server makes one: nobody else uses or adopts it."""
    return f"{mountpoint}/{HEARTBEAT_FILE}.new-{host.hostname()}"


def make_steps(
    host: Host, mountpoint: str, kernel: KernelCluster, size_mib: int, slots: int | None,
    undo: tuple[Step, ...] = (),
) -> list[Step]:  # fmt: skip
    """Return the steps that make the heartbeat file; a killed run's rest is written over.

    undo: what else is to be undone when one of them fails.
    """
    new, path = new_name(host, mountpoint), f"{mountpoint}/{HEARTBEAT_FILE}"
    uuid = uuid_module.uuid4().hex.upper()
    limit_s, part_s = host.settings.limits.format_s, host.settings.limits.mount_s
    command = _mkfs(new, uuid, kernel, size_mib, slots, limit_s)
    remove = Step(f"remove {new}", Run(nfs.remove(new)))
    undo = (*undo, remove)

    def is_made(host: Host) -> None:
        found = ocfs2.read_volume(host, new)
        if found.uuid != uuid or ocfs2.is_unfinished(host, new):
            raise ToolError("mkfs.ocfs2 ended well, but did not make the file system",
                            f"expected UUID {uuid}, found {found.uuid}")  # fmt: skip

    made = Confirm(f"{new} has UUID {uuid}", is_made)
    return [
        remove,
        Step(f"write {new}", OrUndo(WriteZeros(new, size_mib, part_s), undo)),
        Step(f"format {new}", OrUndo(Run(command), undo)),
        Step("wait until it is on the storage", OrUndo(Run(nfs.flush(new, limit_s)), undo)),
        Step("verify the format", OrUndo(made, undo)),
        Step(f"publish it as {path}", OrUndo(PublishFile(new, path), undo)),
    ]


def _mkfs(
    path: str, uuid: str, kernel: KernelCluster, size_mib: int, slots: int | None, timeout_s: float
) -> Command:
    """Return the white paper's mkfs: -L server_pool_hb -N 16 -b 2k -C 4k, with our cluster."""
    return mkfs.ocfs2(
        path,
        uuid=uuid,
        label=LABEL,
        cluster_name=kernel.name,
        usage=None,
        block_size="2K",
        cluster_size="4K",
        journal_size=SMALL_JOURNAL if size_mib < SMALL_MIB else None,
        slots=slots or SLOTS,
        timeout_s=timeout_s,
    )
