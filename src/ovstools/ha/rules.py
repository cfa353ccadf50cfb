"""The safety rules as functions that the agent calls by name.

A test passes in an agent whose rule is deliberately broken, and the simulator must notice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..model.owner_record import GuestState, OwnerRecord, RecordRead
from .certificate import Certificate, Evidence, certificate
from .failures import after_failure
from .observation import Observation
from .orders import Entry, Orders
from .wishes import Wish


class Rules:
    """The rules as they are; a broken copy overrides a method."""

    def needs_lock(self) -> bool:
        """Rule 1: a guest runs only where its lock is held."""
        return True

    def keeps_locks(self) -> bool:
        """Rule 2: the keeper acknowledges the lock before the start."""
        return True

    def needs_node_lock_of_the_dead(self) -> bool:
        """Rule 3: a server that is not live is dead only when the master holds its node lock."""
        return True

    def certify(
        self, record: RecordRead, guest: str, numbers: Mapping[str, int], evidence: Evidence
    ) -> Certificate:
        """Rule 3: the start certificate."""
        return certificate(record, guest, numbers, evidence)

    def accepts(self, orders: Orders, highest_epoch: int) -> bool:
        """Rule 4: an agent refuses orders of a lower epoch."""
        return orders.epoch >= highest_epoch

    def may_decide(self, holds_master_lock: bool) -> bool:
        """Rule 4: only the holder of locks/master decides."""
        return holds_master_lock

    def repeats(self) -> bool:
        """Rule 4: an order that was accepted in an earlier life is answered, never repeated."""
        return False

    def sight(self, observation: Observation) -> Observation:
        """Rule 5: no sight, no act: an agent that cannot read the files has none to act upon."""
        return observation

    def wants(self, wish: Wish) -> Wish:
        """Rule 6: what the operator wants."""
        return wish

    def stays_off(self, entry: Entry) -> bool:
        """Rule 6: a guest that was shut down from inside, or destroyed by hand, stays off."""
        return entry.halted

    def after_failure(self, entry: Entry, wish: Wish, reason: str) -> Entry:
        """Rule 7: limits end every series of attempts."""
        return after_failure(entry, wish, reason)

    def waits_for_lock(self) -> bool:
        """Rule 8: a guest that arrived is resumed only when its source has unlocked it."""
        return True

    def may_resume(self, record: RecordRead, me: str) -> bool:
        """Rule 8: the record says that it was sent to us."""
        return (
            isinstance(record, OwnerRecord)
            and record.state is GuestState.MIGRATING
            and record.target == me
        )

    def knows_guests(self, observation: Observation) -> bool:
        """Rule 9: an answer that is unknown is not absence."""
        return observation.guests is not None

    def may_leave(self, guests: Collection[str]) -> bool:
        """Rule 10: a server that shuts down keeps its floor until no guest is left on it."""
        return not guests

    def needs_own_node_lock(self) -> bool:
        """Rule 9: an agent without its own node lock starts and adopts nothing."""
        return True
