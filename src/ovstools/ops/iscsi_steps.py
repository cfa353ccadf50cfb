"""The steps that log this server in to one target, and undo that when it cannot be done."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError, ToolError
from ..model.chap import Chap, chap_of
from ..model.iscsi import NodeRecord, ScsiDisk, Session, TargetPortal
from ..system import iscsiadm, udev
from ..system.host import Host
from ..system.iscsi_sessions import read_sessions
from .iscsi_changes import Iscsiadm, LogOut, RestoreRecord, WriteChap, record_texts
from .plan import Confirm, Step
from .undoing import OrUndo

LOGGED_IN = "LOGGED_IN"
STARTUP, AUTOMATIC, MANUAL = "node.startup", "automatic", "manual"


@dataclass(frozen=True)
class Goal:
    """What is wanted of one target: a session, its record automatic, and perhaps a LUN.

    record, session: what there is; needs_lun: a device must appear, lun None: the only one.
    """

    at: TargetPortal
    record: NodeRecord | None = None
    session: Session | None = None
    chap: Chap | None = None
    needs_lun: bool = False
    lun: int | None = None


def login_steps(host: Host, goal: Goal) -> list[Step]:
    """Return the steps that reach the goal; none when it is so already.

    Raises RefusedError while a session is there that does not answer.
    """
    if goal.session is not None and goal.session.state != LOGGED_IN:
        raise RefusedError(
            f"the session with {goal.at} does not answer: its state is {goal.session.state}",
            hint="iscsid goes on trying; is the portal up, and the network to it?",
        )
    steps, undo = _record_steps(host, goal)
    at, limit_s = goal.at, host.settings.limits.iscsi_s
    if goal.session is None:
        what = f"log-in to {at}"
        log_in = Iscsiadm(iscsiadm.login(at, limit_s), what)
        steps.append(Step(f"log in to {at}", OrUndo(log_in, tuple(undo))))
        undo.append(Step(f"log out of {at} again", LogOut(at)))
        verify = Confirm(f"{at} is {LOGGED_IN}", lambda host: confirm_session(host, at))
        steps.append(Step("verify the session in sysfs", OrUndo(verify, tuple(undo))))
    if goal.needs_lun and (goal.session is None or not pick(goal.session, goal.lun)):
        if goal.session is not None:
            look = Iscsiadm(iscsiadm.rescan(goal.session.sid, limit_s), f"rescan of {at}")
            steps.append(Step(f"look for new LUNs of {at}", look))
        steps.append(_lun_step(host, goal, undo))
    if goal.record is None or not goal.record.is_automatic:
        steps += startup_steps(at, AUTOMATIC)
    return steps


def _record_steps(host: Host, goal: Goal) -> tuple[list[Step], list[Step]]:
    """Return the steps that bring the record to what is wanted, and what undoes them."""
    at, chap = goal.at, goal.chap
    steps, undo = [], []
    if goal.record is None:
        make = Iscsiadm(iscsiadm.new_record(at), f"node record of {at}")
        steps.append(Step(f"make the node record of {at}", make))
        remove = Iscsiadm(iscsiadm.delete_record(at), f"node record of {at}")
        undo.append(Step(f"remove the node record of {at} again", remove))
    if chap is not None:
        texts = {} if goal.record is None else record_texts(host, at)
        if not texts or any(chap_of(text) != chap for text in texts.values()):
            write = OrUndo(WriteChap(at, chap), tuple(undo))
            steps.append(Step(f"write the CHAP names and secrets of {at}, 0600", write))
            if texts:
                undo.append(Step(f"bring back the node record of {at}", RestoreRecord(at, texts)))
    return steps, undo


def _lun_step(host: Host, goal: Goal, undo: list[Step]) -> Step:
    limit_s = host.settings.limits.device_wait_s
    what = "its LUN" if goal.lun is None else f"LUN {goal.lun}"
    confirm = Confirm(
        f"{goal.at} has {what}", lambda host: confirm_lun(host, goal.at, goal.lun, limit_s)
    )
    title = f"wait up to {limit_s:g} s for {what} of {goal.at}"
    return Step(title, OrUndo(confirm, tuple(undo)) if goal.session is None else confirm)


def startup_steps(at: TargetPortal, startup: str) -> list[Step]:
    """Return the steps that have, or do not have, a boot log in to a record."""
    update = iscsiadm.update_record(at, STARTUP, startup)

    def is_set(host: Host) -> None:
        found = find_record(host, at)
        if found is None or found.startup != startup:
            raise ToolError(
                f"the node record of {at} does not keep {STARTUP} = {startup}",
                f"it has {found.startup if found else 'gone'}",
            )

    return [
        Step(f"set {STARTUP} = {startup} for {at}", Iscsiadm(update, f"node record of {at}")),
        Step("verify the node record", Confirm(f"{at} has {STARTUP} = {startup}", is_set)),
    ]


def find_record(host: Host, at: TargetPortal) -> NodeRecord | None:
    """Return the record of a target behind a portal."""
    return next((each for each in iscsiadm.read_records(host) if each.at == at), None)


def find_session(host: Host, at: TargetPortal) -> Session | None:
    """Return the session with a target behind a portal."""
    return next((each for each in read_sessions(host) if each.at == at), None)


def confirm_session(host: Host, at: TargetPortal) -> None:
    """Raise ToolError unless the kernel has the session, logged in."""
    session = find_session(host, at)
    if session is None or session.state != LOGGED_IN:
        state = session.state if session else "there is none"
        raise ToolError(
            f"iscsiadm said nothing, but there is no session with {at}", f"state: {state}"
        )
    udev.wait_settled(host)


def pick(session: Session, lun: int | None) -> ScsiDisk | None:
    """Return the disk with a LUN; without one, the only disk that there is.

    Raises RefusedError when there is more than one to choose from.
    """
    if lun is not None:
        return next((disk for disk in session.disks if disk.lun == lun), None)
    if len(session.disks) > 1:
        raise RefusedError(
            f"{session.at.iqn} has more than one LUN",
            *lun_words(session),
            hint=f"say which: iscsi://{session.at.portal}/{session.at.iqn}/{session.disks[0].lun}",
        )
    return session.disks[0] if session.disks else None


def lun_words(session: Session | None) -> list[str]:
    """Return the LUNs of a session in words."""
    return [f"LUN {disk.lun} is {disk.path}" for disk in session.disks] if session else []


def confirm_lun(host: Host, at: TargetPortal, lun: int | None, limit_s: float) -> None:
    """Wait until a LUN has its device; raise ToolError when it does not come in time."""
    deadline = host.clock.monotonic() + limit_s
    while True:
        udev.wait_settled(host)
        session = find_session(host, at)
        disk = pick(session, lun) if session else None
        if disk is not None and host.kind(disk.path) == "block":
            return
        if host.clock.monotonic() >= deadline:
            raise ToolError(
                f"no {'LUN' if lun is None else f'LUN {lun}'} of {at} appeared "
                f"within {limit_s:g} s",
                *(lun_words(session) or ["the target shows this server no LUN at all"]),
                hint="does the target map that LUN to this initiator? " + iscsiadm.INITIATOR,
            )
        host.clock.sleep(0.5)
