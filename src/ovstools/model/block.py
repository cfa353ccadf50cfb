"""Block devices: what blkid(8), wipefs(8) and lsblk(8) of util-linux say of them."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import ParseError
from .uuids import is_uuid, normal_uuid

__all__ = [
    "LSBLK_COLUMNS",
    "BlockDevice",
    "Signature",
    "Trace",
    "is_uuid",
    "normal_uuid",
    "parse_blkid",
    "parse_lsblk_json",
    "parse_wipefs_json",
    "preferred_name",
]

#: MOUNTPOINT and not MOUNTPOINTS, which util-linux older than 2.37 (Ubuntu 20.04, OL 8) refuses
LSBLK_COLUMNS = "NAME,KNAME,PATH,TYPE,SIZE,MAJ:MIN,FSTYPE,MOUNTPOINT,PTTYPE,WWN,SERIAL,RO,PKNAME"


@dataclass(frozen=True)
class Signature:
    """What blkid found on a device; false when it found nothing."""

    type: str | None = None
    usage: str | None = None
    uuid: str | None = None
    label: str | None = None
    pttype: str | None = None
    version: str | None = None

    def __bool__(self) -> bool:
        return any((self.type, self.usage, self.uuid, self.label, self.pttype, self.version))


def parse_blkid(text: str) -> Signature:
    r"""Read ``blkid -p -o export DEVICE``; its exit status 2 goes with no text at all.

    Spaces and quotes come as ``\ `` and ``\"``; blkid spells other odd characters of a label as
    cat -v does, so only wipefs and debugfs.ocfs2 tell such a label exactly.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line:
            continue
        name, equals, value = line.partition("=")
        if not equals or name in values:
            raise ParseError("blkid", number, "NAME=VALUE of one device", line)
        values[name] = re.sub(r"\\(.)", r"\1", value)
    return Signature(
        type=values.get("TYPE"),
        usage=values.get("USAGE"),
        uuid=values.get("UUID"),
        label=values.get("LABEL"),
        pttype=values.get("PTTYPE"),
        version=values.get("VERSION"),
    )


@dataclass(frozen=True)
class Trace:
    """One signature that wipefs would erase."""

    offset: int
    type: str
    uuid: str | None = None
    label: str | None = None


def parse_wipefs_json(text: str) -> tuple[Trace, ...]:
    """Read ``wipefs --no-act --json DEVICE``; newer versions print nothing for a blank device."""
    if not text.strip():
        return ()
    traces = _load(text, "wipefs", "signatures")
    try:
        return tuple(
            Trace(int(each["offset"], 16), each["type"], each.get("uuid"), each.get("label"))
            for each in traces
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ParseError("wipefs", 1, "offset and type in each signature", text) from error


@dataclass(frozen=True)
class BlockDevice:
    """One device, and what is made of it: partitions, multipath maps, LVM, RAID."""

    name: str
    path: str
    kernel_name: str
    type: str  #: disk, part, mpath, lvm, loop, crypt, raid1, rom
    size_bytes: int
    device_number: str  #: "8:17"
    fstype: str | None = None
    mountpoints: tuple[str, ...] = ()
    pttype: str | None = None  #: its partition table; of a partition: the one that it is in
    wwn: str | None = None
    serial: str | None = None
    is_read_only: bool = False
    parent: str | None = None
    children: tuple[BlockDevice, ...] = ()

    def walk(self) -> Iterator[BlockDevice]:
        """Go through the device and all that is built on it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def partitions(self) -> tuple[BlockDevice, ...]:
        """List its partitions."""
        return tuple(child for child in self.children if child.type == "part")

    @property
    def holders(self) -> tuple[BlockDevice, ...]:
        """List what else is built on it: a multipath map, LVM, RAID, encryption."""
        return tuple(child for child in self.children if child.type != "part")

    @property
    def holds_partition_table(self) -> bool:
        """Tell whether it is a partitioned whole disk."""
        return bool(self.partitions) or (self.pttype is not None and self.type != "part")


def parse_lsblk_json(text: str) -> tuple[BlockDevice, ...]:
    """Read ``lsblk --json --bytes --output LSBLK_COLUMNS [DEVICE]``."""
    try:
        return tuple(_block_device(each) for each in _load(text, "lsblk", "blockdevices"))
    except (KeyError, TypeError, ValueError) as error:
        raise ParseError("lsblk", 1, f"the columns {LSBLK_COLUMNS}", text) from error


def _block_device(row: dict[str, Any]) -> BlockDevice:
    mountpoints = row["mountpoints"] if "mountpoints" in row else [row["mountpoint"]]
    return BlockDevice(
        name=str(row["name"]),
        path=str(row["path"]),
        kernel_name=str(row["kname"]),
        type=str(row["type"]),
        size_bytes=int(row["size"]),  # a string before util-linux 2.33
        device_number=str(row["maj:min"]).strip(),
        fstype=row["fstype"],
        mountpoints=tuple(each for each in mountpoints if each),
        pttype=row["pttype"],
        wwn=row["wwn"],
        serial=row["serial"],
        is_read_only=row["ro"] in (True, "1", 1),
        parent=row["pkname"],
        children=tuple(_block_device(child) for child in row.get("children", ())),
    )


def _load(text: str, tool: str, key: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError(tool, 1, f"JSON with {key!r}", text) from error
    if not isinstance(rows, list):
        raise ParseError(tool, 1, f"a list of {key!r}", text)
    return rows


def preferred_name(device: str, links: Iterable[str]) -> str:
    """Choose the name of a device that stays the same over reboots and on every server.

    The links are all names under /dev that lead to the device. Names that depend on what is stored
    (by-uuid, by-label, lvm-pv-uuid) are never taken: a clone has them too.
    """
    # among equals the operator's own word wins
    rank, _, name = min((_rank(name), name != device, name) for name in {device, *links})
    return name if rank < len(_RANKS) else device


_RANKS = (
    re.compile(r"/dev/mapper/(?!control$).+"),
    re.compile(r"/dev/disk/by-id/wwn-.+"),
    re.compile(r"/dev/disk/by-id/nvme-(?:eui|uuid)\..+"),
    re.compile(r"/dev/disk/by-id/(?!lvm-pv-uuid-).+"),
    re.compile(r"/dev/disk/by-path/.+"),
)


def _rank(name: str) -> int:
    path = posixpath.normpath(name)
    matches = (rank for rank, form in enumerate(_RANKS) if form.fullmatch(path))
    return next(matches, len(_RANKS))
