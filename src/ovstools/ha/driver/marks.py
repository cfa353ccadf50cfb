"""Clear a mark in a guest's file, as every operator's file is changed: under locks/config."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import OvsError
from ...model.lock_names import CONFIG
from .. import locks
from ..forms.edit import with_changes
from ..locks import Granted
from ..pool_files import read_files, replace_file
from ..pool_io import Done, PoolIo
from .lock_desk import Ended, LockDesk
from .loop import Task


def clear_mark(io: PoolIo, desk: LockDesk, guest: str) -> Task[Ended]:
    """Remove the mark; what else is in the file stays as it is."""
    limit_s = desk.limit_s
    found = yield locks.take(io, CONFIG, limit_s, blocking=True)
    if not isinstance(found, Granted):
        return False, "the operator's files are locked"
    name = f"guests/{guest}.yaml"
    try:
        read = yield read_files(io, [name], limit_s)
        new = _without_mark(read.get(name)) if isinstance(read, Mapping) else None
        if new is None:
            return False, f"{name} cannot be changed"
        done = yield replace_file(io, name, new, limit_s, under=found.descriptor)
    finally:
        yield from desk.close_copy(found.descriptor)
    return isinstance(done, Done), None


def _without_mark(data: object) -> bytes | None:
    """Return the file without its mark; None: it is gone, or broken by now."""
    try:
        return (
            with_changes(data.decode(), {"mark": None}).encode()
            if isinstance(data, bytes)
            else None
        )
    except (UnicodeDecodeError, OvsError):
        return None
