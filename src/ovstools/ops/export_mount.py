"""Mount an NFS export: verify how it is mounted, and that this server may write to it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import OvsError, RefusedError, ToolError
from ..model import nfs_answers, nfs_options
from ..model.command import Command
from ..model.mountinfo import Mount
from ..model.source import NfsSource
from ..system import mounts, nfs
from ..system.host import Host
from . import mounting

READ_ONLY, DENIED = "Read-only file system", "Permission denied"
Accept = Callable[[Host, str], None]


@dataclass(frozen=True)
class MountExport:
    """Mount an export and look at it; when it is not acceptable, leave nothing behind.

    accept: looks at what is mounted, and raises RefusedError for what must not be.
    """

    command: Command
    mountpoint: str
    accept: Accept = field(compare=False)

    def preview(self) -> str:
        """Return the command line, and what is looked at then."""
        return f"{self.command.shell()}\n# verify: hard, TCP, written to as root"

    def preflight(self, host: Host) -> None:
        """Leave it to the runner."""

    def apply(self, host: Host) -> None:
        """Mount, or raise with nothing mounted and no folder made."""
        is_new = not nfs.existing(host, (self.mountpoint,))
        host.run(nfs.make_folders(self.mountpoint))
        try:
            self._mount(host)
        except OvsError:
            # One below the cluster root is seen by all servers, and another may use it by now.
            top = host.settings.paths.cluster_root
            if is_new and not self.mountpoint.startswith(f"{top}/"):
                with contextlib.suppress(OSError):
                    host.path(self.mountpoint).rmdir()
            raise

    def _mount(self, host: Host) -> None:
        try:
            host.run(self.command)
        except ToolError as error:
            self._undo(host)  # a mount that was killed may have come to its end after all
            raise _explained(error, self.command) from error
        try:
            mount = mounts.read_mounts(host).at(self.mountpoint)
            if mount is None or not nfs_options.is_nfs(mount):
                raise ToolError(
                    f"mount said nothing, but nothing is mounted at {self.mountpoint}",
                    hint="see the last lines of dmesg",
                )
            refuse_unfit(mount)
            self.accept(host, self.mountpoint)
        except OvsError:
            self._undo(host)
            raise

    def _undo(self, host: Host) -> None:
        if mounts.read_mounts(host).at(self.mountpoint) is None:
            return
        try:
            host.run(mounts.umount(self.mountpoint, host.settings.limits.umount_s))
        except OvsError as error:
            host.talk.warn(f"{self.mountpoint} stays mounted: {error.what}")


def mount_change(host: Host, source: NfsSource, uuid: str | None, mountpoint: str, accept: Accept
                 ) -> MountExport:  # fmt: skip
    """Return the change that mounts an export.

    Raises RefusedError when its options are not fit for a repository.
    """
    options = options_for(host, source, uuid)
    command = nfs.mount(source, mountpoint, options, host.settings.limits.mount_s)
    return MountExport(command, mountpoint, accept)


def options_for(host: Host, source: NfsSource, uuid: str | None) -> str:
    """Return the options to mount with: ours, then those of repositories.options."""
    given = mounting.read_options(host).options_for(uuid, nfs_options.FSTYPE, str(source))
    protocol = nfs.protocol(host, source)
    return nfs_options.compose(given, protocol, host.settings.paths.repository_options)


def refuse_unfit(mount: Mount) -> None:
    """Raise RefusedError for an export that is mounted soft, not over TCP, or read-only."""
    faults = nfs_options.faults(mount)
    if faults:
        raise RefusedError(
            f"{mount.source} at {mount.mountpoint} is not mounted as a repository must be",
            *faults,
            f"options: {','.join(mount.super_options)}",
            hint=f"umount {mount.mountpoint}, then run the command again: it mounts it rightly",
        )


def probe_name(host: Host, mountpoint: str) -> str:
    """Return the name of the file that this server writes to find out whether it may."""
    return f"{mountpoint}/.ovstools-probe-{host.hostname()}"


def refuse_unwritable(host: Host, mountpoint: str) -> None:
    """Raise RefusedError unless we may write on an export, as root.

    An export may be read-only though it was mounted to be written to, and the server may squash
    root: the folders and images would belong to nobody, or could not be made at all.
    """
    probe = probe_name(host, mountpoint)
    try:
        host.run(nfs.write(probe, "May root write here?\n"))
        found = nfs.look(host, probe)
        host.run(nfs.remove(probe))
    except ToolError as error:
        said = " ".join(error.evidence)
        if READ_ONLY in said:
            raise RefusedError(
                "the file server exports it read-only",
                *error.evidence[-1:],
                hint="export it for reading and writing (rw), then run the command again",
            ) from error
        if DENIED in said:
            raise _squashed(*error.evidence[-1:]) from error
        raise
    if found is not None and found.owner != 0:
        raise _squashed(f"a file that root made belongs to user {found.owner}")


def _squashed(evidence: str = "") -> RefusedError:
    return RefusedError(
        "the file server lets root do no more than nobody (root_squash)",
        *([evidence] if evidence else []),
        hint="export it with no_root_squash to the servers of the pool",
    )


def _explained(error: ToolError, command: Command) -> OvsError:
    found = nfs_answers.meaning(" ".join((error.what, *error.evidence)))
    source = command.argv[-2]
    if found is None:
        return ToolError(f"{source} cannot be mounted: {error.what}", *error.evidence,
                         hint=error.hint or "see the last lines of dmesg")  # fmt: skip
    return RefusedError(
        f"{source} cannot be mounted: {found.reason}",
        *error.evidence,
        hint=found.hint,
    )
