"""What a repository's file system is on: a disk, its partition or a multipath map; made larger.

The disk itself grew elsewhere, on the SAN. Here the kernel is made to ask for its size, then a
map takes that of its paths, then the partition takes the room behind it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from ..errors import RefusedError, ToolError
from ..model.partitions import ALIGNMENT, Partition, PartitionTable
from ..system import block, partitions, rescan
from ..system.host import Host
from .new_file import Backed, NewFile
from .plan import Confirm, Run, Step

DISK, PARTITION, MULTIPATH = "disk", "part", "mpath"


@dataclass(frozen=True)
class Poke:
    """Write 1 to an attribute of sysfs."""

    path: str

    def preview(self) -> str:
        """Return the command that would do it."""
        return f"echo 1 > {self.path}"

    def preflight(self, host: Host) -> None:
        """Nothing tells it before."""

    def apply(self, host: Host) -> None:
        """Write it."""
        host.poke(self.path)


@dataclass(frozen=True)
class Stack:
    """A device and what it is made of; disk: the one whose partition it is.

    asked: the kernel's names of the disks whose size may have changed; map_name: multipath's.
    """

    path: str
    size_bytes: int
    asked: tuple[str, ...] = ()
    disk: str | None = None
    number: int = 0
    map_name: str | None = None

    @property
    def name(self) -> str:
        """Return the kernel's name of the device."""
        return _name(self.path)


def look(host: Host, path: str) -> Stack:
    """Find what a device is made of. LVM, RAID and the like grow by their own tools."""
    found = block.tree(host, path)
    if found.type == DISK:
        return Stack(path, found.size_bytes, (_name(path),))
    if found.type == MULTIPATH:
        paths = rescan.slaves(host, _name(path))
        return Stack(path, found.size_bytes, paths, map_name=found.name)
    if found.type == PARTITION and found.parent:
        disk = f"/dev/{found.parent}"
        number = (host.read(f"{rescan.BLOCK}/{_name(path)}/partition") or "").strip()
        if number.isdigit() and block.tree(host, disk).type == DISK:
            return Stack(path, found.size_bytes, (found.parent,), disk, int(number))
    return Stack(path, found.size_bytes)


def ask_steps(host: Host, stack: Stack) -> list[Step]:
    """Return the steps by which the kernel learns the size of the disks anew."""
    found = ((disk, rescan.attribute(host, disk)) for disk in stack.asked)
    return [Step(f"ask {disk} for its size", Poke(path)) for disk, path in found if path]


def map_steps(host: Host, stack: Stack) -> list[Step]:
    """Return the steps by which a multipath map takes the size of its paths.

    Raises RefusedError while the paths do not agree: one that is smaller would lose writes.
    """
    if stack.map_name is None:
        return []
    sizes = {name: rescan.size_of(host, name) for name in stack.asked}
    if len(set(sizes.values())) > 1:
        raise RefusedError(
            f"the paths of {stack.path} have different sizes",
            *(f"{name}: {size} bytes" for name, size in sizes.items()),
            hint="multipath -ll shows which one does not answer; run the command again then",
        )
    size = min(sizes.values(), default=0)
    if size <= stack.size_bytes:
        return []
    resize = Run(rescan.resize_map(stack.map_name))
    return [Step(f"let {stack.path} take the size of its paths", resize), _kernel_has(stack, size)]


def partition_steps(host: Host, stack: Stack) -> list[Step]:
    """Return the steps by which the partition takes the room behind it.

    Raises RefusedError when there is room that it cannot take, and when the disk's table is not
    the kernel's.
    """
    if stack.disk is None:
        return []
    table = partitions.read_table(host, stack.disk)
    here = _own(host, stack, table)
    disk_bytes = rescan.size_of(host, _name(stack.disk))
    if here.end * table.sector_bytes > disk_bytes:
        raise RefusedError(
            f"{stack.path} ends behind the end of {stack.disk}, as this server sees it",
            f"the table says {here.end * table.sector_bytes} bytes, the disk has {disk_bytes}",
            hint="the storage does not show this server the disk's new size yet",
        )
    wanted = table.largest(here, disk_bytes)
    steps: list[Step] = []
    if wanted > here.size:
        if table.behind(here) or table.is_logical(here):
            return _no_way(stack, table, here, disk_bytes)
        steps += _table_steps(host, stack, table, replace(here, size=wanted))
    if wanted * table.sector_bytes > stack.size_bytes:
        tell = Run(partitions.tell_kernel(stack.disk, here.number))
        steps.append(Step(f"tell the kernel the new size of {stack.path}", tell))
        steps.append(_kernel_has(stack, wanted * table.sector_bytes))
    return steps


def _own(host: Host, stack: Stack, table: PartitionTable) -> Partition:
    here = table.find(stack.number)
    start = int((host.read(f"{rescan.BLOCK}/{stack.name}/start") or "0").strip())
    if here is None or here.start * table.sector_bytes != start * rescan.SECTOR:
        raise RefusedError(
            f"{stack.disk} has another partition table now than the kernel knows",
            f"{stack.path} begins at sector {start}",
            hint=f"compare: sfdisk --dump {stack.disk}; cat {rescan.BLOCK}/{stack.name}/start",
        )
    return here


def _no_way(stack: Stack, table: PartitionTable, here: Partition, disk_bytes: int) -> list[Step]:
    """Refuse when the disk has room at its end that is behind something else."""
    last = max(each.end for each in table.partitions)
    if disk_bytes - last * table.sector_bytes < 2 * ALIGNMENT:
        return []
    kind = "in an extended partition" if table.is_logical(here) else "not the last partition"
    raise RefusedError(
        f"{stack.disk} has room, but {stack.path} is {kind}: it cannot grow into it",
        *(f"partition {each.number}: sectors {each.start} to {each.end - 1}"
          for each in table.partitions),
        hint="make a further partition there, and a repository of it: ovs-makerepo",
    )  # fmt: skip


def _table_steps(host: Host, stack: Stack, table: PartitionTable, grown: Partition) -> list[Step]:
    assert stack.disk is not None
    disk, text = stack.disk, host.run(partitions.dump(stack.disk)).stdout
    folder = host.settings.paths.fstab_backups
    backup = f"{folder}/{_name(disk)}.sfdisk.{secrets.token_hex(4)}"
    after = tuple(grown if each.number == grown.number else each for each in table.partitions)

    def is_grown(host: Host) -> None:
        if partitions.read_table(host, disk).partitions != after:
            raise ToolError(
                f"the partition table of {disk} is not what it should be",
                hint=f"the old one is in {backup}: sfdisk --no-reread {disk} < {backup}",
            )

    mib = grown.size * table.sector_bytes // ALIGNMENT
    kept = NewFile(backup, text, 0o600, f"<(sfdisk --dump {disk})")
    resize = Run(partitions.set_size(disk, grown.number, grown.size))
    confirm = Confirm(
        f"partition {grown.number} has {grown.size} sectors, all else is as it was", is_grown
    )
    return [
        Step(f"grow partition {grown.number} of {disk} to {mib} MiB", Backed(kept, (resize,))),
        Step("verify the partition table", confirm),
    ]


def _kernel_has(stack: Stack, size_bytes: int) -> Step:
    def has(host: Host) -> None:
        found = rescan.size_of(host, stack.name)
        if found != size_bytes:
            raise ToolError(
                f"the kernel has {found} bytes for {stack.path}, not {size_bytes}",
                hint="see dmesg, then run the command again",
            )

    return Step("verify it in the kernel", Confirm(f"{stack.path} has {size_bytes} bytes", has))


def _name(path: str) -> str:
    return path.rpartition("/")[2]
