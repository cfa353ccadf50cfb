"""The locks of servers that the keeper holds: as long as it does, their file system is in use.

This server's own one says that its agent speaks for its guests; those of dead servers are the
master's. Without an agent and without guests nobody needs them here.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ToolError
from ..model import lock_names
from ..system import usage
from ..system.host import Host
from ..system.pool_units import AGENT
from .plan import Confirm, Step


@dataclass(frozen=True)
class DropNodeLocks:
    """Let the keeper drop them; names: those of now, for the preview."""

    names: tuple[str, ...]

    def preview(self) -> str:
        """Say it as a comment: no program does it."""
        return f"# let the keeper drop {' '.join(self.names) or 'the locks of servers'}"

    def preflight(self, host: Host) -> None:
        """Nothing is known before the agent has stopped."""

    def apply(self, host: Host) -> None:
        """Drop all that it holds now; raise ToolError when a guest's lock is among them."""
        for name in sorted(host.keeper.names()):
            if lock_names.is_guest(name):
                raise ToolError(
                    f"{name} was taken meanwhile: a guest is being started here",
                    hint="run the command again",
                )
            host.keeper.let_go(name)


def kept(host: Host) -> tuple[str, ...]:
    """Return the locks of servers that the keeper holds."""
    return tuple(sorted(name for name in host.keeper.names() if not lock_names.is_guest(name)))


def drop_step(names: tuple[str, ...]) -> Step:
    """Return the step; the agent must not run any more, for it would take its own again."""
    return Step("let go of the locks of servers", DropNodeLocks(names))


def agent_gone_step(mountpoints: tuple[str, ...]) -> Step:
    """Return the step that waits for the agent's children, which may outlive it for a moment."""

    def confirm(host: Host) -> None:
        deadline = host.clock.monotonic() + host.settings.limits.settle_s
        while left := usage.processes_in(host, mountpoints, lambda each: each.unit != AGENT):
            if host.clock.monotonic() >= deadline:
                raise ToolError(
                    f"{AGENT} was stopped, but children of it still use the file systems",
                    *map(str, left),
                    hint="their storage does not answer: see dmesg; then run the command again",
                )
            host.clock.sleep(0.25)

    return Step("wait for the agent's children", Confirm("none of them is left", confirm))


def excuse(names: tuple[str, ...], agent: bool) -> usage.Excuse:
    """Return what does not count as use: lock files of these names; agent: its processes as well.

    systemd's copy of a lock's descriptor is excused as the keeper's: it goes with it.
    """

    def excused(process: usage.Process) -> bool:
        file = process.path.rpartition(f"/{lock_names.FOLDER}/")[2]
        return file in names or (agent and process.unit == AGENT)

    return excused
