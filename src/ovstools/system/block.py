"""Block devices: what they are, what is on them, who has them; lsblk(8) and blkid(8)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError
from ..model.block import (
    LSBLK_COLUMNS,
    BlockDevice,
    Signature,
    parse_blkid,
    parse_lsblk_json,
    preferred_name,
)
from ..model.command import Command
from .host import Host

#: where stable names are; by-uuid and by-label are names of what is on the device, not of it
LINK_FOLDERS = ("/dev/mapper", "/dev/disk/by-id", "/dev/disk/by-path")
#: where raw volumes of databases and the like have their headers. A mkfs.ocfs2 that was killed
#: before it wrote its superblock leaves these blocks as they were
HEAD_BYTES = 8192
#: where the backup of a partition table, and the metadata of some RAID and replication are
TAIL_BYTES = 65536
BLKID_FOUND, BLKID_NOTHING, BLKID_AMBIVALENT = 0, 2, 8


@dataclass(frozen=True)
class Device:
    """A block device as found: path as the user named it, kernel_path with links followed."""

    path: str
    kernel_path: str
    number: str
    type: str
    size_bytes: int
    signature: Signature | None = None
    partitions: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    is_ambivalent: bool = False
    has_unknown_data: bool = False

    @property
    def is_blank(self) -> bool:
        """Tell whether nothing known is on it."""
        return not (
            self.signature
            or self.partitions
            or self.holders
            or self.is_ambivalent
            or self.has_unknown_data
        )

    @property
    def content(self) -> str:
        """Say in words what is on it."""
        if self.is_ambivalent:
            return "signatures of more than one file system"
        if self.signature is None:
            return "data that blkid does not know" if self.has_unknown_data else "nothing"
        kind = self.signature.type or f"{self.signature.pttype} partition table"
        label = f", label {self.signature.label!r}" if self.signature.label else ""
        uuid = f", UUID {self.signature.uuid}" if self.signature.uuid else ""
        return f"{kind}{label}{uuid}"


def lsblk(path: str) -> Command:
    """Build the command that lists a device, its partitions and holders."""
    return Command(("lsblk", "--json", "--bytes", "--output", LSBLK_COLUMNS, path), changes=False)


def blkid(path: str) -> Command:
    """Build the command that reads the signatures on a device, from the device itself."""
    return Command(
        ("blkid", "--probe", "--output", "export", path),
        ok=frozenset({BLKID_FOUND, BLKID_NOTHING, BLKID_AMBIVALENT}),
        changes=False,
    )


def look(host: Host, path: str) -> Device:
    """Look at the block device at path.

    Raises RefusedError when there is none, or it is something else.
    """
    kernel_path = existing(host, path)
    found = tree(host, kernel_path)
    probed = host.run(blkid(kernel_path))
    signature = parse_blkid(probed.stdout)
    is_known = bool(signature.type or signature.pttype)
    return Device(
        path=path,
        kernel_path=kernel_path,
        number=found.device_number,
        type=found.type,
        size_bytes=found.size_bytes,
        signature=signature if is_known else None,
        partitions=tuple(map(_words, found.partitions)),
        holders=tuple(map(_words, found.holders)),
        is_ambivalent=probed.status == BLKID_AMBIVALENT,
        has_unknown_data=not is_known and _has_data(host, kernel_path, found.size_bytes),
    )


def tree(host: Host, path: str) -> BlockDevice:
    """Return a device with all that is built on it."""
    (found, *_) = parse_lsblk_json(host.run(lsblk(path)).stdout)
    return found


def existing(host: Host, path: str) -> str:
    """Return path with links followed; raise RefusedError unless it is a block device."""
    kind = host.kind(path)
    if kind == "missing":
        raise RefusedError(
            f"there is no device {path}",
            hint="lsblk lists the devices; a new LUN may need a rescan of its bus, "
            "one of an iSCSI target a log-in: ovstools iscsi login",
        )
    if kind != "block":
        raise RefusedError(
            f"{path} is no block device, it is a {kind.replace('other', 'special file')}"
        )
    return host.resolve(path)


def stable_name(host: Host, path: str) -> str:
    """Return the name of the device that stays the same on every boot and every server."""
    device = host.resolve(path)
    return preferred_name(device, host.links_to(device, LINK_FOLDERS))


def _has_data(host: Host, path: str, size_bytes: int) -> bool:
    tail = max(0, size_bytes - TAIL_BYTES)
    return any(host.peek(path, 0, HEAD_BYTES)) or any(host.peek(path, tail, TAIL_BYTES))


def _words(child: BlockDevice) -> str:
    content = f", {child.fstype}" if child.fstype else ""
    return f"{child.path} ({child.type}, {child.size_bytes // 2**20} MiB{content})"
