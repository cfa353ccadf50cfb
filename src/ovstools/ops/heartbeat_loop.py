"""Attach the heartbeat file to a loop device: once, and only with direct I/O."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OvsError, RefusedError, ToolError
from ..system import losetup
from ..system.host import Host
from ..system.losetup import Loop
from .plan import Confirm, Run, Step

WHY_DIRECT = (
    "through the page cache this server reads old heartbeats of the others, and writes a whole "
    "page for its own 512 bytes: the heartbeats of seven neighbors with it"
)


@dataclass(frozen=True)
class AttachLoop:
    """Attach a file, unless it is attached; refuse what is not fit."""

    file: str

    def preview(self) -> str:
        """Return the command lines."""
        look, attach = losetup.associated(self.file), losetup.attach(self.file)
        return f"{look.shell()}  # unless it is attached:\n{attach.shell()}"

    def preflight(self, host: Host) -> None:
        """Nothing to look at yet: the file may not be there."""

    def apply(self, host: Host) -> None:
        """Attach it; raise RefusedError when the device is not fit, which then is gone."""
        if attached(host, self.file) is not None:
            return
        host.run(losetup.attach(self.file))
        found = losetup.find(host, self.file)
        if len(found) != 1:
            raise ToolError(
                f"losetup said nothing, but {self.file} has {len(found)} loop devices",
                *(each.path for each in found),
            )
        try:
            refuse_unfit(found[0], self.file)
        except RefusedError:
            _undo(host, found[0])
            raise


@dataclass(frozen=True)
class DetachLoop:
    """Detach a file from whatever loop device has it; only to undo an attachment."""

    file: str

    def preview(self) -> str:
        """Return the command lines."""
        return f"{losetup.associated(self.file).shell()}\n{losetup.detach('/dev/loopN').shell()}"

    def preflight(self, host: Host) -> None:
        """Nothing to look at yet."""

    def apply(self, host: Host) -> None:
        """Detach it; a device that is mounted goes when it is unmounted."""
        for loop in losetup.known(host, self.file):
            host.run(losetup.detach(loop.path))


def _undo(host: Host, loop: Loop) -> None:
    try:
        host.run(losetup.detach(loop.path))
    except OvsError as error:
        host.talk.warn(f"{loop.path} stays attached: {error.what}")


def attached(host: Host, file: str) -> Loop | None:
    """Return the loop device of the heartbeat file; None: it is not attached.

    Raises RefusedError when it has several, or one that is not fit.
    """
    found = losetup.find(host, file)
    if len(found) > 1:
        raise RefusedError(
            f"{file} is attached more than once",
            *(f"{each.path} is a loop device on {each.file}" for each in found),
            hint="detach those that are not mounted: losetup --detach /dev/loopN",
        )
    if found:
        refuse_unfit(found[0], file)
    return found[0] if found else None


def demand(host: Host, file: str) -> Loop:
    """Return the loop device of the heartbeat file; raise ToolError when there is none."""
    found = attached(host, file)
    if found is None:
        raise ToolError(f"{file} is not attached any more", hint="run the command again")
    return found


def refuse_unfit(loop: Loop, file: str) -> None:
    """Raise RefusedError for a device that would harm the heartbeats of the other servers."""
    if loop.faults:
        raise RefusedError(
            f"{file} on {loop.path} cannot carry a heartbeat",
            *loop.faults,
            *([] if loop.is_direct else [WHY_DIRECT]),
            hint=f"if you attached it by hand: losetup --detach {loop.path}, and run the command "
            "again; if not, this kernel's NFS has no direct I/O: take a newer one",
        )


def detach_steps(host: Host, loop: Loop) -> list[Step]:
    """Return the steps that detach a device; it must not be mounted any more."""
    name = loop.path.rpartition("/")[2]

    def is_gone(host: Host) -> bool:
        found = losetup.read(host, name)
        return found is None or found.file != loop.file

    def confirm(host: Host) -> None:
        deadline = host.clock.monotonic() + host.settings.limits.settle_s
        while not is_gone(host):
            if host.clock.monotonic() >= deadline:
                raise ToolError(
                    f"{loop.path} was detached, but the kernel still has {loop.file} on it",
                    hint=f"something has it open: fuser -v {loop.path}",
                )
            host.clock.sleep(0.25)

    return [
        Step(f"detach {loop.path}", Run(losetup.detach(loop.path))),
        Step("verify in sysfs", Confirm(f"nothing is attached to {loop.path}", confirm)),
    ]
