"""The keeper for commands: what it holds, and letting go of a lock. See system/keeper.py."""

from __future__ import annotations

import errno
from collections.abc import Mapping

from ..errors import ToolError
from ..model.keeper_words import LockState
from ..system.clock import Clock

SOCKET = "keeper.sock"
#: nobody listens there: no keeper runs
_ABSENT = (errno.ENOENT, errno.ECONNREFUSED)


class KeptLocks:
    """The keeper that listens below folder (/run/ovs); limit_s: how long a close may take."""

    def __init__(self, folder: str, limit_s: float, clock: Clock | None = None) -> None:
        self._path = f"{folder}/{SOCKET}"
        self._limit_s = limit_s
        self._clock = clock or Clock()

    def names(self) -> Mapping[str, LockState]:
        """Return all names; none when no keeper runs.

        One that was killed comes back at once, and systemd keeps its locks meanwhile: then pid 1
        has the lock files open. Raises ToolError when a keeper does not answer.
        """
        from ..model.keeper_words import Verb  # here, as below: every command makes one of us
        from .keeper_client import KeeperClient
        from .pool_io import Failed

        client = KeeperClient(self._path, self._clock)
        first = client.call(Verb.LIST).poll()
        if isinstance(first, Failed) and first.number in _ABSENT:
            return {}
        return client.names()

    def let_go(self, name: str) -> None:
        """Let the keeper drop a lock, and close its last copy in a child, where it may wait.

        Raises RefusedError when the keeper refuses, ToolError when it, or the storage, does not
        answer in time: then the lock is free a little later.
        """
        from .keeper_client import KeeperClient
        from .locks import release
        from .pool_io import Done, PoolIo, wait

        descriptor = KeeperClient(self._path, self._clock).drop(name)
        found = wait(release(PoolIo("/", self._clock), descriptor, self._limit_s))
        if not isinstance(found, Done):
            raise ToolError(
                f"the keeper let go of {name}, and its storage does not answer: {found}",
                hint="see dmesg for what is wrong with the storage; run the command again",
            )
