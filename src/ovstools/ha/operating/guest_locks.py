"""A guest's lock, held by a command: as long as it is, nobody starts that guest anywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ...errors import RefusedError
from ...model.lock_names import FOLDER, guest_lock
from ...model.owner_record import GuestState, OwnerRecord
from .. import locks
from ..locks import Granted
from ..orders import Phase
from ..pool_files import read_files
from .edits import let_go
from .session import Session


@contextlib.contextmanager
def held(session: Session, guests: tuple[str, ...]) -> Iterator[None]:
    """Hold the locks of guests; programs that are run meanwhile hold them as well.

    Raises RefusedError when a lock is held by somebody else, or the record under it does not say
    that the guest is off.
    """
    taken: list[int] = []
    try:
        for guest in guests:
            descriptor = take(session, guest)
            taken.append(descriptor)
            session.kept.add(descriptor)
        yield
    finally:
        for descriptor in taken:
            session.kept.discard(descriptor)
            let_go(session, descriptor)


def take(session: Session, guest: str) -> int:
    """Take a guest's lock. Raises as held() does."""
    name = guest_lock(guest)
    found = session.done(locks.take(session.io, name, session.limit_s))
    if not isinstance(found, Granted):
        raise RefusedError(
            f"the lock of {guest} is held: it runs, or is being started, copied or stopped",
            *_owner(session, name),
            hint=f"ovstools vm show {guest}",
        )
    record = locks.record_of(found.content) if found.content else None
    entry = session.view().orders.entries.get(guest)
    is_proven = entry is not None and entry.phase is Phase.OFF  # by the master: its server died
    if isinstance(record, OwnerRecord) and record.state is not GuestState.STOPPED and not is_proven:
        let_go(session, found.descriptor)
        raise RefusedError(
            f"{guest} is not known to be off",
            f"its owner record says {record.state.value} on {record.owner}",
            hint=f"ovstools vm show {guest}: the master finds out what became of it",
        )
    return found.descriptor


def _owner(session: Session, name: str) -> tuple[str, ...]:
    path = f"{FOLDER}/{name}"
    read = session.done(read_files(session.io, [path], session.limit_s))[path]
    record = locks.record_of(read)
    if not isinstance(record, OwnerRecord):
        return ()
    return (f"its owner record says {record.state.value} on {record.owner}",)
