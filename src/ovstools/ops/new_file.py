"""A change that makes a file under a name that nobody has, for backups in a public folder."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from ..system import files
from ..system.host import Host
from .plan import Change


@dataclass(frozen=True)
class NewFile:
    """Write a text to a new file; source is where it came from, for the preview.

    As mkstemp(3) does: O_EXCL follows no link that somebody put there, and the mode is set
    before anything is written. The random part of the name is the caller's.
    """

    path: str
    text: str
    mode: int
    source: str

    def preview(self) -> str:
        """Return the command that would do it."""
        return shlex.join(["install", "-m", f"{self.mode:o}", self.source, self.path])

    def preflight(self, host: Host) -> None:
        """Refuse when the folder cannot take a file."""
        files.probe(host.path(self.path).parent)

    def apply(self, host: Host) -> None:
        """Write it, durably; raise RefusedError when the name is taken or there is no room."""
        path = host.path(self.path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, self.mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.text.encode())
                file.flush()
                os.fsync(file.fileno())
            files.sync_folder(path.parent)
        except OSError as error:
            raise files.cannot_write(path, error) from error


@dataclass(frozen=True)
class Backed:
    """Make a backup, then change what it is of: one step, as a run that goes on needs both anew."""

    backup: NewFile
    changes: tuple[Change, ...]

    def preview(self) -> str:
        """Return the commands and diffs of all."""
        return "\n".join(each.preview() for each in (self.backup, *self.changes))

    def preflight(self, host: Host) -> None:
        """Ask them all."""
        for each in (self.backup, *self.changes):
            each.preflight(host)

    def apply(self, host: Host) -> None:
        """Do them in order."""
        host.talk.notice(f"{self.backup.source} is kept in {self.backup.path}")
        for each in (self.backup, *self.changes):
            each.apply(host)
