"""Safety rule 3, as a table: what each piece of evidence proves, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ovstools.ha.certificate import DEAD, NEW_BOOT, RELEASED, SELF, Evidence, Granted, certificate
from ovstools.ha.report import Local, Power, Report, Seen
from ovstools.model.owner_record import GuestState, Missing, OwnerRecord, RecordRead, Unreadable

NUMBERS = {"n1": 0, "n2": 1, "n3": 2}
RUNNING = OwnerRecord("uuid", "n3", 2, "n3-old", "i", GuestState.RUNNING)
STOPPED = replace(RUNNING, state=GuestState.STOPPED)
MIGRATING = replace(RUNNING, state=GuestState.MIGRATING, target="n2")
HERE = {"g": Local(Power.RUNNING, True)}


def seen(
    node: str, boot: str = "new", since: float = 99.0, moved: bool = True, sequence: int = 9,
    **values: object,
) -> Seen:  # fmt: skip
    """Return a report as the starting server sees it."""
    report = replace(Report(node, boot, True, True), **values)  # type: ignore[arg-type]
    return Seen(report, sequence, since, moved)


BASE = Evidence(
    me="n1", now=100.0, live=frozenset({0, 1}), steady_since=0.0, dead_s=62.0,
    node_locks=frozenset({"n3"}), reports={}, absent_here=True, at_grant={"n2": 7, "n3": 7},
)  # fmt: skip
BACK = replace(BASE, live=frozenset({0, 1, 2}), node_locks=frozenset())


@pytest.mark.parametrize(
    ("record", "evidence", "kinds"),
    [
        (STOPPED, replace(BASE, live=None), [RELEASED]),
        (RUNNING, BASE, [DEAD]),
        (RUNNING, replace(BACK, reports={"n3": seen("n3", "n3-new")}), [NEW_BOOT]),
        (replace(RUNNING, owner="n1", owner_number=0), BASE, [SELF]),
        (MIGRATING, replace(BASE, reports={"n2": seen("n2")}), [DEAD, NEW_BOOT]),
        (MIGRATING, replace(BASE, live=frozenset({0}), node_locks=frozenset({"n2", "n3"})),
         [DEAD, DEAD]),
        (Missing(), replace(BASE, reports={"n2": seen("n2")}), [SELF, NEW_BOOT, DEAD]),
        (Unreadable("torn"), replace(BASE, reports={"n2": seen("n2")}), [SELF, NEW_BOOT, DEAD]),
    ],
)  # fmt: skip
def test_granted(record: RecordRead, evidence: Evidence, kinds: list[str]) -> None:
    found = certificate(record, "g", NUMBERS, evidence)
    assert isinstance(found, Granted), found
    assert [proof.kind for proof in found.proofs] == kinds


@pytest.mark.parametrize(
    ("record", "evidence", "reason"),
    [
        (RUNNING, replace(BASE, live=None), "the live nodes cannot be read"),
        (RUNNING, replace(BASE, steady_since=None), "not steady long enough"),
        (RUNNING, replace(BASE, steady_since=38.5), "not steady long enough"),
        (RUNNING, replace(BASE, node_locks=frozenset()), "node lock is not granted"),
        (RUNNING, BACK, "its agent does not report"),
        (RUNNING, replace(BACK, reports={"n3": seen("n3", since=69.0)}), "does not report"),
        (RUNNING, replace(BACK, reports={"n3": seen("n3", moved=False)}), "does not report"),
        (RUNNING, replace(BACK, reports={"n3": seen("n3", node_lock=False)}), "not ready"),
        (RUNNING, replace(BACK, reports={"n3": seen("n3", asked=False)}), "not ready"),
        (RUNNING, replace(BACK, reports={"n3": seen("n3", "n3-old")}), "in the boot that"),
        (RUNNING, replace(BACK, reports={"n3": seen("n3", guests=HERE)}), "g is on n3"),
        (replace(RUNNING, owner="n9"), BASE, "n9 is not in cluster.conf"),
        (replace(RUNNING, owner="n1"), replace(BASE, absent_here=False), "our own hypervisors"),
        (MIGRATING, BASE, "n2 is live, and its agent does not report"),
        (MIGRATING, replace(BASE, reports={"n2": seen("n2", sequence=8)}), "has not answered"),
        (MIGRATING, replace(BASE, reports={"n2": seen("n2", guests=HERE)}), "g is on n2"),
        (Missing(), BASE, "n2 is live, and its agent does not report"),
        (Missing(), replace(BASE, reports={"n2": seen("n2")}, node_locks=frozenset()), "node lock"),
        (Missing(), replace(BASE, reports={"n2": seen("n2")}, at_grant=None), "has not answered"),
    ],
)  # fmt: skip
def test_lacking(record: RecordRead, evidence: Evidence, reason: str) -> None:
    found = certificate(record, "g", NUMBERS, evidence)
    assert not isinstance(found, Granted), found
    assert reason in found.reason
