"""sfdisk(8), partx(8), blockdev(8): a table on a disk, and what the kernel knows of it."""

from __future__ import annotations

from ..errors import RefusedError
from ..model.command import Command
from ..model.partitions import PartitionTable, parse_table
from .host import Host


def table(disk: str) -> Command:
    """Build the question what is on the disk; 1: no table."""
    return Command(("sfdisk", "--json", disk), ok=frozenset({0, 1}), changes=False)


def dump(disk: str) -> Command:
    """Build the question for a text that ``sfdisk DISK`` makes the same table of."""
    return Command(("sfdisk", "--dump", disk), changes=False)


def set_size(disk: str, number: int, sectors: int) -> Command:
    """Build the command that changes one partition's size and nothing else of the table.

    The disk is in use, so sfdisk is not to ask the kernel for its free use, nor to make it read
    the whole table again: partx does that for the one partition. A GPT's backup goes to the
    disk's new end with it.
    """
    words = ("--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never")
    return Command(
        ("sfdisk", *words, "-N", str(number), disk), input=f"size={sectors}\n", timeout_s=60
    )


def tell_kernel(disk: str, number: int) -> Command:
    """Build the command by which the kernel takes a partition's new size, mounted or not."""
    return Command(("partx", "--update", "--nr", str(number), disk))


def drop_buffers(disk: str) -> Command:
    """Build the command that lets the next look at a disk read it; nothing on it is changed."""
    return Command(("blockdev", "--flushbufs", disk), changes=False)


def read_table(host: Host, disk: str) -> PartitionTable:
    """Return the table on the disk; raise RefusedError when there is none.

    While a partition of the disk is mounted, the kernel keeps what it has read of the disk. Another
    server may have written the table since, and sfdisk would write all of the old one.
    """
    host.run(drop_buffers(disk))
    said = host.run(table(disk))
    if said.status:
        raise RefusedError(f"{disk} has no partition table", *said.stderr.splitlines()[-1:])
    return parse_table(said.stdout)
