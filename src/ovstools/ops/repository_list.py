"""repositories list: every listed repository with its state, description and space."""

from __future__ import annotations

from typing import Any

from ..errors import OvsError
from ..system import filesystems, ocfs2
from ..system.filesystems import Space
from ..system.host import Host
from . import listed, offlinerepo, slot_map
from .listed import Listed
from .plan import Report, Table

HEADER = (
    "STATE", "UUID", "ROOT", "SHARED", "SIZE", "USED", "MOUNTED ON", "MOUNTPOINT", "SOURCE",
    "DESCRIPTION",
)  # fmt: skip
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
    slots, holders = _slots(host, each)
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
        "slots": slots,
        "mounted_on": holders,
    }


def _slots(host: Host, each: Listed) -> tuple[int | None, list[dict[str, Any]] | None]:
    """Return how many servers could mount an OCFS2 and which ones have; None: cannot be told."""
    source = each.mount.source if each.is_mounted and each.mount else each.repository.source
    if host.offline or host.kind(source) != "block":
        return None, None
    device = host.resolve(source)
    try:
        slots, holders = ocfs2.read_volume(host, device).slots, slot_map.read(host, device)
    except OvsError:
        return None, None
    return slots, [{"number": h.number, "name": h.name, "live": h.is_live} for h in holders]


def _holders(found: list[dict[str, Any]] | None) -> str:
    """Say it for people: the host names' first parts, ? for who is not live."""
    words = (
        each["name"].partition(".")[0].replace(" ", "") + ("?" if each["live"] is False else "")
        for each in found or ()
    )
    return ",".join(words) or "-"


def _cells(row: dict[str, Any]) -> list[str]:
    space = Space(row["size_bytes"], row["used_bytes"]) if row["size_bytes"] is not None else None
    return [
        row["state"],
        row["uuid"] or "-",
        "@" if row["cluster_root"] else "-",
        row["shared"] or "-",
        f"{space.size / GIB:.1f}G" if space else "-",
        f"{space.used / GIB:.1f}G" if space else "-",
        _holders(row["mounted_on"]),
        row["mountpoint"] or "-",
        row["source"],
        row["description"] or "-",
    ]
