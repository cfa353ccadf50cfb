"""REPOSITORY/.ovsrepo: what a repository says of itself, written once on the storage.

Every server reads it there, so that all agree. ``KEY=VALUE`` lines; keys of newer versions survive.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ParseError, UsageError
from .uuids import is_uuid, normal_uuid

NAME = ".ovsrepo"
VERSION = 1
SHARED = ("C", "1", "0")  #: cluster root, shared, of this server alone


@dataclass(frozen=True)
class OvsRepo:
    """The content of .ovsrepo."""

    uuid: str
    description: str
    shared: str
    version: int = VERSION
    heartbeat_uuid: str | None = None  #: of an NFS root: its heartbeat file system's
    others: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.description.isprintable():
            raise UsageError(f"the description {self.description!r} does not fit on one line")
        if self.shared not in SHARED:
            raise UsageError(f"{self.shared!r} is not one of C, 1 and 0")


def parse_ovsrepo(text: str, source: str = NAME) -> OvsRepo:
    """Read the file; UUID and SHARED must be there."""
    values: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or key in values or not value.isprintable():
            raise ParseError(source, number, "KEY=VALUE, each key once", line)
        values[key] = (number, value)

    def take(key: str, default: str | None = None) -> tuple[int, str]:
        if key not in values and default is None:
            raise ParseError(source, 1, f"{key}=...", text)
        return values.pop(key, (1, default or ""))

    at, uuid = take("UUID")
    if not is_uuid(uuid):
        raise ParseError(source, at, "UUID=32 hex digits", uuid)
    at, shared = take("SHARED")
    if shared not in SHARED:
        raise ParseError(source, at, "SHARED=C, 1 or 0", shared)
    at, version = take("VERSION", str(VERSION))
    if not (version.isascii() and version.isdigit()) or int(version) < VERSION:
        raise ParseError(source, at, "VERSION=number", version)
    at, heartbeat = take("HEARTBEAT_UUID", "")
    if heartbeat and not is_uuid(heartbeat):
        raise ParseError(source, at, "HEARTBEAT_UUID=32 hex digits", heartbeat)
    return OvsRepo(
        uuid=normal_uuid(uuid),
        description=take("DESCRIPTION", "")[1],
        shared=shared,
        version=int(version),
        heartbeat_uuid=normal_uuid(heartbeat) if heartbeat else None,
        others=tuple((key, value) for key, (_, value) in values.items()),
    )


def format_ovsrepo(repo: OvsRepo) -> str:
    """Write the file."""
    lines = [
        f"UUID={normal_uuid(repo.uuid)}",
        f"DESCRIPTION={repo.description}",
        f"SHARED={repo.shared}",
        f"VERSION={repo.version}",
    ]
    if repo.heartbeat_uuid:
        lines.append(f"HEARTBEAT_UUID={normal_uuid(repo.heartbeat_uuid)}")
    lines += [f"{key}={value}" for key, value in repo.others]
    return "\n".join(lines) + "\n"
