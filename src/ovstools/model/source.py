"""A repository's source as the operator writes it: a device, an NFS export, an iSCSI LUN."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Union

from ..errors import UsageError
from .iscsi import IQN, ISCSI_PORT, Portal, Wanted, parse_portal

_ISCSI = "iscsi://"
_FORMS = "/dev/..., HOST:/EXPORT or iscsi://PORTAL[:PORT]/IQN[/LUN]"
_HOST = r"\[[0-9A-Fa-f:.%]+[0-9A-Za-z.%-]*\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_NFS_WORD = re.compile(rf"(?P<host>{_HOST}):(?P<export>/.*)", re.ASCII)
_ISCSI_WORD = re.compile(
    rf"(?P<portal>{_HOST})(?::(?P<port>[0-9]+))?/(?P<iqn>{IQN})"
    r"(?:/(?P<lun>[0-9]+))?",
    re.ASCII,
)


@dataclass(frozen=True)
class DeviceSource:
    """A block device of this server."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class NfsSource:
    """An export; host keeps the brackets of an IPv6 address."""

    host: str
    export: str

    def __str__(self) -> str:
        return f"{self.host}:{self.export}"

    @property
    def address(self) -> str:
        """Return the server's name or address, without brackets."""
        return self.host.strip("[]")


@dataclass(frozen=True)
class IscsiSource:
    """A logical unit behind a portal; lun None: the only one that the target has."""

    portal: str
    port: int
    iqn: str
    lun: int | None = None

    def __str__(self) -> str:
        lun = "" if self.lun is None else f"/{self.lun}"
        return f"{_ISCSI}{self.portal}:{self.port}/{self.iqn}{lun}"

    @property
    def at(self) -> Portal:
        """Return the portal."""
        return parse_portal(f"{self.portal}:{self.port}")

    @property
    def wanted(self) -> Wanted:
        """Return which target is meant, at which portal."""
        return Wanted(self.iqn, self.at)


Source = Union[DeviceSource, NfsSource, IscsiSource]


def parse_source(word: str) -> Source:
    """Read one word; raise UsageError for what is none of the three."""
    if not word.isprintable():
        raise UsageError(f"{word!r} has control characters")
    if word.startswith(_ISCSI):
        return _parse_iscsi(word)
    if word.startswith("/"):
        _refuse_odd_path(word, word)
        return DeviceSource(word)
    match = _NFS_WORD.fullmatch(word)
    if not match or match["export"].startswith("//"):
        raise UsageError(f"{word!r} is not a source", hint=f"use {_FORMS}")
    _refuse_odd_path(match["export"], word)
    return NfsSource(match["host"], match["export"])


def _parse_iscsi(word: str) -> IscsiSource:
    match = _ISCSI_WORD.fullmatch(word[len(_ISCSI) :])
    if not match:
        raise UsageError(
            f"{word!r} is not an iSCSI source", hint="use iscsi://PORTAL[:PORT]/IQN[/LUN]"
        )
    port = int(match["port"] or ISCSI_PORT)
    if not 1 <= port <= 65535:
        raise UsageError(f"port {port} in {word!r} is not from 1 to 65535")
    lun = None if match["lun"] is None else int(match["lun"])
    if lun is not None and lun > 16383:  # SAM-5 flat addressing
        raise UsageError(f"LUN {lun} in {word!r} is not from 0 to 16383")
    return IscsiSource(match["portal"], port, match["iqn"], lun)


def _refuse_odd_path(path: str, word: str) -> None:
    if ".." in path.split("/"):
        raise UsageError(f"{word!r} has a '..' in its path")
    if path == word and path.rstrip("/") != path:
        raise UsageError(f"{word!r} is a folder, not a device", hint=f"use {_FORMS}")
