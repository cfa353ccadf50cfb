"""systemctl(1): the services that make up a pool server."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.command import Command
from .host import Host

#: seconds; on a loaded virtual server under emulation it took more than 60
RELOAD_S = 300


@dataclass(frozen=True)
class Unit:
    """A unit as systemd sees it: `systemctl show`, words as systemd's manual has them.

    refuses_stop: systemctl stop would be refused (RefuseManualStop=).
    """

    name: str
    load_state: str
    active_state: str
    enabled: str
    refuses_stop: bool = False

    @property
    def exists(self) -> bool:
        """Tell whether there is such a unit."""
        return self.load_state == "loaded"

    @property
    def is_active(self) -> bool:
        """Tell whether it was started; o2cb's may be, with nothing online."""
        return self.active_state in ("active", "reloading", "activating")


def show(name: str) -> Command:
    """Build the command that shows a unit's state."""
    properties = "LoadState,ActiveState,UnitFileState,RefuseManualStop"
    return Command(("systemctl", "show", f"--property={properties}", name), changes=False)


def look(host: Host, name: str) -> Unit:
    """Return a unit's state."""
    said = dict(
        line.partition("=")[::2] for line in host.run(show(name)).stdout.splitlines() if "=" in line
    )
    return Unit(
        name,
        said.get("LoadState", "not-found"),
        said.get("ActiveState", "inactive"),
        said.get("UnitFileState", ""),
        said.get("RefuseManualStop") == "yes",
    )


def start(name: str, timeout_s: float) -> Command:
    """Build the command that starts a unit."""
    return Command(("systemctl", "start", name), timeout_s=timeout_s)


def start_later(*names: str) -> Command:
    """Build the command that has units started when systemd gets to them; it does not wait.

    For units that take our local lock: they get it when we have ended.
    """
    return Command(("systemctl", "start", "--no-block", *names))


def stop(name: str, timeout_s: float) -> Command:
    """Build the command that stops a unit."""
    return Command(("systemctl", "stop", name), timeout_s=timeout_s)


def restart(name: str, timeout_s: float) -> Command:
    """Build the command that restarts a unit."""
    return Command(("systemctl", "restart", name), timeout_s=timeout_s)


def enable(*names: str) -> Command:
    """Build the command that starts units at boot; all at once, for systemd reads them all anew."""
    return Command(("systemctl", "enable", *names), timeout_s=120)


def disable(*names: str) -> Command:
    """Build the command that no longer starts units at boot."""
    return Command(("systemctl", "disable", *names), timeout_s=120)


def needs_reload(host: Host, name: str) -> bool:
    """Tell whether a unit's file is newer than what systemd has read."""
    command = Command(("systemctl", "show", "--property=NeedDaemonReload", name), changes=False)
    return "NeedDaemonReload=yes" in host.run(command).stdout.split()


def reload_units() -> Command:
    """Build the command that makes systemd read its unit files again."""
    return Command(("systemctl", "daemon-reload"), timeout_s=RELOAD_S)
