"""iscsi discover: ask portals for their targets, and make a node record of each.

White paper, steps 2 and 3: start the service, run discovery. What iscsiadm's own discovery does
besides is left out: it would overwrite the settings of the records that are there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import RefusedError
from ..model.iscsi import NodeRecord, Portal, TargetPortal, parse_portal
from ..system import iscsiadm
from ..system.host import Host
from . import iscsi_service
from .iscsi_changes import Iscsiadm
from .iscsi_steps import MANUAL, startup_steps
from .plan import Plan, Report, Step, Table

#: what new records get for node.startup
SETTINGS = "/etc/iscsi/iscsid.conf"
HEADER = ("PORTAL", "TAG", "TARGET", "RECORD")


@dataclass(frozen=True)
class Request:
    """The words of the command line."""

    portals: tuple[str, ...]


def plan(host: Host, request: Request) -> Plan:
    """Plan what records the targets that the portals offer."""
    portals = tuple(parse_portal(word) for word in request.portals)
    start = iscsi_service.start_steps(host)
    if start:
        then = f"after that, {', '.join(map(str, portals))} is asked for its targets"
        return Plan(tuple(start), notices=(then,), look_again=True)
    offered = ask(host, portals)
    known = iscsiadm.read_records(host)
    steps = record_steps(host, offered, known)
    report = _report(offered, [each.at for each in known])
    return Plan(tuple(steps), report)


def ask(host: Host, portals: Iterable[Portal]) -> tuple[TargetPortal, ...]:
    """Return what the portals offer, each once; raise RefusedError when nobody listens there."""
    found: dict[TargetPortal, None] = {}
    for portal in portals:
        refuse_unreachable(host, portal)
        host.talk.notice(f"ask {portal} for its targets")
        for each in iscsiadm.discover(host, portal):
            found[each] = None
    return tuple(found)


def refuse_unreachable(host: Host, portal: Portal) -> None:
    """Raise RefusedError unless somebody listens: iscsiadm would try for minutes."""
    why = host.why_unreachable(portal.host, portal.port, host.settings.limits.connect_s)
    if why:
        raise RefusedError(
            f"no iSCSI portal answers at {portal}",
            why,
            hint="is the address right, the storage up, and the network to it?",
        )


def record_steps(
    host: Host, offered: Iterable[TargetPortal], known: Iterable[NodeRecord]
) -> list[Step]:
    """Return the steps that make records for what has none; no boot logs in to these."""
    there = {each.at for each in known}
    steps = []
    for at in offered:
        if at in there:
            continue
        make = Iscsiadm(iscsiadm.new_record(at), f"node record of {at}")
        steps.append(Step(f"make the node record of {at}", make))
        if _makes_automatic(host):
            steps += startup_steps(at, MANUAL)
    return steps


def _makes_automatic(host: Host) -> bool:
    """Tell whether a new record logs in at boot, as Oracle Linux has it."""
    lines = (host.read(SETTINGS) or "").splitlines()
    words = [line.replace("=", " ").split() for line in lines]
    return [each for each in words if each[:1] == ["node.startup"]][-1:] == [
        ["node.startup", "automatic"]
    ]


def _report(offered: tuple[TargetPortal, ...], known: list[TargetPortal]) -> Report:
    states = [("known" if at in known else "new") for at in offered]
    rows = tuple((str(at.portal), str(at.tag), at.iqn, state) for at, state in zip(offered, states))
    data = {
        "changed": "new" in states,
        "targets": [
            {"portal": str(at.portal), "tag": at.tag, "target": at.iqn, "record": state}
            for at, state in zip(offered, states)
        ],
    }
    lines = () if offered else ("no target is offered to this server",)
    return Report(lines, data, table=Table(HEADER, rows) if offered else None)
