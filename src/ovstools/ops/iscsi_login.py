"""iscsi login: log in to recorded targets, now and at each boot, and name their devices.

White paper, steps 6 to 8: review the partitions, restart the service, review them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import RefusedError
from ..model.chap import Chap
from ..model.iscsi import NodeRecord, Wanted, parse_wanted
from ..system import iscsiadm
from ..system.host import Host
from ..system.iscsi_sessions import read_sessions
from . import iscsi_list, iscsi_service
from .iscsi_discover import refuse_unreachable
from .iscsi_steps import Goal, login_steps
from .plan import Plan, Report, Step


@dataclass(frozen=True)
class Request:
    """The words of the command line; without targets, all that are recorded."""

    targets: tuple[str, ...] = ()
    chap: Chap | None = None


def plan(host: Host, request: Request) -> Plan:
    """Plan what logs in to the records, and has each boot do so."""
    wanted = tuple(parse_wanted(word) for word in request.targets)
    start = iscsi_service.start_steps(host)
    if start:
        then = "the targets are logged in to after that"
        return Plan(tuple(start), notices=(then,), look_again=True)
    chosen = choose(iscsiadm.read_records(host), wanted)
    sessions = {each.at: each for each in read_sessions(host)}
    steps: list[Step] = []
    for record in chosen:
        session = sessions.get(record.at)
        if session is None:
            refuse_unreachable(host, record.at.portal)
        steps += login_steps(host, Goal(record.at, record, session, request.chap))
    steps += iscsi_service.boot_steps(host)
    before = {disk.device for session in sessions.values() for disk in session.disks}
    return Plan(
        tuple(steps),
        report_after=lambda host: _report(host, chosen, before, changed=bool(steps)),
    )


def choose(records: Sequence[NodeRecord], wanted: Iterable[Wanted]) -> tuple[NodeRecord, ...]:
    """Return the records that are meant; all, when nothing is named.

    Raises RefusedError when there are none, or none for a word.
    """
    words = tuple(wanted)
    for word in words:
        refuse_unknown(word, [record for record in records if word.means(record.at)], records)
    if not records:
        raise RefusedError("there is no node record", hint="ovstools iscsi discover PORTAL")
    return tuple(
        record for record in records if not words or any(word.means(record.at) for word in words)
    )


def refuse_unknown(word: Wanted, found: Sequence[object], records: Sequence[NodeRecord]) -> None:
    """Raise RefusedError when nothing was found for a word: it may be misspelled."""
    if not found:
        raise RefusedError(
            f"there is no node record of {word}",
            *(str(record.at) for record in records),
            hint="ovstools iscsi discover PORTAL",
        )


def _report(host: Host, chosen: Sequence[NodeRecord], before: set[str], changed: bool) -> Report:
    wanted = {record.at for record in chosen}
    rows = [row for row in iscsi_list.read_rows(host) if row.at in wanted]
    lines = []
    for row in rows:
        new = row.disk is not None and row.disk.device not in before
        lines.append(f"{row.at} is {'' if changed and new else 'already '}logged in: {row.words}")
    data = {
        "changed": changed,
        "devices": [row.device for row in rows if row.disk and row.disk.device not in before],
        "sessions": [row.data for row in rows],
    }
    return Report(tuple(lines), data)
