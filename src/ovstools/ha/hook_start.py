"""A start by hand, as the agent does its own: lock, certificate (rule 3), record, keeper.

The keeper has the lock before the guest runs; a kill between any two leaves one owner at most.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import replace

from ..errors import OvsError, ToolError
from ..model import lock_names
from ..model.owner_record import BY_HAND, GuestState, OwnerRecord, RecordRead
from ..system.host import Host
from . import locks
from .certificate import Granted, Lacking
from .certifying import certified
from .deadline import Deadline
from .forms.event import Event, format_event
from .hook_sight import HookSight
from .keeper_client import KeeperClient
from .kept_locks import SOCKET
from .pool_files import append_lines
from .pool_io import Done, PoolIo, wait
from .work import evidence, record, sequences

#: what is left of the deadline for the record and the keeper
RESERVE_S = 1.5
PAUSE_S = 0.2
RELEASE_S, EVENT_S = 60.0, 1.0


class HookStart:
    """One start; sight: what proves that the guest runs nowhere else."""

    def __init__(
        self, host: Host, io: PoolIo, sight: HookSight, guest: str, uuid: str, deadline: Deadline
    ) -> None:
        self._host = host
        self._io = io
        self._sight = sight
        self._guest = guest
        self._uuid = uuid
        self._lock = lock_names.guest_lock(guest)
        self._deadline = deadline

    def run(self) -> None:
        """Return when the keeper has the lock; raise OvsError, the lock let go, when not."""
        found = wait(locks.take(self._io, self._lock, self._deadline.left_s(RESERVE_S)))
        if isinstance(found, locks.Denied):
            raise ToolError(f"its lock is held elsewhere{self._holder()}")
        if not isinstance(found, locks.Granted):
            raise ToolError(f"its lock cannot be taken: {found}")
        try:
            self._start_locked(found)
        finally:
            with contextlib.suppress(OSError):  # no child to be had: our own end closes it
                locks.release(self._io, found.descriptor, RELEASE_S)

    def _start_locked(self, lock: locks.Granted) -> None:
        sight = self._sight
        before = locks.record_of(lock.content)
        if isinstance(before, OwnerRecord) and before.owner == sight.identity.node:
            sight.is_absent |= before.boot_id != sight.identity.boot
        proof, at_grant = self._certified(before)
        mine = record(sight, self._guest, GuestState.STARTING, before)
        mine = replace(mine, incarnation=f"{BY_HAND}{os.urandom(8).hex()}")
        if self._uuid and mine.guest_uuid == self._guest:
            mine = replace(mine, guest_uuid=self._uuid)
        self._write(lock.descriptor, mine)
        try:
            self._certify_again(before, at_grant)
            self._keeper().put(self._lock, lock.descriptor)
        except OvsError:
            with contextlib.suppress(OvsError):
                self._write(lock.descriptor, _undone(before, mine))
            raise
        self._tell(proof)

    # ------------------------------------------------------------ the certificate

    def _certified(self, before: RecordRead) -> tuple[Granted, Mapping[str, int]]:
        """Return the certificate, and the reports' numbers when the lock was ours."""
        self._look()
        at_grant = sequences(self._sight)
        is_off = isinstance(before, OwnerRecord) and before.state is GuestState.STOPPED
        # A report counts when it has moved before our eyes: agents raise its number every 2 s
        while not is_off and self._sight.is_still(before) and self._deadline.has(RESERVE_S + 1):
            self._host.clock.sleep(PAUSE_S)
            self._look()
        steps = certified(self._sight, self._guest, before, by_hand=True)
        try:
            next(steps)  # it would wait for further reports: there is no time for that
            proof = self._ask(before, at_grant)
        except StopIteration as ended:
            proof = ended.value
        if isinstance(proof, Lacking):
            raise ToolError(f"it may run elsewhere: {proof.reason}")
        return proof, at_grant

    def _certify_again(self, before: RecordRead, at_grant: Mapping[str, int]) -> None:
        """Ask once more, as storage may have let the record wait."""
        if not isinstance(before, OwnerRecord):
            return  # what is gone cannot be written back
        self._look()
        proof = self._ask(before, at_grant)
        if isinstance(proof, Lacking):
            raise ToolError(f"it may run elsewhere: {proof.reason}")

    def _ask(self, before: RecordRead, at_grant: Mapping[str, int]) -> Granted | Lacking:
        sight = self._sight
        known = evidence(sight, at_grant, sight.is_absent)
        return sight.rules.certify(before, self._guest, sight.identity.numbers, known)

    def _look(self) -> None:
        trouble = self._sight.look(self._deadline.left_s(RESERVE_S / 2))
        if trouble:
            raise ToolError(trouble)

    # ------------------------------------------------------------ the pool file system

    def _write(self, descriptor: int, new: OwnerRecord) -> None:
        left_s = self._deadline.left_s()
        found = wait(locks.write_record(self._io, self._guest, descriptor, new, left_s))
        if not isinstance(found, Done):
            raise ToolError(f"its owner record cannot be written: {found}")

    def _keeper(self) -> KeeperClient:
        path = str(self._host.path(f"{self._host.settings.paths.run}/{SOCKET}"))
        return KeeperClient(path, self._host.clock, self._deadline.left_s())

    def _holder(self) -> str:
        """Say who has it, as far as the record tells."""
        with contextlib.suppress(OvsError):
            found = wait(locks.read_blocks(self._io, [self._lock], self._deadline.left_s()))
            read = next(iter(found.values()), None) if isinstance(found, Mapping) else None
            owner = None if read is None else locks.record_of(read)
            if isinstance(owner, OwnerRecord):
                return f"; its record names {' and '.join(owner.nodes)}, {owner.state.value}"
        return ""

    def _tell(self, proof: Granted) -> None:
        """Append the certificate to this server's second file of events: the first is the agent's.

        The guest is locked by now: what fails here is lost.
        """
        node = self._sight.identity.node
        proofs = tuple(map(str, proof.proofs))
        event = Event(time.time(), node, "certificate", self._guest, "started by hand", proofs)
        with contextlib.suppress(OvsError):
            limit_s = min(EVENT_S, self._deadline.left_s())
            wait(append_lines(self._io, f"events/{node}.hook.jsonl", format_event(event), limit_s))


def _undone(before: RecordRead, mine: OwnerRecord) -> OwnerRecord:
    """Return the record that stands when the start is given up after ours was written.

    Without one before there was proof for every server, and so it is off.
    """
    if isinstance(before, OwnerRecord):
        return replace(before, sequence=mine.sequence + 1)
    return replace(mine, state=GuestState.STOPPED, sequence=mine.sequence + 1)
