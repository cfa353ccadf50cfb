"""Where a guest goes: allowed servers, rules between guests, then memory, CPU and count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .report import Report
from .wishes import COUNT, STARTED, Wish, Wishes

#: begins the reason of a guest that fits nowhere
NO_ROOM = "no room"


class Room:
    """What is left on one server, as guests are put there."""

    __slots__ = ("count", "cpu", "mem_mb", "number")

    def __init__(self, number: int, cpu: float, mem_mb: float) -> None:
        self.number = number
        self.cpu = cpu
        self.mem_mb = mem_mb
        self.count = 0


class Placement:
    """The servers that may take guests, and all guests owned or ordered somewhere.

    Free memory is total less the host's reserve less the configured memory of those guests.
    """

    def __init__(
        self,
        wishes: Wishes,
        ready: Mapping[str, tuple[int, Report]],
        located: Iterable[tuple[str, str]],
    ) -> None:
        self._wishes = wishes
        self._by_count = wishes.policy.placement == COUNT
        self._reports = {name: report for name, (_, report) in ready.items()}
        self.together = wishes.together
        self.apart = wishes.apart
        self.rooms = {
            name: Room(number, report.cpu, report.mem_mb - report.reserve_mb)
            for name, (number, report) in ready.items()
        }
        self.located: dict[str, str] = {}
        for guest, node in located:
            self.put(guest, node)

    def put(self, guest: str, node: str) -> None:
        """Count a guest on a server, and nowhere else."""
        self._count(guest, self.located.pop(guest, None), -1)
        self.located[guest] = node
        self._count(guest, node, 1)

    def _count(self, guest: str, node: str | None, sign: int) -> None:
        room = self.rooms.get(node) if node is not None else None
        wish = self._wishes.guests.get(guest)
        if room is not None and wish is not None:
            room.mem_mb -= sign * wish.mem_mb
            room.cpu -= sign * wish.cpu
            room.count += sign

    def choose(
        self,
        wish: Wish,
        avoid: Collection[str] = (),
        first: str | None = None,
        is_anchored: bool = True,
    ) -> str | None:
        """Return the best server; `first` wins within the best tier. None: there is no room.

        is_anchored: go where the guest's group is; else the whole group is to move.
        """
        fitting = [node for node in self.rooms if node not in avoid and self.fits(wish, node)]
        anchored = self._anchored(wish, fitting) if is_anchored else fitting
        ranks = {node: rank for node in anchored if (rank := wish.tier_of(node)) is not None}
        if not ranks:
            return None
        if first in ranks and (not wish.failback or ranks[first] == min(ranks.values())):
            return first
        best = min(ranks.values())
        return min((node for node, rank in ranks.items() if rank == best), key=self._score)

    def _score(self, node: str) -> tuple[float, float, float, int]:
        room = self.rooms[node]
        if self._by_count:
            return (room.count, -room.mem_mb, -room.cpu, room.number)
        return (-room.mem_mb, -room.cpu, room.count, room.number)

    def fits(self, wish: Wish, node: str) -> bool:
        """Tell whether the guest, with the group it must stay with, may and can run there."""
        return self.obstacle(wish, node) is None

    def obstacle(self, wish: Wish, node: str) -> str | None:
        """Say why the guest, with the group it must stay with, may or can not run there."""
        if node not in self.rooms:
            return "not online"
        group = self.together.get(wish.name)
        needed = 0
        for guest in group or (wish.name,):
            for other in self.apart.get(guest, ()):
                if self.located.get(other) == node:
                    return f"{guest} must be apart from {other}"
            member = wish if guest == wish.name else self._wishes.guests.get(guest)
            if member is None or (guest != wish.name and self.located.get(guest) == node):
                continue
            if guest == wish.name or guest in self.located or member.state == STARTED:
                if member.tier_of(node) is None:
                    return f"{guest} may not run there: policy manual"
                if member.repository or self._reports[node].lacking:
                    lacking = self._lacking(member, node)
                    if lacking:
                        return lacking
                needed += member.mem_mb if self.located.get(guest) != node else 0
        return None if needed <= self.rooms[node].mem_mb else f"{NO_ROOM} for {needed} MB"

    def _lacking(self, wish: Wish, node: str) -> str | None:
        """Say what of a guest's storage is not there."""
        report = self._reports[node]
        mounted = report.repositories
        if wish.repository and mounted is not None and wish.repository not in mounted:
            return f"repository {wish.repository} is not mounted"
        missing = report.lacking.get(wish.name)
        return f"{missing} is missing" if missing else None

    def why_nowhere(self, wish: Wish, failed: Collection[str] = ()) -> str:
        """Say of each server that is online why the guest does not go there."""
        texts: dict[str, list[str]] = {}
        for node in self.rooms:
            text = "failed there" if node in failed else self.obstacle(wish, node)
            texts.setdefault(text or "the guests it must be with are elsewhere", []).append(node)
        said = [f"{', '.join(nodes)}: {text}" for text, nodes in texts.items()]
        return "; ".join(said) or "no server is online"

    def _anchored(self, wish: Wish, nodes: list[str]) -> list[str]:
        """Keep only the server where most of the guest's group is, when some of it runs."""
        group = self.together.get(wish.name)
        if not group:
            return nodes
        anchor = self.anchor(group - {wish.name})
        return nodes if anchor is None else [node for node in nodes if node == anchor]

    def anchor(self, group: Collection[str]) -> str | None:
        """Return the server where most of a group is, lowest number first."""
        counts: dict[str, int] = {}
        for guest in group:
            node = self.located.get(guest)
            if node in self.rooms:
                counts[node] = counts.get(node, 0) + 1
        if not counts:
            return None
        return min(counts, key=lambda node: (-counts[node], self.rooms[node].number))

    def meeting_place(self, wish: Wish) -> str | None:
        """Return where the guest's group, spread over servers, can be as a whole.

        Where most of it is already, so that few move. None: it is not spread, or fits nowhere.
        """
        group = self.together.get(wish.name, frozenset())
        nodes = [self.located[guest] for guest in group if guest in self.located]
        if len({node for node in nodes if node in self.rooms}) < 2:
            return None
        fitting = [node for node in self.rooms if self.fits(wish, node)]
        return min(
            fitting, key=lambda node: (-nodes.count(node), self.rooms[node].number), default=None
        )

    def take_away(self, guest: str) -> None:
        """Count a guest nowhere."""
        self._count(guest, self.located.pop(guest, None), -1)
