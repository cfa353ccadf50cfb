"""A partition table as ``sfdisk --json DISK`` prints it, and how far a partition can grow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..errors import ParseError

#: partitions begin and end at a multiple of it, and GPT's backup table fits behind the last one
ALIGNMENT = 2**20
DOS, GPT = "dos", "gpt"
#: a DOS table counts sectors in 32 bits; its types of extended partitions (fdisk(8))
DOS_SECTORS = 2**32 - 1
EXTENDED = frozenset({"5", "f", "85"})
DOS_PRIMARY = 4


@dataclass(frozen=True)
class Partition:
    """One partition; start and size in sectors, type as the table spells it."""

    number: int
    start: int
    size: int
    type: str

    @property
    def end(self) -> int:
        """Return the sector behind its last one."""
        return self.start + self.size


@dataclass(frozen=True)
class PartitionTable:
    """What is on the disk, which may be newer than what the kernel has."""

    label: str
    sector_bytes: int
    partitions: tuple[Partition, ...]

    def find(self, number: int) -> Partition | None:
        """Find a partition by its number."""
        return next((each for each in self.partitions if each.number == number), None)

    def behind(self, partition: Partition) -> tuple[Partition, ...]:
        """List the partitions that begin behind the beginning of one."""
        return tuple(each for each in self.partitions if each.start > partition.start)

    def is_logical(self, partition: Partition) -> bool:
        """Tell whether it is in, or is, an extended partition."""
        return self.label == DOS and (
            partition.number > DOS_PRIMARY or partition.type.lower() in EXTENDED
        )

    def largest(self, partition: Partition, disk_bytes: int) -> int:
        """Return how many sectors the last partition can have on a disk of this size.

        Never fewer than it has: less than ALIGNMENT of room is no room.
        """
        limit = disk_bytes - (ALIGNMENT if self.label == GPT else 0)
        end = limit // ALIGNMENT * ALIGNMENT // self.sector_bytes
        if self.label == DOS:
            end = min(end, DOS_SECTORS)
        least = ALIGNMENT // self.sector_bytes
        return end - partition.start if end - partition.end >= least else partition.size


def parse_table(text: str) -> PartitionTable:
    """Read ``sfdisk --json DISK``."""
    try:
        table = json.loads(text)["partitiontable"]
        device = str(table["device"])
        return PartitionTable(
            label=str(table["label"]),
            sector_bytes=int(table.get("sectorsize", 512)),  # not printed before util-linux 2.35
            partitions=tuple(_partition(device, row) for row in table.get("partitions", ())),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError("sfdisk", 1, "JSON with 'partitiontable'", text) from error


def _partition(device: str, row: dict[str, Any]) -> Partition:
    # /dev/sdb is followed by the number, /dev/nvme0n1 by "p" and the number
    number = str(row["node"])[len(device) :].lstrip("p")
    return Partition(int(number), int(row["start"]), int(row["size"]), str(row["type"]))
