"""A LUN with one partition whose size the SAN changes; servers notice only when they ask."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field

from ovstools.model.command import Command, Result

from .disk import GIB, FileSystem
from .machine import FakeMachine

MIB = 2**20
SECTOR = 512
START = 2048
DISK, PART = "/dev/sdb", "/dev/sdb1"


@dataclass
class FakeSan:
    """What is on the SAN and on the disk, the same for every server.

    A server keeps the table that it has read once, as the kernel's buffers do while a partition
    of the disk is mounted; blockdev --flushbufs lets go of it.
    """

    size: int = 4 * GIB + MIB
    label: str = "dos"
    #: number -> first sector and number of sectors
    partitions: dict[int, tuple[int, int]] = field(
        default_factory=lambda: {1: (START, 4 * GIB // SECTOR)}
    )

    _kept: dict[int, dict[int, tuple[int, int]]] = field(default_factory=dict)

    def attach(self, machine: FakeMachine) -> None:
        """Let a server see the LUN as it is now, and have the tools."""
        machine.add_disk(DISK, "8:16", type="disk")
        machine.add_disk(PART, "8:17")
        machine.disks[PART].parent = "sdb"
        machine.write("/sys/class/block/sdb1/partition", "1\n")
        machine.write("/sys/class/block/sdb1/start", f"{self.partitions[1][0]}\n")
        machine.write("/sys/class/block/sdb/device/rescan", "")
        machine.pokes["/sys/class/block/sdb/device/rescan"] = lambda: self._asked(machine)
        self._asked(machine)
        self._told(machine)
        machine.tools |= {
            "sfdisk": lambda command: self._sfdisk(command, self._table(machine)),
            "blockdev": lambda command: self._flushed(machine, command),
            "partx": lambda command: self._told(machine),
            "tunefs.ocfs2": lambda command: _tunefs(machine, command),
            "resize2fs": lambda command: _resize2fs(machine, command),
            "dumpe2fs": lambda command: _dumpe2fs(machine, command),
        }

    def _asked(self, machine: FakeMachine) -> None:
        _set_size(machine, DISK, self.size)

    def _told(self, machine: FakeMachine) -> Result:
        start, sectors = self.partitions[1]
        if (start + sectors) * SECTOR > machine.sizes[DISK]:
            return Result(1, "", "partx: /dev/sdb: error updating partition 1")
        _set_size(machine, PART, sectors * SECTOR)
        return Result(0)

    def _table(self, machine: FakeMachine) -> dict[int, tuple[int, int]]:
        return self._kept.setdefault(id(machine), dict(self.partitions))

    def _flushed(self, machine: FakeMachine, command: Command) -> Result:
        assert command.argv == ("blockdev", "--flushbufs", DISK)
        self._kept.pop(id(machine), None)
        return Result(0)

    def _sfdisk(self, command: Command, table: dict[int, tuple[int, int]]) -> Result:
        if "--json" in command.argv or "--dump" in command.argv:
            rows = [
                {"node": f"{DISK}{number}", "start": start, "size": size, "type": "83"}
                for number, (start, size) in table.items()
            ]
            said = {"label": self.label, "device": DISK, "sectorsize": 512, "partitions": rows}
            return Result(0, json.dumps({"partitiontable": said}))
        number = int(command.argv[command.argv.index("-N") + 1])
        assert command.argv[-1] == DISK and command.input is not None
        size = int(command.input.partition("=")[2])
        start, _ = table[number]
        if (start + size) * SECTOR > self.size:
            return Result(1, "", "sfdisk: All space for primary partitions is in use.")
        table[number] = (start, size)
        self.partitions = dict(table)  # it writes all of what it read
        return Result(0)


def _set_size(machine: FakeMachine, path: str, size: int) -> None:
    machine.sizes[path] = size
    machine.write(f"/sys/class/block/{path.rpartition('/')[2]}/size", f"{size // SECTOR}\n")


def _fs(machine: FakeMachine, path: str) -> tuple[FileSystem, int]:
    disk = machine.disk(path)
    assert disk.fs is not None
    return disk.fs, machine.sizes[disk.path]


def _is_mounted(machine: FakeMachine, path: str) -> bool:
    number = machine.disk(path).number
    lines = machine.read("/proc/self/mountinfo").splitlines()
    return any(line.split()[2] == number for line in lines)


def _tunefs(machine: FakeMachine, command: Command) -> Result:
    fs, size = _fs(machine, command.argv[-1])
    if "--node-slots" in command.argv:
        if _is_mounted(machine, command.argv[-1]):
            return Result(1, "", "tunefs.ocfs2: Device or resource busy")
        fs.slots = int(command.argv[command.argv.index("--node-slots") + 1])
    else:
        assert "--volume-size" in command.argv, shlex.join(command.argv)
        fs.size = size // 4096 * 4096
    return Result(0)


def _resize2fs(machine: FakeMachine, command: Command) -> Result:
    fs, size = _fs(machine, command.argv[-1])
    fs.size = size // 4096 * 4096 - 4096  # a last group that is too small is left out
    return Result(0)


def _dumpe2fs(machine: FakeMachine, command: Command) -> Result:
    fs, _ = _fs(machine, command.argv[-1])
    text = f"Block count:              {fs.size // 4096}\nBlock size:               4096\n"
    return Result(0, text)
