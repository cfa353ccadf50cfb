"""Disks of the fake machines: what is on them, as the real tools print it (see tests/data)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

GIB = 2**30


@dataclass
class FileSystem:
    """What mkfs made: a folder holds its files; heartbeat: node number -> sequence number."""

    type: str
    uuid: str
    folder: Path
    label: str = ""
    slots: int = 16
    cluster_name: str | None = "ocfs2"
    stack: str = "o2cb"
    is_finished: bool = True
    heartbeat: dict[int, int] = field(default_factory=dict)
    slot_map: dict[int, int] = field(default_factory=dict)
    size: int = 4 * GIB  #: what it covers of its device


@dataclass
class Disk:
    """A device that several machines may share; beating: foreign nodes that heartbeat on it."""

    path: str
    number: str
    type: str = "part"
    size: int = 4 * GIB
    fs: FileSystem | None = None
    other: dict[str, str] = field(default_factory=dict)  #: blkid's words for anything else
    children: list[Disk] = field(default_factory=list)
    beating: set[int] = field(default_factory=set)
    is_claimed: bool = False  #: by the kernel: swap, a mount that we do not see
    head: bytes = bytes(8192)  #: of a disk on which blkid finds nothing
    tail: bytes = bytes(65536)
    parent: str | None = None  #: the kernel's name of the disk that it is a partition of

    @property
    def name(self) -> str:
        """Return the kernel's name."""
        return self.path.rsplit("/", 1)[1]

    def beat(self) -> None:
        """Let every heartbeating node write once."""
        if self.fs is not None:
            for node in self.beating:
                self.fs.heartbeat[node] = self.fs.heartbeat.get(node, 0) + 1

    def lsblk(self, size: int | None = None) -> str:
        """Return what `lsblk --json` prints; size: what the asking server takes it for."""
        row = self._row()
        return json.dumps({"blockdevices": [{**row, "size": size or row["size"]}]})

    def _row(self) -> dict[str, object]:
        row: dict[str, object] = {
            "name": self.name,
            "kname": self.name,
            "path": self.path,
            "type": self.type,
            "size": self.size,
            "maj:min": self.number,
            "fstype": self.fs.type if self.fs else self.other.get("TYPE"),
            "mountpoint": None,
            "pttype": self.other.get("PTTYPE"),
            "wwn": None,
            "serial": None,
            "ro": False,
            "pkname": self.parent,
        }
        if self.children:
            row["children"] = [child._row() for child in self.children]
        return row

    def blkid(self) -> str:
        """Return what `blkid -p -o export` prints; nothing for a blank device."""
        words = dict(self.other)
        if self.fs is not None:
            uuid = self.fs.uuid.lower()
            words["UUID"] = "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]))
            words |= {"TYPE": self.fs.type, "USAGE": "filesystem"}
            if self.fs.label:
                words["LABEL"] = self.fs.label
        lines = [f"{key}={value}" for key, value in words.items()]
        return "\n".join([f"DEVNAME={self.path}", *lines, ""]) if lines else ""

    def debugfs(self, request: str) -> tuple[str, str]:
        """Return what debugfs.ocfs2 prints on stdout and stderr; its status is always 0."""
        fs = self.fs
        if fs is None or fs.type != "ocfs2":
            return (
                "",
                f"open: Bad magic number in superblock while opening context for {self.path}\n",
            )
        if request == "stats -h":
            return _stats(fs), ""
        if request == "stats":
            return f"{_stats(fs)}\tLinks: 0   Clusters: {fs.size // 4096}\n", ""
        if request == "hb":
            return _heartbeat(fs), ""
        if request == "slotmap":
            rows = "".join(f"\t{slot:5}   {node:5}\n" for slot, node in fs.slot_map.items())
            return f"\tSlot#   Node#\n{rows}", ""
        if request == "ls /":
            return _names(fs), ""
        if request.startswith("cat /"):
            file = fs.folder / request[len("cat /") :]
            if file.is_file():
                return file.read_text(), ""
            return "", f"cat: Directory entry not found '{request[4:]}'\n"
        raise AssertionError(f"unexpected debugfs.ocfs2 request {request!r}")


def _stats(fs: FileSystem) -> str:
    lines = [
        "Revision: 0.90",
        "Feature Incompat: 63312 sparse extended-slotmap inline-data xattr clusterinfo append-dio",
        "Block Size Bits: 12   Cluster Size Bits: 12",
        f"Max Node Slots: {fs.slots}",
        f"Label: {fs.label}",
        f"UUID: {fs.uuid}",
        f"Cluster stack: {fs.stack}",
    ]
    if fs.stack != "classic o2cb":
        lines.append(f"Cluster name: {fs.cluster_name}")
    return "".join(f"\t{line}\n" for line in [*lines, "Cluster flags: 0 "])


def _heartbeat(fs: FileSystem) -> str:
    rows = "".join(
        f"\t{node:4}: {node:4} {sequence:016x} 73f0c3a1d5b2e604 56890112  62000\n"
        for node, sequence in sorted(fs.heartbeat.items())
    )
    return "\tnode: node              seq       generation checksum deadms\n" + rows


def _names(fs: FileSystem) -> str:
    names = [".", ".."]
    if fs.is_finished:
        names += ["lost+found", *sorted(path.name for path in fs.folder.iterdir())]
    return "".join(f"\t{5:<15} 16   {len(name.encode()):<4} 2  {name}\n" for name in names)
