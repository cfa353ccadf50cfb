"""/etc/ocfs2/cluster.conf: strict reading, and edits that keep every other line.

The rules are those of o2cb 1.8.7 (o2cb(8), o2cb_config.c) and of the kernel, which is stricter;
o2cb itself reports only ``Unknown code ____ 251``, or crashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ovstools.errors import ParseError, RefusedError
from ovstools.model.cluster import (
    CLUSTER_NAME,
    DEFAULT_PORT,
    HEARTBEAT_MODES,
    MAX_NODE_NUMBER,
    Cluster,
    Node,
    NodeOption,
    is_ipv4,
    is_loopback,
    is_name_of_host,
    is_node_name,
    number_nodes,
    parse_node_option,
    parse_number,
)
from ovstools.model.lines import Lines
from ovstools.model.stanzas import Stanza, parse_stanzas

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
        judge = _Judge(text, source)
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
        return ClusterConf.parse(str(edited), self.source)

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


class _Judge:
    """Gathers what is wrong with a file."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.stanzas, syntax = parse_stanzas(text, source)
        self.problems = list(syntax)
        self.clusters = [each for each in self.stanzas if each.kind == "cluster"]
        self.nodes = [each for each in self.stanzas if each.kind == "node"]
        if not self.clusters:
            self._refuse(1, "a cluster: stanza", "none")
        for stanza in self.clusters:
            self._judge_cluster(stanza)
        for stanza in self.nodes:
            self._judge_node(stanza)
        self._judge_duplicates()
        self.problems.sort(key=lambda problem: problem.line)

    def cluster(self) -> Cluster:
        """Build the cluster of a file without problems."""
        stanza = self.clusters[0]
        return Cluster(
            name=stanza.get("name") or "",
            nodes=tuple(_node_of(each) for each in self.nodes),
            heartbeat_mode=(stanza.get("heartbeat_mode") or "local").lower(),
            regions=tuple(
                sorted(each.get("region") or "" for each in self.stanzas if each.kind == "heartbeat")
            ),
        )

    def _refuse(self, line: int, expected: str, found: str, hint: str = "") -> None:
        self.problems.append(ParseError(self.source, line, expected, found, hint=hint))

    def _judge_cluster(self, stanza: Stanza) -> None:
        name = stanza.get("name")
        if name is None:
            hint = "o2cb crashes (SIGSEGV) on such a file: add the name before running o2cb"
            self._refuse(stanza.line, "name in the cluster stanza", "none", hint)
        elif not CLUSTER_NAME.fullmatch(name):
            line = stanza.line_of("name")
            self._refuse(line, "a cluster name of 1 to 16 letters and digits", name)
        count = stanza.get("node_count")
        if count is None:
            self._refuse(stanza.line, "node_count in the cluster stanza", "none")
        elif parse_number(count, 0, 255) is None:
            self._refuse(stanza.line_of("node_count"), "a node_count from 0 to 255", count)
        mode = stanza.get("heartbeat_mode")
        if mode is not None and mode.lower() not in HEARTBEAT_MODES:
            line = stanza.line_of("heartbeat_mode")
            self._refuse(line, "heartbeat_mode local or global", mode)
        if stanza is not self.clusters[0]:
            hint = "the kernel runs one cluster at a time"
            self._refuse(stanza.line, "one cluster stanza", f"another one, {name}", hint)

    def _judge_node(self, stanza: Stanza) -> None:
        rules = {
            "name": ("a host name of at most 64 characters", is_node_name),
            "number": ("a node number from 0 to 254", _is_node_number),
            "ip_address": ("an IPv4 address", is_ipv4),
            "ip_port": ("a port from 1 to 65535", _is_port),
        }
        for key, (expected, is_good) in rules.items():
            value = stanza.get(key)
            if value is None:
                self._refuse(stanza.line_of(key), f"{key} in the node stanza", "none")
            elif not is_good(value):
                self._refuse(stanza.line_of(key), expected, value)
        cluster = stanza.get("cluster")
        if cluster not in {each.get("name") for each in self.clusters} or cluster is None:
            hint = "o2cb ignores such a node without a word"
            line = stanza.line_of("cluster")
            self._refuse(line, "the name of the cluster stanza", cluster or "none", hint)

    def _judge_duplicates(self) -> None:
        for index, stanza in enumerate(self.nodes):
            for other in self.nodes[:index]:
                for key in ("name", "number", "ip_address"):
                    self._judge_pair(key, stanza, other)

    def _judge_pair(self, key: str, stanza: Stanza, other: Stanza) -> None:
        mine, theirs = stanza.get(key), other.get(key)
        if mine is None or theirs is None:
            return
        same = mine == theirs
        if key == "name":
            same = is_name_of_host(mine, theirs) or is_name_of_host(theirs, mine)
        elif key == "number" and _is_node_number(mine) and _is_node_number(theirs):
            same = int(mine) == int(theirs)
        if same:
            found = f"{mine} here and {theirs} in line {other.line_of(key)}"
            self._refuse(stanza.line_of(key), f"a node {key} of its own", found)


def parse_problems(text: str, source: str = PATH) -> list[ParseError]:
    """List all that is wrong with the file, by line; empty when it is good."""
    return _Judge(text, source).problems


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
    ClusterConf.parse(text)
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


def _is_node_number(text: str) -> bool:
    return parse_number(text, 0, MAX_NODE_NUMBER) is not None


def _is_port(text: str) -> bool:
    return parse_number(text, 1, 65535) is not None


def _node_of(stanza: Stanza) -> Node:
    return Node(
        name=stanza.get("name") or "",
        number=int(stanza.get("number") or ""),
        ip_address=stanza.get("ip_address") or "",
        ip_port=int(stanza.get("ip_port") or ""),
    )


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
