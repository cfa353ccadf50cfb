"""Mount the pool file system of an NFS cluster root, and unmount it: it heartbeats."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError
from ..model.command import Command
from ..model.mountinfo import Mount
from ..system import losetup, mounts, o2cb, ocfs2, pool_fs
from ..system.host import Host
from ..system.losetup import Loop
from . import heartbeat_loop, mounting, unmounting
from .plan import Step

FSTYPE = "ocfs2"
MODE = 0o700
ANSWER_S = 60.0


@dataclass(frozen=True)
class MountPool:
    """Mount the loop device of the heartbeat file, once nobody beats there as this server.

    heartbeat_uuid: the file system that .ovsrepo names; None: it names none.
    """

    file: str
    mountpoint: str
    heartbeat_uuid: str | None = None

    def preview(self) -> str:
        """Return the commands, as far as the device is known."""
        command = mounts.mount("/dev/loopN", self.mountpoint, FSTYPE, "", ANSWER_S)
        return "\n".join(
            (
                "# verify: nobody heartbeats there as this server",
                command.shell(),
                _private(self.mountpoint).shell(),
            )
        )

    def preflight(self, host: Host) -> None:
        """Nothing to look at yet: the file may not be attached."""

    def apply(self, host: Host) -> None:
        """Mount it, unless it is mounted; return when this server heartbeats there."""
        loop = heartbeat_loop.demand(host, self.file)
        kernel, node = mounting.online_cluster(host)
        volume = ocfs2.read_volume(host, loop.path)
        mounting.refuse_other_cluster(volume, kernel, self.file)
        if self.heartbeat_uuid not in (None, volume.uuid):
            raise RefusedError(
                f"{self.file} is another heartbeat file than the pool's",
                f".ovsrepo names the file system {self.heartbeat_uuid}, it has {volume.uuid}",
                hint="find the right file, and bring it back",
            )
        if not mounts.refuse_other_mount(host, loop.number, self.mountpoint):
            region = kernel.region(volume.uuid)
            if region is None or not region.is_active:
                mounting.refuse_shared_number(host, loop.path, node)
            self._mount(host, loop, volume.uuid)
        host.run(_private(self.mountpoint))
        mounting.confirm_heartbeat(host, volume.uuid, node)

    def _mount(self, host: Host, loop: Loop, uuid: str) -> None:
        folder = host.path(self.mountpoint)
        folder.mkdir(MODE, parents=True, exist_ok=True)
        options = mounting.read_options(host).options_for(uuid, FSTYPE)
        limit_s = host.settings.limits.mount_s
        host.run(mounts.mount(loop.path, self.mountpoint, FSTYPE, options, limit_s))
        mounts.confirm_mounted(host, loop.number, self.mountpoint)


def _private(mountpoint: str) -> Command:
    """Build the command that lets nobody but root look into the pool file system."""
    return Command(("chmod", f"{MODE:o}", "--", mountpoint), timeout_s=ANSWER_S)


def start_steps(host: Host, heartbeat_uuid: str | None) -> list[Step]:
    """Return the steps that attach the heartbeat file and mount it; for each that is not so yet."""
    file, mountpoint = pool_fs.heartbeat_file(host), pool_fs.own_mountpoint(host)
    if is_mounted(host):
        return []
    return [
        Step(f"attach {file}", heartbeat_loop.AttachLoop(file)),
        Step(f"mount it at {mountpoint}", MountPool(file, mountpoint, heartbeat_uuid)),
    ]


def mount_here(host: Host) -> Mount | None:
    """Return the mount of the pool file system of its own."""
    return mounts.read_mounts(host).at(pool_fs.own_mountpoint(host))


def loops(host: Host) -> tuple[Loop, ...]:
    """Return the loop devices of the heartbeat file; no storage is touched."""
    return losetup.known(host, pool_fs.heartbeat_file(host))


def is_mounted(host: Host) -> bool:
    """Tell whether the pool file system is mounted from the heartbeat file, and beats."""
    mount = mount_here(host)
    if mount is None or mount.fstype != FSTYPE:
        return False
    loop = next((each for each in loops(host) if each.number == mount.device_number), None)
    region = o2cb.region_on(host, mount.device_number)
    return loop is not None and loop.is_direct and region is not None


def places(host: Host) -> tuple[str, ...]:
    """Return where it is mounted: what is unmounted before the NFS cluster root."""
    return (pool_fs.own_mountpoint(host),) if mount_here(host) is not None else ()


def stop_steps(host: Host) -> list[Step]:
    """Return the steps that unmount the pool file system and detach the heartbeat file.

    Raises RefusedError when somebody else holds its heartbeat: the file would stay attached.
    """
    steps: list[Step] = []
    mount = mount_here(host)
    if mount is not None:
        region = o2cb.region_on(host, mount.device_number)
        uuid = region.uuid if region else None
        if uuid is not None and unmounting.extra_refs(host, uuid, [mount]):
            raise RefusedError(
                f"the heartbeat in {pool_fs.heartbeat_file(host)} was started by hand as well; "
                "nothing was unmounted",
                f"region {uuid} has more references than its mount",
                hint=f"drop them: ocfs2_hb_ctl -K -u {uuid} ovs",
            )
        steps += unmounting.unmount_steps(host, mount.mountpoint, uuid)
    for loop in loops(host):
        steps += heartbeat_loop.detach_steps(host, loop)
    return steps
