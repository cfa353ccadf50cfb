"""iscsi prune: delete every node record that is not wanted.

White paper, steps 4 and 5: delete the entries that the pool does not use, verify.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import RefusedError, ToolError, UsageError
from ..model.iscsi import NodeRecord, Session, TargetPortal, Wanted, parse_wanted
from ..system import iscsiadm
from ..system.host import Host
from ..system.iscsi_sessions import read_sessions
from . import iscsi_service, iscsi_use
from .iscsi_changes import Iscsiadm
from .iscsi_logout import listed_on, logout_steps
from .plan import Confirm, Plan, Report, Step


@dataclass(frozen=True)
class Request:
    """The words of the command line: what stays, IQN or IQN@PORTAL each."""

    keep: tuple[str, ...]


def plan(host: Host, request: Request) -> Plan:
    """Plan the deletion; raise RefusedError when a word keeps nothing: it may be misspelled."""
    keep = tuple(parse_wanted(word) for word in request.keep)
    if not keep:
        raise UsageError("name what stays: --keep IQN[@PORTAL], once for each")
    iscsi_service.refuse_offline(host)
    records = iscsiadm.read_records(host)
    for word in keep:
        if not any(word.means(record.at) for record in records):
            raise RefusedError(
                f"{word} is to be kept, but there is no node record of it",
                *(str(record.at) for record in records),
                hint="ovstools iscsi discover PORTAL, or correct the word; nothing was deleted",
            )
    steps = prune_steps(host, keep, records)
    return Plan(tuple(steps), _report(keep, records, bool(steps)))


def prune_steps(host: Host, keep: Sequence[Wanted], records: Sequence[NodeRecord]) -> list[Step]:
    """Return the steps that delete the records that nobody keeps, logged out first.

    Raises RefusedError when one of their sessions is in use, or has a listed repository.
    """
    unwanted = _unwanted(keep, records)
    sessions = [each for each in read_sessions(host) if each.at in unwanted]
    iscsi_use.refuse_in_use(host, sessions)
    _refuse_listed(host, sessions)
    steps = logout_steps(host, sessions)
    for at in unwanted:
        delete = Iscsiadm(iscsiadm.delete_record(at), f"node record of {at}")
        steps.append(Step(f"delete the node record of {at}", delete))
    if unwanted:
        steps.append(_verify_step(unwanted))
    return steps


def _unwanted(keep: Sequence[Wanted], records: Sequence[NodeRecord]) -> tuple[TargetPortal, ...]:
    gone = (each.at for each in records if not any(word.means(each.at) for word in keep))
    return tuple(dict.fromkeys(gone))


def _refuse_listed(host: Host, sessions: Sequence[Session]) -> None:
    names = listed_on(host, sessions)
    if names:
        raise RefusedError(
            "a listed repository is on a target that is not kept; nothing was deleted",
            *names,
            hint="keep its target, or take it off the list: ovs-offlinerepo -d UUID",
        )


def _verify_step(unwanted: Iterable[TargetPortal]) -> Step:
    def are_gone(host: Host) -> None:
        left = [each.at for each in iscsiadm.read_records(host) if each.at in unwanted]
        if left:
            raise ToolError("node records are still there", *map(str, left))

    return Step("verify the node records", Confirm("only what is kept is left", are_gone))


def _report(keep: Sequence[Wanted], records: Sequence[NodeRecord], changed: bool) -> Report:
    unwanted = _unwanted(keep, records)
    kept = [each.at for each in records if each.at not in unwanted]
    line = f"{len(unwanted)} node records deleted" if changed else "nothing but this was there"
    data = {
        "changed": changed,
        "deleted": [str(at) for at in unwanted],
        "kept": [str(at) for at in kept],
    }
    return Report((*(f"kept: {at}" for at in kept), line), data)
