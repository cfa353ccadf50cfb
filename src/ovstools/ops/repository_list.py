"""repositories list: every listed repository with its state, description and space."""

from __future__ import annotations

from typing import Any

from ..system import filesystems
from ..system.filesystems import Space
from ..system.host import Host
from . import listed, offlinerepo
from .listed import Listed
from .plan import Report, Table

HEADER = ("STATE", "UUID", "ROOT", "SHARED", "SIZE", "USED", "MOUNTPOINT", "SOURCE", "DESCRIPTION")
GIB = 2**30


def look(host: Host) -> Report:
    """Return the list as a table, and as data."""
    rows = [_row(host, each) for each in listed.read_listed(host)]
    data = {"repositories": rows, "not_understood": list(listed.unknown_lines(host))}
    return Report(data=data, table=Table(HEADER, tuple(tuple(_cells(row)) for row in rows)))


def _row(host: Host, each: Listed) -> dict[str, Any]:
    place = each.mountpoint if each.is_mounted else None
    marker = filesystems.read_marker(host, place) if place else None
    space = filesystems.read_space(host, place) if place else None
    description = marker.description if marker else offlinerepo.description_of(host, each)
    return {
        "state": each.state,
        "uuid": each.repository.uuid,
        "cluster_root": each.repository.cluster_root,
        "shared": marker.shared if marker else None,
        "size_bytes": space.size if space else None,
        "used_bytes": space.used if space else None,
        "mountpoint": each.mountpoint,
        "source": each.repository.source,
        "description": description,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    space = Space(row["size_bytes"], row["used_bytes"]) if row["size_bytes"] is not None else None
    return [
        row["state"],
        row["uuid"] or "-",
        "@" if row["cluster_root"] else "-",
        row["shared"] or "-",
        f"{space.size / GIB:.1f}G" if space else "-",
        f"{space.used / GIB:.1f}G" if space else "-",
        row["mountpoint"] or "-",
        row["source"],
        row["description"] or "-",
    ]
