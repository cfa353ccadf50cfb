"""/etc/ocfs2/cluster.conf: strict reading, and edits that keep every other line.

The rules are those of o2cb 1.8.7 (o2cb(8), o2cb_config.c) and of the kernel, which is stricter;
o2cb itself reports only ``Unknown code ____ 251``, or crashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ..errors import ParseError, RefusedError
from .cluster import (
    DEFAULT_PORT,
    Cluster,
    Node,
    NodeOption,
    is_loopback,
    number_nodes,
    parse_node_option,
)
from .cluster_rules import Judge
from .lines import Lines
from .stanzas import Stanza

__all__ = [
    "DEFAULT_PORT",
    "PATH",
    "Cluster",
    "ClusterConf",
    "Node",
    "NodeOption",
    "format_cluster_conf",
    "is_loopback",
    "number_nodes",
    "parse_node_option",
    "parse_problems",
    "same_meaning",
]

PATH = "/etc/ocfs2/cluster.conf"
#: order of the white paper's sample file
_NODE_KEYS = ("ip_port", "ip_address", "number", "name", "cluster")


@dataclass(frozen=True)
class ClusterConf:
    """The file as lines, and what they mean; make one with parse()."""

    document: Lines
    source: str
    cluster: Cluster
    stanzas: tuple[Stanza, ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str, source: str = PATH) -> ClusterConf:
        """Read the file; raise the first of parse_problems() when there are any."""
        judge = Judge(text, source)
        if judge.problems:
            raise judge.problems[0]
        return cls(Lines.split(text), source, judge.cluster(), judge.stanzas)

    def __str__(self) -> str:
        return str(self.document)

    def with_node(self, node: Node) -> ClusterConf:
        """Add a node stanza in the file's own style and raise node_count."""
        if self.cluster.node(node.name) == node:
            return self
        values = {**_node_values(node), "cluster": self.cluster.name}
        nodes = self._node_stanzas()
        if nodes:
            lines = [self._rewrite(number, values) for number in self._own_lines(nodes[-1])]
            counted = self._with_node_count(len(nodes) + 1)
            added = [line for line in lines if line is not None]
            edited = counted.insert(nodes[-1].last_line, ["", *added])
        else:
            edited = self._with_node_count(1).append("", *_node_lines(values))
        added_conf = ClusterConf.parse(str(edited), self.source)
        _prove(added_conf.cluster, replace(self.cluster, nodes=(*self.cluster.nodes, node)))
        return added_conf

    def without_node(self, name: str) -> ClusterConf:
        """Remove a node's stanza with the blank line below it, and lower node_count."""
        nodes = self._node_stanzas()
        stanza = next((each for each in nodes if each.get("name") == name), None)
        if stanza is None:
            raise RefusedError(f"{self.source} has no node {name}")
        lines = self.document.lines
        gone = set(range(stanza.line - 1, stanza.last_line))
        if stanza.last_line < len(lines) - 1 and not lines[stanza.last_line].strip():
            gone.add(stanza.last_line)
        edited = self._with_node_count(len(nodes) - 1).drop(gone)
        return ClusterConf.parse(str(edited), self.source)

    def _node_stanzas(self) -> list[Stanza]:
        return [each for each in self.stanzas if each.kind == "node"]

    def _with_node_count(self, count: int) -> Lines:
        stanza = next(each for each in self.stanzas if each.kind == "cluster")
        index = stanza.line_of("node_count") - 1
        line = self.document.lines[index]
        return self.document.replace(index, _with_value(line, str(count)))

    def _own_lines(self, stanza: Stanza) -> list[int]:
        return [stanza.line, *(each.line for each in stanza.parameters)]

    def _rewrite(self, number: int, values: dict[str, str]) -> str | None:
        """Copy a line of a node stanza with other values; unknown parameters are not copied."""
        line = self.document.lines[number - 1]
        if line[0] not in " \t":
            return line
        key = line.split("=", 1)[0].strip()
        return _with_value(line, values[key]) if key in values else None


def parse_problems(text: str, source: str = PATH) -> list[ParseError]:
    """List all that is wrong with the file, by line; empty when it is good."""
    return Judge(text, source).problems


def format_cluster_conf(cluster: Cluster) -> str:
    """Write the file in the order and form of the white paper's sample."""
    lines: list[str] = []
    for node in cluster.nodes:
        lines += [*_node_lines({**_node_values(node), "cluster": cluster.name}), ""]
    for region in cluster.regions:
        lines += ["heartbeat:", f"\tregion = {region}", f"\tcluster = {cluster.name}", ""]
    lines += ["cluster:", f"\tnode_count = {len(cluster.nodes)}"]
    if cluster.heartbeat_mode != "local":
        lines.append(f"\theartbeat_mode = {cluster.heartbeat_mode}")
    text = "\n".join([*lines, f"\tname = {cluster.name}", "", ""])
    _prove(ClusterConf.parse(text).cluster, cluster)
    return text


def same_meaning(one: ClusterConf | Cluster, other: ClusterConf | Cluster) -> bool:
    """Compare two files by what o2cb makes of them: spelling and order do not count."""
    a = one.cluster if isinstance(one, ClusterConf) else one
    b = other.cluster if isinstance(other, ClusterConf) else other
    return (a.name, a.heartbeat_mode, frozenset(a.nodes), frozenset(a.regions)) == (
        b.name,
        b.heartbeat_mode,
        frozenset(b.nodes),
        frozenset(b.regions),
    )


def _prove(written: Cluster, meant: Cluster) -> None:
    """Refuse a name that would break out of its line and say something else in the file."""
    if not same_meaning(written, meant):
        raise ParseError(PATH, 1, f"names that fit on one line in {meant!r}", repr(written))


def _node_values(node: Node) -> dict[str, str]:
    return {
        "ip_port": str(node.ip_port),
        "ip_address": node.ip_address,
        "number": str(node.number),
        "name": node.name,
    }


def _node_lines(values: dict[str, str]) -> list[str]:
    return ["node:", *(f"\t{key} = {values[key]}" for key in _NODE_KEYS)]


def _with_value(line: str, value: str) -> str:
    """Put another value into a ``key = value`` line, keeping the spaces on both sides."""
    return re.sub(r"(=[ \t]*)[^ \t].*?([ \t]*)$", lambda m: m[1] + value + m[2], line, count=1)
