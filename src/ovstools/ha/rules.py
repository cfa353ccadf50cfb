"""The safety rules as functions that the agent calls by name.

A test passes in an agent whose rule is deliberately broken, and the simulator must notice.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model.owner_record import GuestState, OwnerRecord, RecordRead
from .certificate import Certificate, Evidence, certificate
from .failures import after_failure
from .observation import Observation
from .orders import Entry, Orders
from .wishes import Wish


class Rules:
    """The rules as they are; a broken copy overrides a method."""

    def may_start(self, lock_granted: bool) -> bool:
        """Rule 1: a start needs the guest's lock."""
        return lock_granted

    def keeps_locks(self) -> bool:
        """Rule 2: the keeper acknowledges the lock before the start."""
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

    def may_act(self, observation: Observation) -> bool:
        """Rule 5: no sight, no act."""
        return observation.files is not None

    def wants(self, wish: Wish) -> Wish:
        """Rule 6: what the operator wants."""
        return wish

    def after_failure(self, entry: Entry, wish: Wish, reason: str) -> Entry:
        """Rule 7: limits end every series of attempts."""
        return after_failure(entry, wish, reason)

    def may_resume(self, record: RecordRead, me: str, lock_granted: bool) -> bool:
        """Rule 8: a guest that arrived is resumed under its lock, by a record that names us."""
        return (
            lock_granted
            and isinstance(record, OwnerRecord)
            and record.state is GuestState.MIGRATING
            and record.target == me
        )

    def knows_guests(self, observation: Observation) -> bool:
        """Rule 9: an answer that is unknown is not absence."""
        return observation.guests is not None

    def may_act_without_node_lock(self) -> bool:
        """Rule 9: an agent without its own node lock starts and adopts nothing."""
        return False
