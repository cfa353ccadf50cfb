"""iscsiadm(8): discovery, node records, log-in and log-out."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

from ..errors import ToolError
from ..model.command import Command, Result
from ..model.iscsi import NodeRecord, Portal, TargetPortal, parse_discovery, parse_records
from .host import Host
from .runner import failed, last_lines

#: iscsiadm waits up to 30 s for the lock of its database (idbm_lock)
DATABASE_S = 60.0


class Status(IntEnum):
    """Exit statuses, named after the manual, as far as they are told apart here."""

    SUCCESS = 0
    TRANSPORT = 4
    LOGIN = 5
    TRANSPORT_TIMEOUT = 8
    SESSION_EXISTS = 15
    FATAL_LOGIN = 19
    NO_ISCSID = 20
    NO_OBJECTS = 21
    HOST_NOT_FOUND = 23
    AUTHENTICATION = 24
    NOT_SUPPORTED = 27


#: what a status means, and the way out
MEANING = {
    Status.TRANSPORT: ("no connection", "is the address right, and the target's service up?"),
    Status.LOGIN: ("the target refused the log-in", "does it let this initiator in? {initiator}"),
    Status.TRANSPORT_TIMEOUT: ("no answer in time", "is the network to the storage whole?"),
    Status.FATAL_LOGIN: (
        "the target, or with mutual CHAP this initiator, refused the log-in",
        "is the target still there, and does it let this initiator in? {initiator}\n"
        "with mutual CHAP: are username_in and password_in the target's own?",
    ),
    Status.NO_ISCSID: ("iscsid does not answer", "systemctl status iscsid.socket iscsid.service"),
    Status.HOST_NOT_FOUND: ("the name is not known", "use the address"),
    Status.AUTHENTICATION: (
        "the target refused the CHAP names or secrets, or wants some",
        "compare them with the target's: --chap-file FILE, or --chap-user NAME to be asked",
    ),
}
INITIATOR = "the name is in /etc/iscsi/initiatorname.iscsi"


def discovery(portal: Portal, timeout_s: float) -> Command:
    """Build the command that asks a portal for its targets and records nothing."""
    words = ("iscsiadm", "--mode", "discovery", "--op", "nonpersistent")
    ask = ("--type", "sendtargets", "--portal", str(portal))
    return Command((*words, *ask), timeout_s=timeout_s, changes=False)


def show_records() -> Command:
    """Build the command that prints all node records, secrets masked."""
    return Command(
        ("iscsiadm", "--mode", "node", "--op", "show"),
        ok=frozenset({Status.SUCCESS, Status.NO_OBJECTS}),
        timeout_s=DATABASE_S,
        changes=False,
    )


def new_record(at: TargetPortal) -> Command:
    """Build the command that makes a record; where there is one, it would lose its settings."""
    return _node(at, "--op", "new")


def update_record(at: TargetPortal, name: str, value: str) -> Command:
    """Build the command that changes one setting of a record; never a secret."""
    return _node(at, "--op", "update", "--name", name, "--value", value)


def delete_record(at: TargetPortal) -> Command:
    """Build the command that deletes a record; some versions log its session out first."""
    return replace(_node(at, "--op", "delete"), ok=frozenset({Status.SUCCESS, Status.NO_OBJECTS}))


def login(at: TargetPortal, timeout_s: float) -> Command:
    """Build the command that logs in; a session that is there already is fine."""
    return replace(
        _node(at, "--login"),
        ok=frozenset({Status.SUCCESS, Status.SESSION_EXISTS}),
        timeout_s=timeout_s,
    )


def logout(sid: int, timeout_s: float) -> Command:
    """Build the command that ends one session."""
    return Command(
        ("iscsiadm", "--mode", "session", "--sid", str(sid), "--logout"), timeout_s=timeout_s
    )


def rescan(sid: int, timeout_s: float) -> Command:
    """Build the command that looks for LUNs that came since the log-in."""
    return Command(
        ("iscsiadm", "--mode", "session", "--sid", str(sid), "--rescan"), timeout_s=timeout_s
    )


def _node(at: TargetPortal, *words: str) -> Command:
    name = ("--targetname", at.iqn, "--portal", at.recid)
    return Command(("iscsiadm", "--mode", "node", *name, *words), timeout_s=DATABASE_S)


def run(host: Host, command: Command, what: str) -> Result:
    """Run a command; raise a ToolError that says what failed and what the status means."""
    result = host.run(replace(command, ok=frozenset(range(128))))
    if result.status in command.ok:
        return result
    if result.status not in MEANING:
        raise failed(command, result)
    meaning, hint = MEANING[Status(result.status)]
    raise ToolError(
        f"{what}: {meaning} (iscsiadm's status {result.status})",
        command.shell(),
        *last_lines(result.stderr or result.stdout),
        hint=hint.format(initiator=INITIATOR),
    )


def discover(host: Host, portal: Portal) -> tuple[TargetPortal, ...]:
    """Return what a portal offers; nothing is recorded."""
    command = discovery(portal, host.settings.limits.iscsi_s)
    command = replace(command, ok=frozenset({Status.SUCCESS, Status.NO_OBJECTS}))
    return parse_discovery(run(host, command, f"discovery at {portal}").stdout)


def read_records(host: Host) -> tuple[NodeRecord, ...]:
    """Return all node records."""
    return parse_records(run(host, show_records(), "reading the node records").stdout)
