"""The iSCSI sessions of this machine and their disks, from sysfs (no program, no iscsid)."""

from __future__ import annotations

import re

from ..errors import OvsError
from ..model.iscsi import UNKNOWN_TAG, Portal, ScsiDisk, Session, TargetPortal
from .host import Host

SESSIONS = "/sys/class/iscsi_session"
CONNECTIONS = "/sys/class/iscsi_connection"
_SESSION = re.compile(r"session(?P<sid>[0-9]+)", re.ASCII)
_TARGET = re.compile(r"target[0-9]+:[0-9]+:[0-9]+", re.ASCII)
_LUN = re.compile(r"[0-9]+:[0-9]+:[0-9]+:(?P<lun>[0-9]+)", re.ASCII)


def read_sessions(host: Host) -> tuple[Session, ...]:
    """Return the sessions, logged in or being recovered, in the order of their numbers."""
    names = (_SESSION.fullmatch(name) for name in host.names(SESSIONS))
    numbers = sorted(int(match["sid"]) for match in names if match)
    found = (_read(host, sid) for sid in numbers)
    return tuple(session for session in found if session is not None)


def _read(host: Host, sid: int) -> Session | None:
    base, connection = f"{SESSIONS}/session{sid}", f"{CONNECTIONS}/connection{sid}:0"
    iqn, tag = _word(host, f"{base}/targetname"), _word(host, f"{base}/tpgt")
    address = _word(host, f"{connection}/persistent_address")
    port = _word(host, f"{connection}/persistent_port")
    if not iqn or not address or not port.isdigit():  # it is just coming or going
        return None
    at = TargetPortal(iqn, Portal(address, int(port)), int(tag) if tag.isdigit() else UNKNOWN_TAG)
    return Session(sid, at, _word(host, f"{base}/state"), tuple(_disks(host, base)))


def _disks(host: Host, base: str) -> list[ScsiDisk]:
    found = []
    for target in filter(_TARGET.fullmatch, host.names(f"{base}/device")):
        for name in host.names(f"{base}/device/{target}"):
            match = _LUN.fullmatch(name)
            folder = f"{base}/device/{target}/{name}"
            for device in host.names(f"{folder}/block") if match else ():
                assert match is not None
                wwid = _word(host, f"{folder}/wwid") or None
                found.append(ScsiDisk(int(match["lun"]), device, wwid))
    return sorted(found, key=lambda disk: disk.lun)


def _word(host: Host, path: str) -> str:
    """Read an attribute; empty when it is not there (any more), or there is nothing to read."""
    try:
        return (host.read(path) or "").strip()
    except OvsError:  # the kernel answers ENOTCONN, for one, while a session goes
        return ""
