"""How a server's own files stand to the pool's: who is right when they differ.

A server notes which generation it took, and what its files were then. So a file that was edited
since is told from one that is merely older, and an edit is never overwritten silently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from .cluster import Cluster
from .cluster_conf import same_meaning
from .pool_config import PoolConfig, fingerprint
from .timing import Timing, format_timing

#: the record's file; its folder is the one of the list of repositories
NAME = "pool-config"
_RECORD = re.compile(
    r"(?m)^generation=(?P<generation>\d{1,15})\nfingerprint=(?P<print>[0-9a-f]{32})$"
)
_HEAD = (
    "# The generation of the pool's configuration that this server has, and what it was then.\n"
    "# Written by ovstools; see ovstools-pool-files(5).\n"
)


class Standing(Enum):
    """How this server's files stand to the pool's."""

    SAME = "same"
    OLDER = "older"
    EDITED = "edited here"
    REMOVED = "taken out of the pool"


@dataclass(frozen=True)
class Record:
    """The generation that a server took last, and the fingerprint of its files then."""

    generation: int
    fingerprint: str


@dataclass(frozen=True)
class Own:
    """What a server has: its files' meaning, its name, and its record, if any."""

    cluster: Cluster
    timing: Timing
    hostname: str
    record: Record | None = None

    @property
    def fingerprint(self) -> str:
        """Return that of the files as they are now."""
        return fingerprint(self.cluster, self.timing)

    @property
    def is_edited(self) -> bool:
        """Tell whether they were edited since this server took the pool's."""
        return self.record is not None and self.record.fingerprint != self.fingerprint


def parse_record(text: str | None) -> Record | None:
    """Read the record; None when there is none, or none that makes sense."""
    found = _RECORD.search(text or "")
    return Record(int(found["generation"]), found["print"]) if found else None


def format_record(config: PoolConfig) -> str:
    """Return the record's text for a server that has this configuration."""
    return f"{_HEAD}generation={config.generation}\nfingerprint={config.fingerprint}\n"


def judge(own: Own, pool: PoolConfig) -> Standing:
    """Say how a server's files stand to the pool's.

    Without a record, files are older when each of their nodes is one that the pool has, or had:
    then taking over the pool's loses nothing that the pool does not know.
    """
    cluster = pool.cluster
    me = own.cluster.node_of_host(own.hostname)
    if cluster.node_of_host(own.hostname) is None and me is not None and me in pool.removed:
        return Standing.REMOVED
    if same_meaning(own.cluster, cluster) and own.timing == pool.timing:
        return Standing.SAME
    if own.cluster.name != cluster.name:
        return Standing.EDITED
    if own.record is not None:
        is_older = not own.is_edited and own.record.generation < pool.generation
        return Standing.OLDER if is_older else Standing.EDITED
    known = {*cluster.nodes, *pool.removed}
    return Standing.OLDER if set(own.cluster.nodes) <= known else Standing.EDITED


def differences(own: Own, pool: PoolConfig) -> list[str]:
    """Say how they differ, a line each."""
    here, there = set(own.cluster.nodes), set(pool.cluster.nodes)
    found = [
        f"node {node.number}, {node.name} at {node.ip_address}:{node.ip_port}: {where} only"
        for nodes, where in ((here - there, "here"), (there - here, "in the pool"))
        for node in sorted(nodes, key=lambda each: each.number)
    ]
    if own.cluster.name != pool.cluster.name:
        found.append(f"cluster {own.cluster.name} here, {pool.cluster.name} in the pool")
    if own.timing != pool.timing:
        found.append(
            f"timing {format_timing(own.timing)} here, {format_timing(pool.timing)} in the pool"
        )
    return found


def changes(own: Own, pool: PoolConfig) -> list[str]:
    """Say what changes on a server that takes over the pool's, a line each."""
    here, there = set(own.cluster.nodes), set(pool.cluster.nodes)
    found = [
        f"node {node.number}, {node.name} at {node.ip_address}:{node.ip_port}, {what}"
        for nodes, what in ((here - there, "went"), (there - here, "came"))
        for node in sorted(nodes, key=lambda each: each.number)
    ]
    if own.timing != pool.timing:
        found.append(f"timing {format_timing(own.timing)} became {format_timing(pool.timing)}")
    return found
