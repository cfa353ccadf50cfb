"""Changes to a private key: it is made aside, and no diff or log ever shows it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from ..system import files, ssh
from ..system.host import Host


@dataclass(frozen=True)
class MakeKeyPair:
    """Make a private key at path, its public half beside it; readable by its owner alone."""

    path: str
    comment: str

    def preview(self) -> str:
        """Return the command."""
        return ssh.make_key(self.path, self.comment).shell()

    def preflight(self, host: Host) -> None:
        """Refuse when the folder cannot take a file."""
        files.probe(host.path(self.path).parent)

    def apply(self, host: Host) -> None:
        """Make it under another name, and give it its own when it is whole, the private half last.

        A run that was killed leaves no half of a key where ssh would look.
        """
        new = f"{self.path}.new"
        for name in (new, f"{new}.pub"):
            with contextlib.suppress(FileNotFoundError):
                host.path(name).unlink()
        host.run(ssh.make_key(new, self.comment))
        try:
            os.replace(host.path(f"{new}.pub"), host.path(f"{self.path}.pub"))
            os.replace(host.path(new), host.path(self.path))
        except OSError as error:
            raise files.cannot_write(host.path(self.path), error) from error
        files.sync_folder(host.path(self.path).parent)


@dataclass(frozen=True)
class RemoveKey:
    """Remove a private key."""

    path: str

    def preview(self) -> str:
        """Return the command that would do it."""
        return f"rm {self.path}"

    def preflight(self, host: Host) -> None:
        """Refuse when the folder is read-only."""
        files.probe(host.path(self.path).parent)

    def apply(self, host: Host) -> None:
        """Remove it."""
        try:
            host.path(self.path).unlink()
        except OSError as error:
            raise files.cannot_write(host.path(self.path), error) from error
        files.sync_folder(host.path(self.path).parent)
