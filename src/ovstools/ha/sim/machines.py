"""Simulated servers' power: on, mounted, off, fenced, shut down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .server import Server

if TYPE_CHECKING:
    from .world import World

BOOT_S = 5.0  #: power on to mounted
AGENT_S = 1.0  #: mounted to agent running
REBOOT_S = 10.0  #: off to on again
SHUTDOWN_LIMIT_S = 900.0
BLIND_SHUTDOWN_S = 90.0


class Machines:
    """The power switches."""

    def __init__(self, world: World) -> None:
        self.world = world

    def power_on(self, server: Server) -> None:
        """Switch a server on; a fenced one comes back as well."""
        if server.powered:
            return
        server.powered = True
        server.fenced = False
        server.stopping = None
        server.boots += 1
        self.world.clock.after(BOOT_S, self.mount, server, server.boot)

    def mount(self, server: Server, boot: str) -> None:
        """Join the cluster, if storage and interconnect let it; then the agent starts."""
        if server.boot != boot or not server.powered or server.mounted:
            return
        if not self.world.o2cb.can_join(server):
            return  # tried again when the membership or the interconnect changes
        self.world.o2cb.join(server)
        server.mounted = True
        self.world.note("joined", node=server.name)
        self.world.clock.after(AGENT_S, self.world.start_agent, server, boot)
        self.world.membership_changed()

    def power_off(self, server: Server) -> None:
        """Cut the power."""
        if not server.powered:
            return
        was_up, boot = server.is_up, server.boot
        self._silence(server)
        server.powered = server.mounted = False
        if was_up and self.world.o2cb.live.get(server.name) == boot:
            self.world.o2cb.stopped_beating(server)
        elif was_up:
            self.world.dlm.recover(boot)
            self.world.o2cb.gone_boots.add(boot)
        self.world.membership_changed()

    def _silence(self, server: Server) -> None:
        """Let all that lives in a server's memory end."""
        for guest in list(server.guests):
            if server.runs(guest):
                self.world.watch.lost(server, guest)
        self.world.stop_agent(server)
        server.guests.clear()
        server.busy.clear()
        server.kept.clear()
        server.steady_since = None

    def fence(self, server: Server, why: str) -> None:
        """Let a server reset itself; it stays down until it is powered on."""
        self.world.note("fenced", node=server.name, text=[why])
        server.fenced = True
        self.power_off(server)

    def shutdown(self, server: Server, how: str) -> None:
        """Begin an orderly shutdown; its agent drains."""
        if not server.powered or server.stopping:
            return
        server.stopping = how
        self.world.note("shutting down", node=server.name, how=how)
        self.world.wake(server)
        limit = SHUTDOWN_LIMIT_S if self.world.sees_store(server) else BLIND_SHUTDOWN_S
        self.world.clock.after(limit, self.finish_shutdown, server, server.boot)

    def finish_shutdown(self, server: Server, boot: str) -> None:
        """End what is left, and leave the cluster cleanly."""
        if not server.powered or server.boot != boot or not server.stopping:
            return
        how = server.stopping
        was_up = server.is_up
        self._silence(server)
        server.powered = server.mounted = False
        if was_up:
            self.world.o2cb.leave(server)
        self.world.note("off", node=server.name)
        if how == "reboot":
            self.world.clock.after(REBOOT_S, self.power_on, server)
