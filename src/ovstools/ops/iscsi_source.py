"""A repository's source iscsi://PORTAL/IQN/LUN: from its name to a device that can be mounted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

from ..errors import RefusedError
from ..model.chap import Chap
from ..model.iscsi import NodeRecord, ScsiDisk, Session, TargetPortal, Wanted
from ..model.source import IscsiSource
from ..system import iscsiadm
from ..system.host import Host
from ..system.iscsi_sessions import read_sessions
from . import iscsi_discover, iscsi_list, iscsi_prune, iscsi_service, iscsi_use
from .iscsi_steps import Goal, login_steps, lun_words, pick
from .plan import Plan, Step


@dataclass(frozen=True)
class IscsiRequest:
    """What the command line says of iSCSI, beside the source itself.

    prune: delete the node records of all other targets; all_portals: one session for each
    portal that the target has or is recorded with, for multipathd.
    """

    chap: Chap | None = None
    prune: bool = False
    all_portals: bool = False


def connect(host: Host, source: IscsiSource, request: IscsiRequest) -> Union[Plan, str]:
    """Return the device of a LUN; or the plan that logs in to it, to look again after that.

    Raises RefusedError when the target is not there, or its LUN has several paths and no map.
    """
    start = iscsi_service.start_steps(host)
    if start:
        then = f"then {source} is logged in to, and becomes the repository"
        return Plan(tuple(start), notices=(then,), look_again=True)
    if request.all_portals and not iscsi_service.has_multipathd(host):
        raise RefusedError(
            "several sessions with one target need multipathd, and it does not run",
            hint="apt-get install multipath-tools (Oracle Linux: dnf install "
            "device-mapper-multipath; mpathconf --enable), or leave --all-portals out",
        )
    records, sessions = iscsiadm.read_records(host), read_sessions(host)
    steps: list[Step] = []
    chosen = _choose(host, source, request, records, sessions)
    for at in chosen:
        record = next((each for each in records if each.at == at), None)
        session = next((each for each in sessions if each.at == at), None)
        if session is None:
            iscsi_discover.refuse_unreachable(host, at.portal)
        goal = Goal(at, record, session, request.chap, needs_lun=True, lun=source.lun)
        steps += login_steps(host, goal)
    steps += iscsi_service.boot_steps(host)
    if request.prune:
        keep = [Wanted(at.iqn, at.portal) for at in chosen]
        steps = [*iscsi_prune.prune_steps(host, keep, records), *steps]
    if steps:
        then = f"then the device of {source} becomes the repository"
        return Plan(tuple(steps), notices=(then,), look_again=True)
    return _device(host, source, [each for each in sessions if each.at in chosen], sessions)


def _choose(
    host: Host,
    source: IscsiSource,
    request: IscsiRequest,
    records: Sequence[NodeRecord],
    sessions: Sequence[Session],
) -> tuple[TargetPortal, ...]:
    """Return the portals of the target to log in through; ask the portal only when it must be."""
    wanted = source.wanted
    there = [each.at for each in records if wanted.means(each.at)]
    in_session = [each.at for each in sessions if wanted.means(each.at)]
    if there and in_session and not request.all_portals:
        return (there[0],)
    offered = iscsi_discover.ask(host, [source.at])
    found = [at for at in offered if at.iqn.lower() == source.iqn.lower()]
    if not found:
        raise RefusedError(
            f"{source.at} does not offer {source.iqn} to this server",
            *(f"it offers {at.iqn}" for at in offered),
            hint="is the name right, and does the target let this initiator in? "
            + iscsiadm.INITIATOR,
        )
    if request.all_portals:
        # Some targets tell only of the portal that was asked: of the others there are records.
        recorded = [each.at for each in records if each.at.iqn.lower() == source.iqn.lower()]
        return tuple(dict.fromkeys([*found, *recorded]))
    here = [at for at in found if wanted.means(at)]
    if not here and len(found) > 1:
        raise RefusedError(
            f"{source.iqn} is not at {source.at} itself, but at several other portals",
            *(str(at) for at in found),
            hint="give one of these as the portal, or --all-portals with multipathd",
        )
    if not here:
        host.talk.notice(f"{source.at} says that {source.iqn} is at {found[0].portal}")
    return ((here or found)[0],)


def _device(
    host: Host, source: IscsiSource, chosen: Sequence[Session], sessions: Sequence[Session]
) -> str:
    """Return the path of the LUN's device: the multipath map where there is one."""
    disks = [disk for session in chosen if (disk := pick(session, source.lun))]
    if not disks:
        raise RefusedError(f"{source} has no device", *map(str, _words(chosen)))
    paths = _paths(disks[0], sessions)
    maps = _maps(host, paths)
    if not maps and len(paths) > 1 and iscsi_service.has_multipathd(host):
        maps = _await_map(host, source, paths)
    if len(maps) == 1:
        return maps[0]
    if len(paths) > 1:
        raise RefusedError(
            f"{source} has {len(paths)} paths and no multipath map; a single path is not used",
            *(disk.path for disk in paths),
            hint=f"let multipathd take it: multipath -a {paths[0].path}; multipathd reconfigure\n"
            "or log out of all portals but one: ovstools iscsi logout IQN@PORTAL",
        )
    return disks[0].path


def _words(sessions: Sequence[Session]) -> list[str]:
    return [word for session in sessions for word in lun_words(session)]


def _paths(disk: ScsiDisk, sessions: Sequence[Session]) -> list[ScsiDisk]:
    """Return the disks of all sessions that are this one LUN."""
    if disk.wwid is None:
        return [disk]
    return [each for session in sessions for each in session.disks if each.wwid == disk.wwid]


def _maps(host: Host, paths: Sequence[ScsiDisk]) -> list[str]:
    trees = [tree for disk in paths if (tree := iscsi_use.tree_of(host, disk))]
    maps = [found.path for tree in trees if (found := iscsi_list.multipath_map(tree))]
    return list(dict.fromkeys(maps))


def _await_map(host: Host, source: IscsiSource, paths: Sequence[ScsiDisk]) -> list[str]:
    limit_s = host.settings.limits.settle_s
    host.talk.notice(f"wait up to {limit_s:g} s for the multipath map of {source}")
    deadline = host.clock.monotonic() + limit_s
    while not (maps := _maps(host, paths)) and host.clock.monotonic() < deadline:
        host.clock.sleep(0.5)
    return maps
