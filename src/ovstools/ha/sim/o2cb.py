"""o2cb as the kernel does it: heartbeat, quorum, self-fencing (facts: fs/ocfs2/cluster)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model.timing import Timing
from .server import Server

if TYPE_CHECKING:
    from .world import World

#: a newcomer is live after two changed samples
LIVE_AFTER_S = 4.0
SLACK_S = 1e-6


class O2cb:
    """The heartbeat region and the interconnect, seen from outside."""

    def __init__(self, world: World, timing: Timing) -> None:
        self.world = world
        self.timing = timing
        self.live: dict[str, str] = {}  #: node -> the boot that counts as live
        self.gone_boots: set[str] = set()  #: boots declared dead, or that left cleanly
        self._last_beat: dict[str, float] = {}
        self._observed_since: float | None = None

    @property
    def net_decision_s(self) -> float:
        """Return how long after a lost connection the quorum is decided."""
        return self.timing.idle_ms / 1000 + self.timing.quorum_delay_s

    def live_numbers(self) -> frozenset[int]:
        """Return the live map."""
        return frozenset(self.world.servers[name].number for name in self.live)

    def connected(self, one: Server, other: Server) -> bool:
        """Tell whether two servers reach each other."""
        return one is other or (one.net_off_since is None and other.net_off_since is None)

    def can_join(self, server: Server) -> bool:
        """Tell whether a mount works: storage, and a connection to every live node."""
        if server.storage_off_since is not None:
            return False
        return all(
            self.connected(server, other) for other in self.world.servers.values() if other.is_up
        )

    def join(self, server: Server) -> None:
        """Start the heartbeat; a former boot of this server is over now."""
        others = [each for each in self.world.servers.values() if each.is_up and each is not server]
        if not others:
            for name in list(self.live):
                self.declare_dead(name, self.live[name])
        elif server.name in self.live:
            self.declare_dead(server.name, self.live[server.name])
        self.world.clock.after(LIVE_AFTER_S, self._becomes_live, server, server.boot)
        self._observe()

    def _becomes_live(self, server: Server, boot: str) -> None:
        if server.is_up and server.boot == boot:
            self.live[server.name] = boot
            server.steady_since = self.world.clock.now
            self.world.wake_all()

    def leave(self, server: Server) -> None:
        """Leave cleanly: gone at once, and its locks with it."""
        self.live.pop(server.name, None)
        self.gone_boots.add(server.boot)
        self._observe()
        self.world.dlm.recover(server.boot)
        self.world.membership_changed()

    def stopped_beating(self, server: Server) -> None:
        """Begin to count the samples that do not change."""
        self._last_beat[server.boot] = self.world.clock.now
        self._observe()
        self.world.clock.after(self.timing.dead_s, self._maybe_dead, server.name, server.boot)

    def _observe(self) -> None:
        """Note since when anybody reads the heartbeats; count anew for those that are silent."""
        if not any(each.beats for each in self.world.servers.values()):
            self._observed_since = None
        elif self._observed_since is None:
            self._observed_since = self.world.clock.now
            for name, boot in self.live.items():
                self.world.clock.after(self.timing.dead_s, self._maybe_dead, name, boot)

    def _maybe_dead(self, name: str, boot: str) -> None:
        server = self.world.servers[name]
        if self.live.get(name) != boot or (server.boot == boot and server.beats):
            return
        if self._observed_since is None:
            return
        since = max(self._last_beat.get(boot, 0.0), self._observed_since)
        left = since + self.timing.dead_s - self.world.clock.now
        if left > SLACK_S:
            self.world.clock.after(left, self._maybe_dead, name, boot)
        else:
            self.declare_dead(name, boot)

    def declare_dead(self, name: str, boot: str) -> None:
        """Take a boot off the live map; its locks are recovered a little later."""
        self.live.pop(name, None)
        self.gone_boots.add(boot)
        self.world.note("declared dead", node=name)
        self.world.dlm.begin_recovery(boot)
        self.world.membership_changed()

    # ------------------------------------------------------------ lost storage

    def storage_off(self, server: Server) -> None:
        """Hang a server's heartbeat; it fences itself unless everybody's hangs."""
        if server.storage_off_since is not None:
            return
        server.storage_off_since = self.world.clock.now
        server.steady_since = None
        if server.is_up:
            self.stopped_beating(server)
            self.world.clock.after(
                self.timing.fence_s, self._write_timeout, server, server.storage_off_since
            )

    def storage_on(self, server: Server) -> None:
        """Let it beat again."""
        server.storage_off_since = None
        if server.is_up:
            server.steady_since = self.world.clock.now
        self._observe()

    def _write_timeout(self, server: Server, since: float) -> None:
        if not server.is_up or server.storage_off_since != since:
            return
        if any(each.beats for each in self.world.servers.values()):
            self.world.machines.fence(server, "its heartbeat cannot be written")
        else:  # all hang: negotiated, the timers start anew
            self.world.clock.after(self.timing.fence_s / 2, self._write_timeout, server, since)

    # ------------------------------------------------------------ lost interconnect

    def net_off(self, server: Server) -> None:
        """Cut a server off the interconnect; quorum decides later."""
        if server.net_off_since is None:
            server.net_off_since = self.world.clock.now
            self.world.clock.after(self.net_decision_s, self._decide, server, self.world.clock.now)

    def _decide(self, server: Server, since: float) -> None:
        if server.net_off_since != since or not server.is_up:
            return
        losers = [each for each in self._heartbeating() if not self.has_quorum(each, True)]
        for loser in losers:
            self.world.machines.fence(loser, "no quorum on the interconnect")

    def _heartbeating(self) -> list[Server]:
        return [self.world.servers[n] for n in self.live if self.world.servers[n].beats]

    def has_quorum(self, server: Server, only_decided: bool = False) -> bool:
        """Judge as o2quo_make_decision() does, over heartbeating nodes.

        only_decided: a connection that was lost a short while ago counts as there.
        """
        nodes = self._heartbeating()
        if len(nodes) < 2 or server not in nodes:
            return True
        reached = [each for each in nodes if self._reaches(server, each, only_decided)]
        if len(reached) == len(nodes):
            return True
        if len(nodes) % 2:
            return len(reached) >= (len(nodes) + 1) // 2
        half = len(nodes) // 2
        lowest = min(nodes, key=lambda each: each.number)
        return len(reached) > half or (len(reached) == half and lowest in reached)

    def _reaches(self, one: Server, other: Server, only_decided: bool) -> bool:
        if self.connected(one, other):
            return True
        offs = [s for s in (one.net_off_since, other.net_off_since) if s is not None]
        age = self.world.clock.now - min(offs)
        return only_decided and age < self.net_decision_s - SLACK_S
