"""iscsi logout: end the sessions with targets that nothing uses; no boot logs in again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import RefusedError, ToolError
from ..model.iscsi import NodeRecord, Session, TargetPortal, parse_wanted
from ..system import iscsiadm
from ..system.host import Host
from ..system.iscsi_sessions import read_sessions
from . import iscsi_service, iscsi_use, listed
from .iscsi_changes import Iscsiadm
from .iscsi_steps import MANUAL, startup_steps
from .plan import Confirm, Plan, Report, Step


@dataclass(frozen=True)
class Request:
    """The words of the command line: IQN or IQN@PORTAL each."""

    targets: tuple[str, ...]


def plan(host: Host, request: Request) -> Plan:
    """Plan the log-out; raise RefusedError, before any of it, when a session is in use."""
    wanted = [parse_wanted(word) for word in request.targets]
    iscsi_service.refuse_offline(host)
    records = iscsiadm.read_records(host)
    sessions = read_sessions(host)
    for word in wanted:
        if not any(word.means(at) for at in _places(records, sessions)):
            raise RefusedError(
                f"there is no node record of {word}, and no session",
                *(str(record.at) for record in records),
                hint="ovstools iscsi list",
            )
    ended = [each for each in sessions if any(word.means(each.at) for word in wanted)]
    chosen = [each for each in records if any(word.means(each.at) for word in wanted)]
    iscsi_use.refuse_in_use(host, ended)
    steps = logout_steps(host, ended)
    for record in chosen:
        if record.is_automatic:
            steps += startup_steps(record.at, MANUAL)
    notices = tuple(
        f"{name} is listed as a repository: it cannot be mounted until the next log-in"
        for name in listed_on(host, ended)
    )
    return Plan(tuple(steps), _report(chosen, ended, bool(steps)), notices)


def _places(records: Iterable[NodeRecord], sessions: Iterable[Session]) -> tuple[TargetPortal, ...]:
    found = [*(each.at for each in records), *(each.at for each in sessions)]
    return tuple(dict.fromkeys(found))


def logout_steps(host: Host, sessions: Iterable[Session]) -> list[Step]:
    """Return the steps that end sessions; each looks once more whether something uses it."""
    steps = []
    for session in sessions:
        log_out = iscsiadm.logout(session.sid, host.settings.limits.iscsi_s)
        change = LookAndLogOut(session, Iscsiadm(log_out, f"log-out of {session.at}"))
        steps.append(Step(f"log out of {session.at}", change))
        steps.append(_gone_step(session))
    return steps


@dataclass(frozen=True)
class LookAndLogOut:
    """End a session, unless something has begun to use it since the plan was made."""

    session: Session
    log_out: Iscsiadm

    def preview(self) -> str:
        """Return the command line."""
        return self.log_out.preview()

    def preflight(self, host: Host) -> None:
        """Leave it to apply."""

    def apply(self, host: Host) -> None:
        """Look, then log out."""
        sid = self.session.sid
        iscsi_use.refuse_in_use(host, [each for each in read_sessions(host) if each.sid == sid])
        self.log_out.apply(host)


def _gone_step(session: Session) -> Step:
    def is_gone(host: Host) -> None:
        if any(each.sid == session.sid for each in read_sessions(host)):
            raise ToolError(f"session {session.sid} with {session.at} is still there")

    return Step("verify in sysfs", Confirm(f"session {session.sid} is gone", is_gone))


def listed_on(host: Host, sessions: Sequence[Session]) -> tuple[str, ...]:
    """Name the listed repositories whose device is one of a session, or is built on it."""
    numbers = {
        device.device_number
        for session in sessions
        for disk in session.disks
        if (tree := iscsi_use.tree_of(host, disk)) is not None
        for device in tree.walk()
    }
    return tuple(
        each.name
        for each in listed.read_listed(host)
        if iscsi_use.number_of(host, each.repository.source) in numbers
    )


def _report(chosen: Sequence[NodeRecord], ended: Sequence[Session], changed: bool) -> Report:
    already = "" if changed else "already "
    lines = tuple(
        f"{at} is {already}logged out; no boot logs in to it" for at in _places(chosen, ended)
    )
    data = {"changed": changed, "logged_out": [str(each.at) for each in ended]}
    return Report(lines, data)
