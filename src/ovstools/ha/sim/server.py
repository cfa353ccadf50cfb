"""A simulated server: power, network, storage, guests in memory, keeper, and its agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..report import Power

if TYPE_CHECKING:
    from .driver import Driver
    from .scenario import Size

RUNNING, HUNG, DOWN = "running", "hung", "down"


class Server:
    """State that o2cb, the locks, the driver and the timeline change."""

    def __init__(self, name: str, number: int, size: Size) -> None:
        self.name = name
        self.number = number
        self.cpu = size.cpu
        self.mem_mb = size.mem_mb
        listed = size.repositories
        self.repositories = None if listed is None else frozenset(listed)
        self.powered = False
        self.mounted = False
        self.boots = 0
        self.net_off_since: float | None = None
        self.storage_off_since: float | None = None
        self.store_ok = True
        self.steady_since: float | None = None
        self.stopping: str | None = None
        self.fenced = False
        self.kept: set[str] = set()
        self.guests: dict[str, Power] = {}
        self.busy: set[str] = set()
        self.driver: Driver | None = None
        self.agent_state = DOWN
        self.lives = 0

    @property
    def boot(self) -> str:
        """Return the boot id of the present boot."""
        return f"{self.name}-{self.boots}"

    @property
    def beats(self) -> bool:
        """Tell whether its heartbeat reaches the storage."""
        return self.powered and self.mounted and self.storage_off_since is None

    @property
    def is_up(self) -> bool:
        """Tell whether it has joined the cluster."""
        return self.powered and self.mounted

    def has_repository(self, uuid: str) -> bool:
        """Tell whether a repository is mounted here; a server that lists none has all."""
        return not uuid or self.repositories is None or uuid in self.repositories

    def runs(self, guest: str) -> bool:
        """Tell whether a guest runs here, unpaused."""
        return self.powered and self.guests.get(guest) is Power.RUNNING

    def forget(self, guest: str) -> bool:
        """Undefine a guest that ended here; tell whether there was one."""
        power = self.guests.get(guest)
        if power is None or power.is_here:
            return False
        del self.guests[guest]
        return True
