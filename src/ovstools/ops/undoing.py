"""Undo what a command did so far when one of its changes fails: nothing half made is left."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OvsError
from ..system.host import Host
from .plan import Change, Step


@dataclass(frozen=True)
class OrUndo:
    """Do a change; when it fails, undo what was done before it, the last first.

    A run that is killed undoes nothing; run again, it goes on.
    """

    change: Change
    undo: tuple[Step, ...]

    def preview(self) -> str:
        """Return the change's own preview."""
        return self.change.preview()

    def preflight(self, host: Host) -> None:
        """Ask the change."""
        self.change.preflight(host)

    def apply(self, host: Host) -> None:
        """Do it, or undo what was before and raise what it raised."""
        try:
            self.change.apply(host)
        except OvsError:
            for step in reversed(self.undo):
                _undo(host, step)
            raise


def _undo(host: Host, step: Step) -> None:
    try:
        host.talk.notice(f"it failed, so: {step.title}")
        step.change.apply(host)
    except OvsError as error:
        host.talk.warn(f"{step.title}: {error.what}")
