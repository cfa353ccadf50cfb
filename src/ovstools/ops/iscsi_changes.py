"""The changes to open-iscsi's records and sessions, as data that shows no secret."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import ToolError
from ..model.chap import Chap, with_chap
from ..model.command import Command
from ..model.iscsi import TargetPortal
from ..system import iscsi_database, iscsiadm
from ..system.host import Host
from ..system.iscsi_sessions import read_sessions


@dataclass(frozen=True)
class Iscsiadm:
    """Run iscsiadm; what says in an error what failed."""

    command: Command
    what: str

    def preview(self) -> str:
        """Return the command line."""
        return self.command.shell()

    def preflight(self, host: Host) -> None:
        """Leave it to the runner."""

    def apply(self, host: Host) -> None:
        """Run it; raise ToolError with the meaning of its status."""
        iscsiadm.run(host, self.command, self.what)


@dataclass(frozen=True)
class WriteChap:
    """Write the names and secrets of CHAP into a node record's own file."""

    at: TargetPortal
    chap: Chap

    def preview(self) -> str:
        """Return what is set, the secrets masked."""
        lines = (f"# {self.at}, node.session.auth.{k} = {v}" for k, v in self.chap.shown().items())
        return "\n".join(lines)

    def preflight(self, host: Host) -> None:
        """Leave it to apply: the record may come with an earlier step."""

    def apply(self, host: Host) -> None:
        """Write it to each file that the record has."""
        for path, before in record_texts(host, self.at).items():
            after = with_chap(before, self.chap)
            if after != before:
                iscsi_database.replace_record(host, path, after, before)


@dataclass(frozen=True)
class RestoreRecord:
    """Bring a node record back to what it was."""

    at: TargetPortal
    texts: dict[str, str] = field(repr=False, compare=False)

    def preview(self) -> str:
        """Return it as a comment: the texts have secrets."""
        return f"# bring the node record of {self.at} back"

    def preflight(self, host: Host) -> None:
        """Nothing to look at."""

    def apply(self, host: Host) -> None:
        """Write the old texts."""
        now = record_texts(host, self.at)
        for path, text in self.texts.items():
            if now.get(path) not in (None, text):
                iscsi_database.replace_record(host, path, text, now[path])


def record_texts(host: Host, at: TargetPortal) -> dict[str, str]:
    """Return the files of a node record with what is in them, secrets included."""
    texts = {path: host.read(path) for path in iscsi_database.record_files(host, at)}
    if not texts:
        raise ToolError(
            f"the node record of {at} has no file",
            f"looked below {' and '.join(iscsi_database.ROOTS)}",
            hint="see where open-iscsi keeps them: man iscsiadm, FILES",
        )
    return {path: text or "" for path, text in texts.items()}


@dataclass(frozen=True)
class LogOut:
    """End the session with a target, if there is one by then."""

    at: TargetPortal

    def preview(self) -> str:
        """Return it as a comment: the session has no number yet."""
        return f"# log out of {self.at}"

    def preflight(self, host: Host) -> None:
        """Nothing to look at."""

    def apply(self, host: Host) -> None:
        """Log out of each session with it."""
        for session in read_sessions(host):
            if session.at == self.at:
                log_out = iscsiadm.logout(session.sid, host.settings.limits.iscsi_s)
                iscsiadm.run(host, log_out, f"log-out of {self.at}")
