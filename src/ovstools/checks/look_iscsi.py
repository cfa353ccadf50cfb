"""Look at the iSCSI sessions for the checks: sysfs and the records' files, no program."""

from __future__ import annotations

from ..errors import OvsError
from ..model.iscsi import ScsiDisk, TargetPortal, parse_records
from ..system import iscsi_database
from ..system.host import Host
from ..system.iscsi_sessions import read_sessions
from .view import IscsiPath

BLOCK = "/sys/class/block"


def read_paths(host: Host) -> tuple[IscsiPath, ...]:
    """Return each disk of each session, and whether a boot brings it back."""
    return tuple(
        IscsiPath(
            session.at, session.state, disk.path, _numbers(host, disk), _startup(host, session.at)
        )
        for session in read_sessions(host)
        for disk in session.disks
    )


def _numbers(host: Host, disk: ScsiDisk) -> frozenset[str]:
    """Return the device numbers of a disk, its partitions, and what is built on either."""
    waiting, found = [disk.device], set[str]()
    while waiting:
        name = waiting.pop()
        number = (host.read(f"{BLOCK}/{name}/dev") or "").strip()
        if not number or number in found:
            continue
        found.add(number)
        waiting += host.names(f"{BLOCK}/{name}/holders")
        waiting += [each for each in host.names(f"{BLOCK}/{name}") if each.startswith(name)]
    return frozenset(found)


def _startup(host: Host, at: TargetPortal) -> str | None:
    """Return a record's node.startup; empty: there is no record; None: we may not read it."""
    try:
        files = iscsi_database.record_files(host, at)
        records = [each for file in files for each in parse_records(host.read(file) or "")]
    except (OvsError, PermissionError):  # the records are root's alone
        return None
    return records[0].startup if records else ""
