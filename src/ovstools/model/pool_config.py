"""What all servers of a pool have alike, as one value: sent by ssh, kept on the pool file system.

cluster.conf, o2cb's timing, the shared repositories and their mount options, and which nodes were
taken out. The generation rises with every change, so that a server that was away can tell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ParseError, RefusedError, UsageError
from .cluster import Cluster, Node, is_ipv4, is_node_name
from .cluster_conf import ClusterConf, same_meaning
from .repositories import Repository, format_line, parse_line
from .timing import Timing, from_vars

FORMAT = 1
#: of the file on the pool file system, in the folder of its own that is the pool's
NAME = "config.json"
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class PoolConfig:
    """One generation of it; options: by UUID, source, or ``DEFAULT FSTYPE``, for mount -o."""

    conf: str
    timing: Timing
    repositories: tuple[Repository, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    removed: tuple[Node, ...] = ()
    generation: int = 0

    @property
    def cluster(self) -> Cluster:
        """Read cluster.conf; raises ParseError."""
        return ClusterConf.parse(self.conf, "the pool's cluster.conf").cluster

    @property
    def fingerprint(self) -> str:
        """Return what two servers must have alike, or the kernel refuses their connection."""
        return fingerprint(self.cluster, self.timing)

    def is_same(self, other: PoolConfig) -> bool:
        """Compare by meaning; the generation does not count."""
        mine, theirs = (replace(each, conf="", generation=0) for each in (self, other))
        return same_meaning(self.cluster, other.cluster) and mine == theirs


def fingerprint(cluster: Cluster, timing: Timing) -> str:
    """Return a short hash of the meaning of cluster.conf and of o2cb's timing."""
    nodes = sorted((n.number, n.name, n.ip_address, n.ip_port) for n in cluster.nodes)
    meaning = [cluster.name, cluster.heartbeat_mode, nodes, sorted(cluster.regions)]
    words = json.dumps([meaning, sorted(timing.to_vars().items())])
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def to_data(config: PoolConfig) -> dict[str, Any]:
    """Return it as JSON has it."""
    return {
        "format": FORMAT,
        "generation": config.generation,
        "cluster_conf": config.conf,
        "timing": config.timing.to_vars(),
        "repositories": [format_line(each) for each in config.repositories],
        "options": dict(config.options),
        "removed": [vars(node) for node in config.removed],
    }


def format_config(config: PoolConfig) -> str:
    """Return the file's text."""
    return json.dumps(to_data(config), indent=2) + "\n"


def parse_config(text: str, source: str) -> PoolConfig:
    """Read the file; raise ParseError, or RefusedError for what a later ovstools wrote."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ParseError(source, 1, "JSON", str(error)) from error
    return from_data(data, source)


def from_data(data: Any, source: str) -> PoolConfig:
    """Read it as JSON has it; raises as parse_config() does. Nothing in it is believed unread."""
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise ParseError(source, 1, "the configuration of a pool", str(data)[:80])
    if data["format"] > FORMAT:
        raise RefusedError(
            f"{source}: format {data['format']}; this ovstools knows {FORMAT}",
            hint="upgrade ovstools on this server",
        )
    try:
        config = PoolConfig(
            conf=_text(data["cluster_conf"]),
            timing=from_vars({key: _text(value) for key, value in data["timing"].items()}),
            repositories=tuple(_repository(line) for line in data["repositories"]),
            options=tuple(sorted(_option(pair) for pair in data["options"].items())),
            removed=tuple(_node(each) for each in data["removed"]),
            generation=_whole(data["generation"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError, UsageError) as error:
        raise ParseError(source, 1, "the configuration of a pool", str(error)[:200]) from error
    if config.timing.problems() or not config.cluster.nodes:
        raise ParseError(source, 1, "a timing and nodes that o2cb takes", str(config.timing))
    return config


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _repository(line: Any) -> Repository:
    found = parse_line(_text(line))
    if found is None or found.uuid is None:
        raise ValueError(f"{line!r} is no line of the list")
    return found


def _option(pair: tuple[Any, Any]) -> tuple[str, str]:
    key, options = _text(pair[0]), _text(pair[1])
    if len(options.split()) != 1 or not f"{key}{options}".isprintable() or not key.strip():
        raise ValueError(f"{pair!r} are no mount options")
    return key, options


def _node(each: Mapping[str, Any]) -> Node:
    node = Node(_text(each["name"]), _whole(each["number"]), _text(each["ip_address"]),
                _whole(each["ip_port"]))  # fmt: skip
    if not (is_node_name(node.name) and is_ipv4(node.ip_address)):
        raise ValueError(f"{each!r} is no node")
    return node
