"""flock(2) on OCFS2: cluster-wide locks, freed for a dead boot only by DLM recovery."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from .server import Server

if TYPE_CHECKING:
    from .world import World

RECOVERY_S = 5.0
AGENT, KEEPER = "agent", "keeper"


class Request(NamedTuple):
    """One flock call of an agent's life."""

    server: Server
    boot: str
    life: int
    name: str
    blocking: bool
    answer: Callable[[bool], None]

    @property
    def is_current(self) -> bool:
        """Tell whether the process that called is still there."""
        return self.server.is_up and (self.server.boot, self.server.lives) == (self.boot, self.life)


class Lock:
    """Who has it: a boot of a server, through the descriptors of its agent and its keeper."""

    __slots__ = ("boot", "refs", "server", "waiters")

    def __init__(self) -> None:
        self.boot: str | None = None
        self.server: str | None = None
        self.refs: set[str] = set()
        self.waiters: deque[Request] = deque()


class Dlm:
    """All locks of the pool file system."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.locks: dict[str, Lock] = {}
        self._recovering: set[str] = set()
        self._stalled: list[Request] = []

    def lock(self, name: str) -> Lock:
        """Return a lock; its file is made when it is first needed."""
        found = self.locks.get(name)
        if found is None:
            found = self.locks[name] = Lock()
        return found

    def is_stalled(self, server: Server) -> bool:
        """Tell whether requests hang: a member is dead but not declared so, or cut off."""
        if self._recovering:
            return True
        for name, boot in self.world.o2cb.live.items():
            other = self.world.servers[name]
            if not other.is_up or other.boot != boot:
                return True
            if not self.world.o2cb.connected(server, other):
                return True
        return False

    def request(self, request: Request) -> None:
        """Grant, deny or queue; while members are unreachable, hang."""
        if not request.is_current:
            return
        if self.is_stalled(request.server):
            self._stalled.append(request)
            return
        lock = self.lock(request.name)
        if lock.boot is None:
            lock.boot, lock.server = request.boot, request.server.name
            lock.refs = {AGENT}
            request.answer(True)
        elif request.blocking:
            lock.waiters.append(request)
        else:
            request.answer(False)

    def keep(self, server: Server, name: str) -> bool:
        """Hand an agent's descriptor to the keeper."""
        lock = self.lock(name)
        if lock.boot != server.boot:
            return False
        lock.refs = {KEEPER}
        server.kept.add(name)
        return True

    def close(self, server: Server, name: str, ref: str) -> None:
        """Close a descriptor; the last one frees the lock."""
        if ref == KEEPER:
            server.kept.discard(name)
        lock = self.lock(name)
        if lock.boot == server.boot and ref in lock.refs:
            lock.refs.discard(ref)
            if not lock.refs:
                self._free(lock)

    def agent_gone(self, server: Server) -> None:
        """Close what only the agent had open."""
        for name, lock in self.locks.items():
            if lock.boot == server.boot:
                self.close(server, name, AGENT)

    def begin_recovery(self, boot: str) -> None:
        """Free a dead boot's locks after the recovery thread has run."""
        self._recovering.add(boot)
        self.world.clock.after(RECOVERY_S, self._recovered, boot)

    def _recovered(self, boot: str) -> None:
        self._recovering.discard(boot)
        self.recover(boot)
        self.retry()
        self.world.wake_all()

    def recover(self, boot: str) -> None:
        """Free all locks of a boot."""
        for lock in self.locks.values():
            if lock.boot == boot:
                self._free(lock)

    def _free(self, lock: Lock) -> None:
        lock.boot = lock.server = None
        lock.refs = set()
        while lock.waiters and lock.boot is None:
            self.request(lock.waiters.popleft())

    def retry(self) -> None:
        """Let requests go on that hung."""
        stalled, self._stalled = self._stalled, []
        for request in stalled:
            self.request(request)

    def holder(self, name: str) -> str | None:
        """Return the server that has a lock."""
        return self.lock(name).server
