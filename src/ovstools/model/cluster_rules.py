"""What must hold in cluster.conf, and the cluster that a good file describes.

Sources: o2cb 1.8.7 on every case (its own message is only ``Unknown code ____ 234``), and the
kernel's fs/ocfs2/cluster/nodemanager.c, which refuses double numbers and addresses that o2cb takes.
"""

from __future__ import annotations

from ..errors import ParseError
from .cluster import (
    CLUSTER_NAME,
    HEARTBEAT_MODES,
    MAX_NODE_NUMBER,
    Cluster,
    Node,
    is_ipv4,
    is_name_of_host,
    is_node_name,
    parse_number,
)
from .stanzas import Stanza, StanzaReader


class Judge:
    """Reads a file, and gathers what is wrong with it."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        reader = StanzaReader(source)
        reader.read(text)
        self.stanzas, self.problems = tuple(reader.stanzas), list(reader.problems)
        self.clusters = [each for each in self.stanzas if each.kind == "cluster"]
        self.nodes = [each for each in self.stanzas if each.kind == "node"]
        # a line that was not understood makes everything below it look incomplete
        if not reader.is_lost:
            self._judge_meaning()
        self.problems.sort(key=lambda problem: problem.line)

    def _judge_meaning(self) -> None:
        if not self.clusters:
            self._refuse(1, "a cluster: stanza", "none")
        for stanza in self.clusters:
            self._judge_cluster(stanza)
        for stanza in self.nodes:
            self._judge_node(stanza)
        self._judge_duplicates()

    def cluster(self) -> Cluster:
        """Build the cluster of a file without problems."""
        stanza = self.clusters[0]
        return Cluster(
            name=stanza.get("name") or "",
            nodes=tuple(_node_of(each) for each in self.nodes),
            heartbeat_mode=(stanza.get("heartbeat_mode") or "local").lower(),
            regions=tuple(
                sorted(
                    each.get("region") or "" for each in self.stanzas if each.kind == "heartbeat"
                )
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
