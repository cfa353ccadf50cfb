"""The agent's locks: those of this process, and those in the keeper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...model.keeper_words import PAGE, LockState, Refusal, Verb, Yes
from ...model.lock_names import is_guest
from .. import locks
from ..actions import HELD
from ..keeper_client import KeeperClient
from ..locks import Denied, Granted
from ..pool_io import Abandoned, Done, Failed, PoolIo
from .loop import Pause, Task

#: an action's end: whether it went well, and the value of its result
Ended = tuple[bool, Any]
#: so long may the last close of a lock take; nobody waits for it
RELEASE_S = 600.0
RETRY_S = 1.0


class LockDesk:
    """Takes, hands over and lets go of locks; held and kept are the latest that is known."""

    def __init__(
        self, io: PoolIo, keeper: KeeperClient, limit_s: float, say: Callable[[str], None]
    ) -> None:
        self._io = io
        self._keeper = keeper
        self.limit_s = limit_s
        self._say = say
        self._descriptors: dict[str, int] = {}
        self._kept: frozenset[str] = frozenset()
        self._moves = 0  #: puts and drops, so that an older list does not overrule a newer one
        self.is_listed = False
        self.trouble: str | None = None

    @property
    def held(self) -> frozenset[str]:
        """Return the locks of this process alone."""
        return frozenset(self._descriptors)

    @property
    def kept(self) -> frozenset[str]:
        """Return the locks in the keeper."""
        return self._kept

    def take(self, name: str, blocking: bool) -> Task[Ended]:
        """Take a lock; the value of a grant is what its file holds."""
        limit_s = None if blocking else self.limit_s
        found = yield locks.take(self._io, name, limit_s, blocking)
        if isinstance(found, Granted):
            if name in self._descriptors:  # flock(2) excludes two open files: it cannot be
                yield from self._let_go(found.descriptor)
                return False, "held already"
            self._descriptors[name] = found.descriptor
            return True, locks.record_of(found.content) if is_guest(name) else found.content
        if isinstance(found, Denied):
            return False, HELD
        return False, _reason(found)

    def release(self, name: str) -> Task[Ended]:
        """Close our own descriptor; the lock may be free only a little later."""
        descriptor = self._descriptors.pop(name, None)
        if descriptor is not None:
            yield from self._let_go(descriptor)
        return True, None

    def put(self, name: str) -> Task[Ended]:
        """Hand a lock to the keeper; ours is closed when it has acknowledged."""
        descriptor = self._descriptors.get(name)
        if descriptor is None:
            return False, "no such descriptor"
        answer = yield self._keeper.call(Verb.PUT, name, descriptor)
        if isinstance(answer, Yes):
            self._moves += 1
            self._kept |= {name}
            self._descriptors.pop(name, None)
            yield from self._let_go(descriptor)
            return True, None
        return False, _said(answer)

    def drop(self, name: str) -> Task[Ended]:
        """Let the keeper close a lock; the last close is a child's, for it may take long."""
        call = self._keeper.call(Verb.GET, name)
        answer = yield call
        if not isinstance(answer, Yes) or call.descriptor is None:
            return False, _said(answer)
        dropped = yield self._keeper.call(Verb.DROP, name)
        if isinstance(dropped, Yes):
            self._moves += 1
            self._kept -= {name}
        yield from self._let_go(call.descriptor)
        return isinstance(dropped, Yes), _said(dropped)

    def borrow(self, name: str) -> Task[tuple[int, bool]]:
        """Return a descriptor of a lock, and whether it is to be closed; -1: we do not have it."""
        if name in self._descriptors:
            return self._descriptors[name], False
        call = self._keeper.call(Verb.GET, name)
        yield call
        return (-1, False) if call.descriptor is None else (call.descriptor, True)

    def close_copy(self, descriptor: int) -> Task[None]:
        """Close what borrow() gave, in a child: the keeper may have let go of its own meanwhile."""
        yield from self._let_go(descriptor)

    def refresh(self) -> Task[bool]:
        """Ask the keeper what it holds; tell whether that is known now."""
        moves, found, last = self._moves, dict[str, LockState](), ""
        while True:
            answer = yield self._keeper.call(Verb.LIST, last)
            if not isinstance(answer, Yes):
                self.trouble = _said(answer)
                return False
            found.update(answer.states)
            if len(answer.states) < PAGE:
                break
            last = max(answer.states)
        self.trouble = None
        if moves == self._moves:
            self._kept = frozenset(n for n, state in found.items() if state is LockState.HELD)
            self.is_listed = True
        for name in (n for n, state in found.items() if state is LockState.LOST):
            self._say(f"the keeper's descriptor of {name} carries no lock: dropped")
            yield from self.drop(name)
        return self.is_listed

    def _let_go(self, descriptor: int) -> Task[None]:
        while True:
            try:
                job = locks.release(self._io, descriptor, RELEASE_S)
                break
            except OSError:  # no child could be had: the descriptor is open as before
                yield Pause(RETRY_S)
        yield job


def _reason(found: Any) -> str:
    if isinstance(found, Abandoned):
        return f"no answer within {found.after_s:.0f} s"
    return found.reason if isinstance(found, Failed) else str(found)


def _said(answer: Any) -> str:
    if isinstance(answer, Refusal):
        return answer.text
    return "" if isinstance(answer, (Yes, Done)) else f"the keeper: {_reason(answer)}"
