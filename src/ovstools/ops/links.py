"""Changes to symbolic links."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import RefusedError
from ..system import files
from ..system.host import Host


@dataclass(frozen=True)
class ReplaceLink:
    """Point a symbolic link somewhere else, atomically."""

    path: str
    before: str
    target: str

    def preview(self) -> str:
        """Return the command that would do it."""
        return f"ln -sfn {self.target} {self.path}"

    def preflight(self, host: Host) -> None:
        """Refuse when the folder cannot take a file."""
        files.probe(host.path(self.path).parent)

    def apply(self, host: Host) -> None:
        """Make the new link beside the old one and rename it."""
        path = host.path(self.path)
        _refuse_changed(path, self.before)
        beside = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            beside.symlink_to(self.target)
            beside.replace(path)
            files.sync_folder(path.parent)
        except OSError as error:
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()
            raise files.cannot_write(path, error) from error


@dataclass(frozen=True)
class RemoveLink:
    """Remove a symbolic link."""

    path: str
    before: str

    def preview(self) -> str:
        """Return the command that would do it."""
        return f"rm {self.path}"

    def preflight(self, host: Host) -> None:
        """Refuse when the folder is read-only."""
        files.probe(host.path(self.path).parent)

    def apply(self, host: Host) -> None:
        """Remove it."""
        path = host.path(self.path)
        _refuse_changed(path, self.before)
        try:
            path.unlink()
            files.sync_folder(path.parent)
        except OSError as error:
            raise files.cannot_write(path, error) from error


def _refuse_changed(path: Path, before: str) -> None:
    try:
        now: str | None = str(path.readlink())
    except OSError:
        now = None
    if now != before:
        raise RefusedError(f"{path} was changed by somebody else just now")
