"""Safety rule 3: may a guest be started here, given what its owner record names?

Pure: the caller holds the guest's lock and asks at the moment of execution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Union

from ..model.owner_record import GuestState, OwnerRecord, RecordRead
from .report import Seen

DEAD, RELEASED, NEW_BOOT, SELF = "dead", "released", "new boot", "asked here"


class Proof(NamedTuple):
    """Why a guest cannot be running on a server."""

    node: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.node}: {self.kind}: {self.text}"


class Granted(NamedTuple):
    """The guest may be started."""

    proofs: tuple[Proof, ...]


class Lacking(NamedTuple):
    """The guest must not be started; is_near: what lacks may be there in a few seconds.

    Servers see a death one or two beats apart, and read what the master holds a little later.
    """

    reason: str
    is_near: bool = False


Certificate = Union[Granted, Lacking]


@dataclass(frozen=True)
class Evidence:
    """What the starting server knows. absent_here: its own hypervisors say so, lock in hand."""

    me: str
    now: float
    live: frozenset[int] | None
    steady_since: float | None
    dead_s: float
    node_locks: frozenset[str]
    reports: Mapping[str, Seen]
    absent_here: bool
    stale_s: float = 30.0
    #: sequence numbers of the reports when our lock was granted
    at_grant: Mapping[str, int] | None = None


def certificate(
    record: RecordRead, guest: str, numbers: Mapping[str, int], evidence: Evidence
) -> Certificate:
    """Prove for every server that the record names that the guest cannot be running there.

    A missing or unreadable record names every node of cluster.conf.
    """
    boot = None
    nodes: tuple[str, ...] = tuple(numbers)
    if isinstance(record, OwnerRecord):
        if record.state is GuestState.STOPPED:
            text = "the record says stopped"
            return Granted((Proof(record.owner, RELEASED, text),))
        nodes, boot = record.nodes, record.boot_id
    proofs = []
    for node in nodes:
        own_boot = boot if isinstance(record, OwnerRecord) and node == record.owner else None
        found = _proof(node, guest, numbers.get(node), own_boot, evidence)
        if isinstance(found, Lacking):
            return found
        proofs.append(found)
    return Granted(tuple(proofs))


def _proof(
    node: str, guest: str, number: int | None, boot: str | None, evidence: Evidence
) -> Proof | Lacking:
    if node == evidence.me:
        if evidence.absent_here:
            return Proof(node, SELF, "our own hypervisors say that it is not here")
        return Lacking("our own hypervisors have not said that it is not here")
    if evidence.live is None:
        return Lacking("the live nodes cannot be read")
    if number is None:
        return Lacking(f"{node} is not in cluster.conf")
    if number not in evidence.live:
        return _dead(node, evidence)
    if node in evidence.node_locks:
        return Lacking(f"{node} is still live here, and dead to the master", is_near=True)
    return _new_boot(node, guest, boot, evidence)


def _dead(node: str, evidence: Evidence) -> Proof | Lacking:
    if evidence.steady_since is None or evidence.now - evidence.steady_since < evidence.dead_s:
        return Lacking(f"{node} is not live, but our own heartbeat is not steady long enough")
    if node not in evidence.node_locks:
        why = f"{node} is not live, but its node lock is not granted to the master"
        return Lacking(why, is_near=True)
    return Proof(node, DEAD, "not live, and its node lock is granted to the master")


def _new_boot(node: str, guest: str, boot: str | None, evidence: Evidence) -> Proof | Lacking:
    seen = evidence.reports.get(node)
    if seen is None or not seen.moved or evidence.now - seen.since > evidence.stale_s:
        return Lacking(f"{node} is live, and its agent does not report")
    report = seen.report
    if not report.node_lock or not report.asked:
        return Lacking(f"{node} is live, and its agent is not ready")
    local = report.guests.get(guest)
    if local is not None and (local.power.is_here or local.locked):
        return Lacking(f"{guest} is on {node}")
    if boot is None:
        # No boot id to compare: two answers later than our lock say that it is not there, and
        # without our lock it cannot come there.
        if evidence.at_grant is None or seen.sequence < evidence.at_grant.get(node, 0) + 2:
            return Lacking(f"{node} has not answered since we hold the lock of {guest}")
        return Proof(node, NEW_BOOT, "its hypervisors say, since we hold the lock: not there")
    if report.boot == boot:
        return Lacking(f"{node} is live, in the boot that the record names")
    return Proof(node, NEW_BOOT, f"boot {report.boot} after {boot}, and not there")
