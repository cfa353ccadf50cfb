"""One command's way to the pool: every wait for the pool file system has a deadline."""

from __future__ import annotations

import errno
from typing import TypeVar

from ...errors import OvsError, RefusedError, ToolError
from ...system.host import Host
from .. import pool_io, pool_place
from ..driver import sighting
from ..pool_io import Abandoned, Done, Failed, Job
from ..pool_place import PoolPlace
from . import members as members_module
from .members import Members
from .pool_view import PoolView
from .reader import Reader

T = TypeVar("T")

#: longer than storage ever takes that is well; a dead server's recovery takes longer
LIMIT_S = 20.0
_HINTS = {
    errno.EACCES: "run it as root",
    errno.EPERM: "run it as root",
    errno.ENODEV: "ovstools repositories start",
    errno.EROFS: "the file system went read-only: see why (dmesg), then mount it anew",
    errno.ENOSPC: "the pool file system is full: make room there",
}


class PoolHangs(RefusedError):
    """The pool file system did not answer in time."""


class Session:
    """This server's view of the pool, and its way there.

    kept: descriptors that programs inherit, so that what they protect outlives us. lock: the
    descriptor of locks/config while this command holds it.
    """

    def __init__(
        self, host: Host, place: PoolPlace, members: Members, kept: set[int] | None = None,
        limit_s: float = LIMIT_S,
    ) -> None:  # fmt: skip
        self.host = host
        self.root = place.root
        self.members = members
        self.kept = kept if kept is not None else set()
        self.lock: int | None = None
        self.io = place.io(host.clock)
        self.limit_s = limit_s
        self._reader = Reader(self.io, limit_s)

    def look_around(self) -> None:
        """See anew which servers are live."""
        self.members = members_module.find(self.host)

    def read(self) -> PoolView | Failed | Abandoned:
        """Read the pool file system, or say why not."""
        return self._reader.read()

    def view(self) -> PoolView:
        """Read the pool file system. Raises RefusedError; PoolHangs when it does not answer."""
        found = self.read()
        if isinstance(found, PoolView):
            return found
        raise self.refusal(found)

    def is_full(self) -> bool:
        """Tell whether the pool file system has no room for what agents write."""
        found = pool_io.wait(sighting.room(self.io, self.limit_s))
        return isinstance(found, Failed) and found.number == errno.ENOSPC

    def done(self, job: Job[T]) -> T:
        """Wait for a request that changes nothing. Raises as view() does."""
        found = pool_io.wait(job)
        if isinstance(found, (Failed, Abandoned)):
            raise self.refusal(found)
        return found

    def written(self, name: str, job: Job[Done]) -> None:
        """Wait for a write. Raises RefusedError when it failed, ToolError when nobody knows."""
        found = pool_io.wait(job)
        if isinstance(found, Failed):
            raise self.refusal(found, f"cannot write {self.root}/{name}")
        if isinstance(found, Abandoned):
            raise ToolError(
                f"the pool file system did not answer within {found.after_s:.0f} s; "
                f"perhaps {name} is written, perhaps not",
                f"pool file system: {self.root}",
                hint="when it answers again, run the command again",
            )

    def refusal(self, found: Failed | Abandoned, what: str = "") -> OvsError:
        """Return the error for a request that failed."""
        if isinstance(found, Failed):
            what = what or f"cannot read the pool file system at {self.root}"
            return RefusedError(f"{what}: {found.reason}", hint=_HINTS.get(found.number, ""))
        return PoolHangs(
            f"the pool file system does not answer (waited {found.after_s:.0f} s)",
            f"pool file system: {self.root}",
            hint="while a server joins, or has just died, that is so for a minute or two: "
            "try again then\n`ovstools status` shows what this server knows by itself; "
            "dmesg says why storage waits",
        )


def begin(host: Host, kept: set[int] | None = None, limit_s: float = LIMIT_S) -> Session:
    """Return the way to this server's pool. Raises RefusedError when it has none."""
    if host.offline:
        raise RefusedError("with --root there is no pool: its servers run", hint="leave --root out")
    place = pool_place.demand(host)
    return Session(host, place, members_module.find(host), kept, limit_s)
