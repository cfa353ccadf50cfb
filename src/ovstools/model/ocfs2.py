"""An OCFS2 volume as ``debugfs.ocfs2 -R COMMAND DEVICE`` describes it, mounted or not.

debugfs.ocfs2 1.8.7 exits 0 whatever happens, so a text without the fields that must be there is
refused here. Nothing of it needs a running cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ParseError

CLASSIC_STACK = "classic o2cb"  #: no cluster name on the volume: any o2cb cluster mounts it
O2CB_STACK = "o2cb"

_SLOT = re.compile(r"\s*(\d+):\s+(\d+) ([0-9a-f]{16}) ([0-9a-f]{16}) [0-9a-f]{8}\s+\d+", re.ASCII)
_CLUSTERS = re.compile(r"^\tLinks: \d+   Clusters: (\d+)$", re.ASCII | re.MULTILINE)
_PAIR = re.compile(r"\s*(\d+)\s+(\d+)", re.ASCII)
_ENTRY = re.compile(r"\t\d+ +\d+ +(\d+) +\d+ +(.*)", re.ASCII)


@dataclass(frozen=True)
class Volume:
    """What a superblock says."""

    uuid: str
    label: str
    slots: int
    block_size: int
    cluster_size: int
    stack: str
    cluster_name: str | None
    is_global: bool  #: made for global heartbeat
    features: tuple[str, ...] = ()  #: incompatible features

    @property
    def is_local_mount(self) -> bool:
        """Tell whether it was made with ``mkfs.ocfs2 -M local``: one server, no heartbeat.

        Its stack is printed as "classic o2cb" all the same.
        """
        return "local" in self.features

    @property
    def is_heartbeat_device(self) -> bool:
        """Tell whether it only heartbeats (``mkfs.ocfs2 -H``) and cannot be mounted."""
        return "heartbeat-device" in self.features

    def suits(self, cluster_name: str) -> bool:
        """Tell whether a cluster of this name, with the o2cb stack, can mount it."""
        if self.is_local_mount or self.is_heartbeat_device:
            return False
        return self.stack == CLASSIC_STACK or (
            self.stack == O2CB_STACK and self.cluster_name == cluster_name
        )


def parse_stats(text: str) -> Volume:
    """Read ``stats -h``."""
    stats = _Stats(text)
    return Volume(
        uuid=stats.match("UUID", r"[0-9A-F]{32}").group(),
        label=stats.match("Label", r".*").group(),
        slots=int(stats.match("Max Node Slots", r"\d+").group()),
        block_size=1 << int(stats.match("Block Size Bits", r"(\d+) +.*").group(1)),
        cluster_size=1
        << int(stats.match("Block Size Bits", r".* Cluster Size Bits: (\d+)").group(1)),
        stack=stats.match("Cluster stack", r".+").group(),
        cluster_name=stats.optional("Cluster name"),
        is_global=bool(int(stats.match("Cluster flags", r"(\d+).*").group(1)) & 1),
        features=tuple(stats.match("Feature Incompat", r"\d+ ?(.*)").group(1).split()),
    )


def parse_size(text: str) -> int:
    """Read ``stats``, which goes on with the superblock's inode: how many bytes it covers."""
    volume, clusters = parse_stats(text), _CLUSTERS.search(text)
    if clusters is None:
        raise ParseError("debugfs.ocfs2 stats", 1, "'Clusters:'", text.strip()[-200:])
    return int(clusters[1]) * volume.cluster_size


class _Stats:
    """The ``KEY: VALUE`` lines of ``stats``."""

    source = "debugfs.ocfs2 stats"

    def __init__(self, text: str) -> None:
        self._values: dict[str, tuple[int, str]] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            key, colon, value = line.strip("\t").partition(": ")
            if not (colon and line.startswith("\t")):
                continue
            if key in self._values:
                # a label may hold a newline, and what follows would pass for a field
                raise ParseError(self.source, number, f"{key} only once", line)
            self._values[key] = (number, value)
        self._text = text

    def match(self, key: str, pattern: str) -> re.Match[str]:
        """Find a value that must be there, in a given form."""
        if key not in self._values:
            found = self._text.strip() or "nothing"
            raise ParseError(self.source, 1, f"'{key}:'", found, hint="is it an OCFS2 volume?")
        number, value = self._values[key]
        match = re.fullmatch(pattern, value, re.ASCII)
        if not match:
            raise ParseError(self.source, number, f"'{key}: {pattern}'", value)
        return match

    def optional(self, key: str) -> str | None:
        """Find a value that a classic volume lacks."""
        return self._values[key][1] if key in self._values else None


@dataclass(frozen=True)
class HeartbeatSlot:
    """One node's block in the heartbeat area."""

    node: int
    sequence: int
    generation: int  #: 0: the node left cleanly


def parse_heartbeat(text: str) -> tuple[HeartbeatSlot, ...]:
    """Read ``hb``: the blocks that were ever written."""
    slots = []
    for number, line in _table(text, "debugfs.ocfs2 hb", ("node:", "node", "seq")):
        match = _SLOT.fullmatch(line)
        if not match:
            raise ParseError("debugfs.ocfs2 hb", number, "NODE: NODE SEQ GENERATION ...", line)
        slots.append(HeartbeatSlot(int(match[2]), int(match[3], 16), int(match[4], 16)))
    return tuple(slots)


def moving(first: Iterable[HeartbeatSlot], second: Iterable[HeartbeatSlot]) -> frozenset[int]:
    """Name the nodes that wrote their heartbeat between two looks; leaving is not moving."""
    before = frozenset(first)
    return frozenset(slot.node for slot in second if slot not in before and slot.generation != 0)


def parse_slotmap(text: str) -> dict[int, int]:
    """Read ``slotmap``: which node holds which slot; stale after a crash."""
    nodes = {}
    for number, line in _table(text, "debugfs.ocfs2 slotmap", ("Slot#", "Node#")):
        match = _PAIR.fullmatch(line)
        if not match:
            raise ParseError("debugfs.ocfs2 slotmap", number, "SLOT NODE", line)
        nodes[int(match[1])] = int(match[2])
    return nodes


def parse_names(text: str) -> tuple[str, ...]:
    """Read ``ls DIRECTORY``: all names in it, ``.`` and ``..`` among them."""
    source = "debugfs.ocfs2 ls"
    names = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        match = _ENTRY.fullmatch(line)
        # the length says where the name begins: it may itself begin with spaces
        name = line.encode(errors="surrogateescape")[-int(match[1]) :] if match else b""
        if not match or len(match[2].encode(errors="surrogateescape")) > int(match[1]):
            raise ParseError(source, number, "INODE RECLEN NAMELEN TYPE NAME", line)
        names.append(name.decode(errors="surrogateescape"))
    if "." not in names:
        raise ParseError(source, 1, "the entry '.'", text)
    return tuple(names)


def _table(text: str, source: str, header: tuple[str, ...]) -> list[tuple[int, str]]:
    lines = text.split("\n")
    if tuple(lines[0].split()[: len(header)]) != header:
        raise ParseError(source, 1, f"the header '{' '.join(header)}'", text.strip() or "nothing")
    return [(number, line) for number, line in enumerate(lines, start=1) if number > 1 and line]
