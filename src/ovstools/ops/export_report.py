"""What makerepo answers for an NFS export, and the UUID that it makes up for one."""

from __future__ import annotations

import uuid as uuid_module

from ..model.ovsrepo import OvsRepo
from ..model.source import NfsSource
from .plan import Report
from .volume import Request


def new_uuid() -> str:
    """Return a UUID for a repository that has none: an export has none of its own."""
    return uuid_module.uuid4().hex.upper()


def notices(request: Request, marker: OvsRepo) -> tuple[str, ...]:
    """Return what to say when the storage has another description."""
    if marker.description == request.description:
        return ()
    return (
        f"the storage says {marker.description!r}; that description stays, "
        f"not {request.description!r}",
    )


def report(
    request: Request, marker: OvsRepo, source: NfsSource, mountpoint: str, changed: bool,
    heartbeat_uuid: str | None,
) -> Report:  # fmt: skip
    """Return the answer of a command that made, or found, a repository on an export."""
    already = "" if changed else "already "
    data = {
        "changed": changed,
        "uuid": marker.uuid,
        "source": str(source),
        "mountpoint": mountpoint,
        "description": marker.description,
        "shared": request.shared,
    }
    line = f"{source} is {already}mounted at {mountpoint}, UUID {marker.uuid}"
    if heartbeat_uuid is None:
        return Report((line,), data)
    beats = f"its heartbeat file is region {heartbeat_uuid}"
    return Report((line, beats), {**data, "heartbeat_uuid": heartbeat_uuid})
