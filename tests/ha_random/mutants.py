"""Agents whose safety rules are broken on purpose, one at a time; the simulator must notice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ovstools.ha.certificate import Certificate, Evidence, Granted
from ovstools.ha.observation import Files, Observation
from ovstools.ha.orders import Entry, Orders, Phase
from ovstools.ha.rules import Rules
from ovstools.ha.wishes import STARTED, STOPPED, Wish
from ovstools.model.owner_record import RecordRead


class StartsWithoutLock(Rules):
    """Rule 1: takes no lock."""

    def needs_lock(self) -> bool:
        """Start anyway."""
        return False


class KeepsLocksItself(Rules):
    """Rule 2: the agent holds the guests' locks, and they die with it."""

    def keeps_locks(self) -> bool:
        """Give the keeper nothing."""
        return False


class CertifiesBlindly(Rules):
    """Rule 3: a server that is not live is dead, and whoever has the guest's lock may start."""

    def needs_node_lock_of_the_dead(self) -> bool:
        """Take no node lock."""
        return False

    def certify(
        self, record: RecordRead, guest: str, numbers: Mapping[str, int], evidence: Evidence
    ) -> Certificate:
        """Ask nobody."""
        return Granted(())


class ObeysAnybody(Rules):
    """Rule 4: obeys orders of an epoch that is over."""

    def accepts(self, orders: Orders, highest_epoch: int) -> bool:
        """Obey."""
        return True


class DecidesWithoutLock(Rules):
    """Rule 4: every agent takes itself for the master."""

    def may_decide(self, holds_master_lock: bool) -> bool:
        """Decide."""
        return True


class Repeats(Rules):
    """Rule 4: after a crash it carries its accepted orders out again."""

    def repeats(self) -> bool:
        """Repeat."""
        return True


class ActsBlindly(Rules):
    """Rule 5: goes on by the last files that it could read."""

    def __init__(self) -> None:
        self._last: dict[str, Files] = {}

    def sight(self, observation: Observation) -> Observation:
        """Remember what was seen."""
        node = next((name for name in observation.kept if name.startswith("node-")), "")
        if observation.files is not None:
            self._last[node] = observation.files
            return observation
        return replace(observation, files=self._last.get(node))


class KnowsBetter(Rules):
    """Rule 6: starts what its operator stopped."""

    def wants(self, wish: Wish) -> Wish:
        """Want it started."""
        return wish._replace(state=STARTED) if wish.state == STOPPED else wish


class ForgetsWhoHalted(Rules):
    """Rule 6: starts what was shut down from inside."""

    def stays_off(self, entry: Entry) -> bool:
        """Start it."""
        return False


class NeverGivesUp(Rules):
    """Rule 7: restarts for ever."""

    def after_failure(self, entry: Entry, wish: Wish, reason: str) -> Entry:
        """Try again at once."""
        return entry._replace(phase=Phase.WAITING, order=None, target=entry.node, wait_s=1.0)


class ResumesUnlocked(Rules):
    """Rule 8: resumes what arrives, before its source has unlocked it."""

    def waits_for_lock(self) -> bool:
        """Resume."""
        return False


class TakesUnknownForAbsent(Rules):
    """Rule 9: a hypervisor that has not answered yet has no guests."""

    def knows_guests(self, observation: Observation) -> bool:
        """Believe so."""
        return True


class StartsWithoutNodeLock(Rules):
    """Rule 9: does not care for its own node lock."""

    def needs_own_node_lock(self) -> bool:
        """Take none."""
        return False


class PullsTheFloorAway(Rules):
    """Rule 10: lets the storage go at a shutdown, whatever still runs."""

    def may_leave(self, guests: Collection[str]) -> bool:
        """Leave."""
        return True


MUTANTS = (
    StartsWithoutLock,
    KeepsLocksItself,
    CertifiesBlindly,
    ObeysAnybody,
    DecidesWithoutLock,
    Repeats,
    ActsBlindly,
    KnowsBetter,
    ForgetsWhoHalted,
    NeverGivesUp,
    ResumesUnlocked,
    TakesUnknownForAbsent,
    StartsWithoutNodeLock,
    PullsTheFloorAway,
)
