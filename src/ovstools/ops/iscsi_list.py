"""iscsi list: node records and sessions, their devices, and what uses these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..model.block import BlockDevice
from ..model.iscsi import NodeRecord, ScsiDisk, Session, TargetPortal
from ..system import iscsiadm
from ..system.host import Host
from ..system.iscsi_sessions import read_sessions
from . import iscsi_use
from .plan import Report, Table

HEADER = (
    "PORTAL", "TARGET", "BOOT", "SESSION", "LUN", "DEVICE", "SIZE", "FILE SYSTEM", "USED BY"
)  # fmt: skip
GIB = 2**30


@dataclass(frozen=True)
class Row:
    """One LUN of a session; or a session, or a record, without any."""

    at: TargetPortal
    record: NodeRecord | None = None
    session: Session | None = None
    disk: ScsiDisk | None = None
    tree: BlockDevice | None = None
    users: tuple[str, ...] = ()

    @property
    def map(self) -> BlockDevice | None:
        """Return the multipath map on the disk."""
        return multipath_map(self.tree) if self.tree else None

    @property
    def device(self) -> str | None:
        """Return the device to use: the multipath map where there is one."""
        if self.map is not None:
            return self.map.path
        return self.disk.path if self.disk else None

    @property
    def content(self) -> str | None:
        """Name the file system, or the partitions and theirs."""
        top = self.map or self.tree
        if top is None:
            return None
        parts = [child for child in top.children if child.type == iscsi_use.PARTITION]
        words = [f"{part.name}: {part.fstype or 'nothing'}" for part in parts]
        return ", ".join(words) or top.fstype

    @property
    def words(self) -> str:
        """Say which device it is, for a person."""
        if self.disk is None or self.tree is None:
            return "it shows this server no LUN"
        size = f"{self.tree.size_bytes / GIB:.1f}G"
        return f"LUN {self.disk.lun} is {self.device}, {size}, {self.content or 'blank'}"

    @property
    def data(self) -> dict[str, Any]:
        """Return it for --json."""
        return {
            "portal": str(self.at.portal),
            "tag": self.at.tag,
            "target": self.at.iqn,
            "startup": self.record.startup if self.record else None,
            "session": self.session.sid if self.session else None,
            "state": self.session.state if self.session else None,
            "lun": self.disk.lun if self.disk else None,
            "path": self.disk.path if self.disk else None,
            "device": self.device,
            "size_bytes": self.tree.size_bytes if self.tree else None,
            "file_system": self.content,
            "used_by": list(self.users),
        }


def multipath_map(tree: BlockDevice) -> BlockDevice | None:
    """Return the multipath map that a disk is a path of."""
    return next((child for child in tree.children if child.type == iscsi_use.MULTIPATH), None)


def look(host: Host) -> Report:
    """Return the list as a table, and as data."""
    rows = tuple(read_rows(host))
    data = {"iscsi": [row.data for row in rows]}
    if not rows:
        return Report(("no node record and no session",), data)
    return Report(data=data, table=Table(HEADER, tuple(tuple(_cells(row)) for row in rows)))


def read_rows(host: Host) -> Iterator[Row]:
    """Yield every record with its session and LUNs, then the sessions without a record."""
    sessions = {each.at: each for each in read_sessions(host)}
    for record in iscsiadm.read_records(host):
        yield from _rows(host, record.at, record, sessions.pop(record.at, None))
    for session in sessions.values():
        yield from _rows(host, session.at, None, session)


def _rows(
    host: Host, at: TargetPortal, record: NodeRecord | None, session: Session | None
) -> Iterator[Row]:
    disks = session.disks if session else ()
    for disk in disks:
        tree = iscsi_use.tree_of(host, disk)
        users = iscsi_use.users_of(host, tree) if tree else ()
        yield Row(at, record, session, disk, tree, users)
    if not disks:
        yield Row(at, record, session)


def _cells(row: Row) -> list[str]:
    session = f"{row.session.sid} {row.session.state}" if row.session else "-"
    return [
        str(row.at.portal),
        row.at.iqn,
        row.record.startup if row.record else "no record",
        session,
        str(row.disk.lun) if row.disk else "-",
        row.device or "-",
        f"{row.tree.size_bytes / GIB:.1f}G" if row.tree else "-",
        row.content or "-",
        "; ".join(row.users) or "-",
    ]
