"""What the keeper holds: descriptors by name, here and in systemd's descriptor store.

Nothing here touches storage: fstat(2) would take a cluster lock on OCFS2, /proc answers from
the kernel's memory. A descriptor is let go of only when a client says so, never on a doubt.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model import fdinfo, lock_names
from ..model.keeper_words import PAGE, LockState, No, Refusal
from ..system import descriptors
from ..system.notify import Notifier

#: FileDescriptorStoreMax= in the unit is above it: what systemd refuses, it does not tell
LIMIT = 4000


@dataclass
class Held:
    """A name's descriptors: one, or more when a restart found more in systemd's store."""

    descriptors: list[int]
    state: LockState


class Shelf:
    """The table of names; storing and dropping end with settle(), when systemd has confirmed."""

    def __init__(self, notifier: Notifier | None = None, limit: int = LIMIT) -> None:
        self._notifier = notifier
        self._limit = limit
        self._held: dict[str, Held] = {}

    def adopt(self, found: Iterable[tuple[str, int]]) -> None:
        """Take what systemd gave back at a restart; its store keeps its copies."""
        for name, descriptor in found:
            held = self._held.setdefault(name, Held([], LockState.HELD))
            # Two of a name: the one that carries the lock is the one to give
            held.descriptors.insert(0 if _carries_lock(descriptor) else 1, descriptor)

    def put(self, name: str, descriptor: int) -> int | Refusal | None:
        """Begin to hold a lock; return systemd's barrier, None: there is no systemd.

        The descriptor is ours from now on, closed when refused.
        """
        refusal = self._refusal(name, descriptor)
        if refusal is None:
            self._held[name] = Held([descriptor], LockState.STORING)
            try:
                return self._tell_store(name, descriptor)
            except OSError as error:
                self._held.pop(name)
                refusal = Refusal(No.SYSTEMD, f"systemd does not listen: {error.strerror}")
        os.close(descriptor)  # the client has its own
        return refusal

    def drop(self, name: str) -> int | Refusal | None:
        """Begin to let go of a lock; return systemd's barrier, None: there is no systemd."""
        held = self._found(name)
        if isinstance(held, Refusal):
            return held
        barrier = None
        if self._notifier:
            try:
                self._notifier.forget(name)
            except OSError as error:
                return Refusal(No.SYSTEMD, f"systemd does not listen: {error.strerror}")
            # No way back from here: the store may have let go, and a restart would forget it
            with contextlib.suppress(OSError):
                barrier = self._notifier.barrier()
        held.state = LockState.DROPPING
        return barrier

    def settle(self, name: str) -> None:
        """Finish what put or drop began."""
        held = self._held[name]
        if held.state is LockState.DROPPING:
            del self._held[name]
            descriptors.close_all(held.descriptors)
        else:
            held.state = LockState.HELD

    def get(self, name: str) -> int | Refusal:
        """Return a lock's descriptor, still ours."""
        held = self._found(name)
        return held if isinstance(held, Refusal) else held.descriptors[0]

    def states(self, after: str = "") -> Mapping[str, LockState]:
        """Return a page of names, sorted, and how it is with them."""
        names = sorted(name for name in self._held if name > after)[:PAGE]
        return {name: self._state(self._held[name]) for name in names}

    def holds_guests(self) -> bool:
        """Tell whether there is a guest's lock among them, be it on its way in or out."""
        return any(name.startswith(lock_names.GUEST_PREFIX) for name in self._held)

    def count(self) -> int:
        """Return how many names there are."""
        return len(self._held)

    def _refusal(self, name: str, descriptor: int) -> Refusal | None:
        if name in self._held:
            return Refusal(No.HELD, f"{name} is held already")
        if len(self._held) >= self._limit:
            return Refusal(No.FULL, f"{self._limit} locks are held")
        if not _carries_lock(descriptor):
            return Refusal(No.UNFIT, "the descriptor carries no exclusive flock")
        if os.path.basename(_path_of(descriptor)) != name:
            return Refusal(No.UNFIT, f"the descriptor is not that of the lock file {name}")
        return None

    def _tell_store(self, name: str, descriptor: int) -> int | None:
        if self._notifier is None:
            return None
        self._notifier.store(name, descriptor)
        try:
            return self._notifier.barrier()
        except OSError:
            self._notifier.forget(name)
            raise

    def _found(self, name: str) -> Held | Refusal:
        held = self._held.get(name)
        if held is None:
            return Refusal(No.UNKNOWN, f"{name} is not held")
        if held.state is not LockState.HELD:
            return Refusal(No.BUSY, f"{name} waits for systemd to confirm: {held.state.value}")
        return held

    def _state(self, held: Held) -> LockState:
        if held.state is LockState.HELD and not _carries_lock(held.descriptors[0]):
            return LockState.LOST
        return held.state


def _carries_lock(descriptor: int) -> bool:
    try:
        with open(f"/proc/self/fdinfo/{descriptor}") as file:
            return fdinfo.holds_flock(file.read())
    except OSError:
        return False


def _path_of(descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""
