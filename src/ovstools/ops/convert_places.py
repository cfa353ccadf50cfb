"""Where the data of a conversion is, is copied to, and belongs; and how much of it there is."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import RefusedError
from ..system import tree
from ..system.host import Host
from ..system.tree import Entry

STAGING = ".ovs-convert-"
#: what a repository has of its own, at its top
OWN = frozenset({"lost+found", ".ovsrepo", ".ovs", ".ovs-grow", ".server_pool_hb"})
SHOWN = 10


@dataclass(frozen=True)
class Places:
    """Where the old data is, where it is copied to, and where it belongs."""

    old: str
    final: str
    server: str

    @property
    def staging(self) -> str:
        """Return the folder with all that was copied; each server has its own."""
        return f"{self.final}/{STAGING}{self.server}"

    @property
    def part(self) -> str:
        """Return what that is called until all is copied."""
        return f"{self.staging}.part"

    def entries(self, host: Host) -> Iterator[Entry]:
        """Yield what is to be converted. Sockets are no data."""
        for entry in tree.walk(host.path(self.old), OWN):
            if not stat.S_ISSOCK(entry.status.st_mode) and not entry.path.startswith(STAGING):
                yield entry

    def copied(self, host: Host, entry: Entry) -> Path:
        """Return where a copy is: not put in its place yet, or already."""
        tops = (host.path(each) for each in (self.part, self.staging, self.final))
        places = [top / entry.path for top in tops]
        return next((place for place in places if os.path.lexists(place)), places[-1])


@dataclass(frozen=True)
class Amount:
    """How much there is to convert; bytes as far as they take room."""

    things: int
    bytes: int


def measure(host: Host, places: Places) -> Amount:
    """Return how much there is to copy."""
    entries = list(places.entries(host))
    return Amount(len(entries), sum(each.used_bytes for each in entries))


def refuse_conflicts(host: Host, places: Places) -> Amount:
    """Raise RefusedError when other data has a name there; return how much is not copied yet."""
    final, conflicts, missing = host.path(places.final), [], []
    for entry in places.entries(host):
        there = final / entry.path
        if os.path.lexists(there) and not tree.looks_same(entry, there):
            conflicts.append(entry.path)
        if not tree.looks_same(entry, places.copied(host, entry)):
            missing.append(entry)
    if conflicts:
        more = len(conflicts) - SHOWN
        raise RefusedError(
            f"{places.final} has other data by the same names",
            *conflicts[:SHOWN],
            *([f"and {more} more"] if more > 0 else []),
            hint=f"rename those of {places.old}, and run the command again",
        )
    return Amount(len(missing), sum(each.used_bytes for each in missing))
