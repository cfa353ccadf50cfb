"""repositories grow: let a repository use a device that has become larger.

In three looks, for each brings what the next one needs: the device's size, its partition, the
file system. A run that is killed begins anew with the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import ExitStatus, RefusedError, ToolError, UsageError
from ..model.partitions import ALIGNMENT
from ..system import e2fs, o2cb, ocfs2, tunefs
from ..system.host import Host
from . import grow_device, grow_slots, offlinerepo, seen_size, slot_map
from .grow_device import Stack
from .listed import Listed
from .plan import Confirm, Plan, Report, Run, Step

OCFS2, EXT = "ocfs2", ("ext2", "ext3", "ext4")
#: ext4 leaves a last group unused that is too small for its own tables
EXT_REST = 8 * ALIGNMENT
#: how the file systems that are not ours to make grow
BY_HAND = {"xfs": "xfs_growfs", "btrfs": "btrfs filesystem resize max"}


@dataclass(frozen=True)
class Request:
    """The words of the command line."""

    repository: str
    slots: int | None = None

    def __post_init__(self) -> None:
        if self.slots is not None and not 1 <= self.slots <= 255:
            raise UsageError(f"{self.slots} node slots: expected 1 to 255")


@dataclass
class Growth:
    """One run of the command: what was asked, and how far it is."""

    request: Request
    is_asked: bool = field(default=False, init=False)
    has_grown: bool = field(default=False, init=False)

    def plan(self, host: Host) -> Plan:
        """Plan the next part; the last one looks for nothing more."""
        if host.offline:
            raise RefusedError("with --root no repository grows")
        chosen = offlinerepo.find(host, offlinerepo.Request(self.request.repository))
        if self.request.slots is not None:
            return grow_slots.plan(host, chosen, self.request.slots)
        stack, fs_bytes = _look(host, chosen)
        if not self.is_asked:
            self.is_asked = True
            if steps := grow_device.ask_steps(host, stack):
                notice = "partition and file system are looked at when the size is known"
                return Plan(tuple(steps), notices=(notice,), look_again=True)
        steps = grow_device.map_steps(host, stack) or grow_device.partition_steps(host, stack)
        if steps:
            self.has_grown = True
            return Plan(tuple(steps), look_again=True)
        return self._plan_file_system(host, chosen, stack, fs_bytes)

    def _plan_file_system(self, host: Host, chosen: Listed, stack: Stack, fs_bytes: int) -> Plan:
        assert chosen.mount is not None and chosen.mountpoint is not None
        place, fstype = chosen.mountpoint, chosen.mount.fstype
        data = _data(chosen, stack, fs_bytes)
        if _fills(host, stack, fstype, fs_bytes):
            line = f"{place} is {'now' if self.has_grown else 'already'} as large as its device"
            return Plan(
                tuple(seen_size.forget_steps(host, place)),
                Report((f"{line}: {_mib(fs_bytes)}",), {**data, "changed": self.has_grown}),
            )
        names = _others(host, stack, fstype)
        waiting = seen_size.waiting(host, place, names, stack.size_bytes)
        if waiting:
            return _plan_wait(host, chosen, stack, waiting, data)
        self.has_grown = True
        return Plan(
            (*_grow_steps(host, stack, fstype), *seen_size.forget_steps(host, place)),
            report_after=lambda host: _grown(host, chosen, stack, fs_bytes),
        )


def _look(host: Host, chosen: Listed) -> tuple[Stack, int]:
    """Return the device, and how much of it the file system covers."""
    if not chosen.is_mounted or chosen.mount is None:
        raise RefusedError(
            f"{chosen.name} is not mounted here; it grows while it is mounted",
            hint="ovstools repositories start",
        )
    fstype = chosen.mount.fstype
    if fstype != OCFS2 and fstype not in EXT:
        tool = BY_HAND.get(fstype, "its own tool")
        raise RefusedError(
            f"{chosen.mountpoint} has a file system that ovstools does not make: {fstype}",
            hint=f"grow it with {tool} {chosen.mountpoint}",
        )
    path = host.resolve(chosen.mount.source)
    if host.kind(path) != "block":
        raise RefusedError(f"there is no device {path} any more", hint="see dmesg")
    return grow_device.look(host, path), _covered(host, path, fstype)


def _covered(host: Host, path: str, fstype: str) -> int:
    return ocfs2.read_size(host, path) if fstype == OCFS2 else e2fs.read_size(host, path)


def _fills(host: Host, stack: Stack, fstype: str, fs_bytes: int) -> bool:
    is_ocfs2 = fstype == OCFS2
    rest = ocfs2.read_volume(host, stack.path).cluster_size if is_ocfs2 else EXT_REST
    return stack.size_bytes - fs_bytes < rest


def _others(host: Host, stack: Stack, fstype: str) -> tuple[str, ...]:
    return slot_map.others(host, stack.path) if fstype == OCFS2 else ()


def _plan_wait(
    host: Host, chosen: Listed, stack: Stack, waiting: tuple[str, ...], data: dict[str, Any]
) -> Plan:
    """Say what this server sees; the file system grows when the others see it too."""
    assert chosen.mountpoint is not None
    kernel = o2cb.read_kernel_cluster(host)
    own = kernel.local_node.name if kernel and kernel.local_node else host.hostname()
    steps = seen_size.tell_steps(host, chosen.mountpoint, own, stack.size_bytes)
    lines = [
        f"{chosen.mountpoint}: its device has {_mib(stack.size_bytes)} here; the file system "
        f"grows when all servers that have it mounted see that: {', '.join(waiting)}",
        *(f"on {name}: ovstools repositories grow {data['uuid'] or data['source']}"
          for name in waiting),
    ]  # fmt: skip
    data = {**data, "changed": bool(steps), "waiting_for": list(waiting)}
    return Plan(tuple(steps), Report(tuple(lines), data, ExitStatus.PARTIAL))


def _grow_steps(host: Host, stack: Stack, fstype: str) -> list[Step]:
    limit_s = host.settings.limits.format_s
    grow = tunefs.grow if fstype == OCFS2 else e2fs.grow

    def has_grown(host: Host) -> None:
        o2cb.wait_for(
            host,
            f"the superblock of {stack.path} does not say that it has grown",
            lambda host: _fills(host, stack, fstype, _covered(host, stack.path, fstype)),
        )

    return [
        Step(f"grow the file system on {stack.path} to {_mib(stack.size_bytes)}",
             Run(grow(stack.path, limit_s))),
        Step("verify the superblock",
             Confirm(f"the file system covers {stack.path}", has_grown)),
    ]  # fmt: skip


def _grown(host: Host, chosen: Listed, stack: Stack, before: int) -> Report:
    assert chosen.mount is not None
    now = _covered(host, stack.path, chosen.mount.fstype)
    if now <= before:
        raise ToolError(f"{stack.path} has not grown: {_mib(now)}")
    line = f"{chosen.mountpoint} has grown from {_mib(before)} to {_mib(now)}"
    return Report((line,), {**_data(chosen, stack, now), "changed": True})


def _data(chosen: Listed, stack: Stack, fs_bytes: int) -> dict[str, Any]:
    return {
        "changed": False,
        "uuid": chosen.repository.uuid,
        "source": chosen.repository.source,
        "mountpoint": chosen.mountpoint,
        "device_bytes": stack.size_bytes,
        "size_bytes": fs_bytes,
        "waiting_for": [],
    }


def _mib(size_bytes: int) -> str:
    return f"{size_bytes // ALIGNMENT} MiB"
