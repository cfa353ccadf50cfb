"""What a line of fstab means for the list of repositories: is it storage, where, how mounted.

Sources: fstab(5), mount(8), and udev's 60-persistent-storage rules (the names below /dev/disk).
"""

from __future__ import annotations

import re

from ..errors import UsageError
from .fstab import FstabEntry
from .nfs_options import FSTYPES
from .source import NfsSource, parse_source
from .uuids import is_uuid, normal_uuid

CLUSTER_TYPE = "ocfs2"
_TAG = re.compile(r'(?P<tag>UUID|LABEL|PARTUUID|PARTLABEL|ID)=(?P<quote>"?)(?P<value>.+)(?P=quote)')
_FOLDERS = {
    "UUID": "by-uuid",
    "LABEL": "by-label",
    "PARTUUID": "by-partuuid",
    "PARTLABEL": "by-partlabel",
    "ID": "by-id",
}
#: file systems that are no storage of their own
_VIRTUAL = ("tmpfs", "overlay", "swap", "none", "proc", "sysfs", "autofs", "squashfs")
#: says when and by whom fstab's mount is made, nothing of how; the list decides that itself
_NOISE = re.compile(
    r"defaults|rw|auto|noauto|nofail|_netdev|_rnetdev|x-.*|X-.*|comment=.*|nouser|bg|fg"
)


def is_storage(entry: FstabEntry) -> bool:
    """Tell whether the line names what a repository can be: a device, or an NFS export."""
    words = entry.options.split(",")
    if {"bind", "rbind", "loop"} & set(words) or any(word.startswith("loop=") for word in words):
        return False
    if entry.fstype in FSTYPES:
        return export(entry) is not None
    return entry.fstype not in _VIRTUAL and device_path(entry.spec) is not None


def export(entry: FstabEntry) -> str | None:
    """Return the export of an NFS line as the list spells it."""
    try:
        source = parse_source(entry.spec)
    except UsageError:
        return None
    return str(source) if isinstance(source, NfsSource) else None


def device_path(spec: str) -> str | None:
    """Return the path below /dev that leads to what fstab's first field names."""
    if spec.startswith("/dev/"):
        return spec
    match = _TAG.fullmatch(spec)
    if not match:
        return None
    value = match["value"]
    if match["tag"] in ("UUID", "PARTUUID") and is_uuid(value):
        value = value.lower()
    return f"/dev/disk/{_FOLDERS[match['tag']]}/{udev_name(value)}"


def spec_uuid(spec: str) -> str | None:
    """Return the file system's UUID when the line itself tells it."""
    match = _TAG.fullmatch(spec)
    if match and match["tag"] == "UUID" and is_uuid(match["value"]):
        return normal_uuid(match["value"])
    return None


def udev_name(value: str) -> str:
    r"""Spell a label as udev does in its links: what is odd in a path becomes ``\xNN``."""
    return "".join(
        char
        if not char.isascii() or char.isalnum() or char in "#+-.:=@_"
        else f"\\x{ord(char):02x}"
        for char in value
    )


def mount_options(options: str) -> str:
    """Return the options that say how the file system is to be mounted; often none."""
    return ",".join(word for word in options.split(",") if word and not _NOISE.fullmatch(word))
