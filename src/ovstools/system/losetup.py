"""losetup(8): a file as a block device; and what sysfs says of such a device."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.command import Command
from ..model.losetup import COLUMNS, parse_losetup
from .host import Host

BLOCK = "/sys/block"
SECTOR_BYTES = 512
ANSWER_S = 30.0


@dataclass(frozen=True)
class Loop:
    """A loop device as the kernel has it."""

    path: str
    number: str  #: "7:0"
    file: str  #: the path at which it was attached
    is_direct: bool  #: round the page cache
    sector_bytes: int
    is_read_only: bool

    @property
    def faults(self) -> tuple[str, ...]:
        """Say what makes it unfit for a heartbeat that several servers share."""
        name = self.path.rpartition("/")[2]
        found = []
        if not self.is_direct:
            found.append(f"{BLOCK}/{name}/loop/dio is 0")
        if self.sector_bytes != SECTOR_BYTES:
            found.append(f"its sectors have {self.sector_bytes} bytes, not {SECTOR_BYTES}")
        if self.is_read_only:
            found.append("it is read-only")
        return tuple(found)


def attach(file: str) -> Command:
    """Build the command that attaches a file to the next free device, and prints its name.

    With direct I/O, and with sectors of one size on every server: node N beats in sector N.
    """
    words = ("losetup", "--find", "--show", "--direct-io=on", "--sector-size", str(SECTOR_BYTES))
    return Command((*words, file), timeout_s=ANSWER_S)


def detach(device: str) -> Command:
    """Build the command that detaches a device."""
    return Command(("losetup", "--detach", device), timeout_s=ANSWER_S)


def associated(file: str) -> Command:
    """Build the command that lists the devices of a file, under whatever name it was attached."""
    words = ("losetup", "--json", "--list", "--output", COLUMNS, "--associated", file)
    return Command(words, changes=False, timeout_s=ANSWER_S)


def find(host: Host, file: str) -> tuple[Loop, ...]:
    """Return the loop devices that a file is attached to; it is asked of the storage."""
    devices = parse_losetup(host.run(associated(file)).stdout)
    found = (read(host, device.rpartition("/")[2]) for device in devices)
    return tuple(loop for loop in found if loop is not None)


def known(host: Host, file: str) -> tuple[Loop, ...]:
    """Return the loop devices that were attached under this path; no storage is touched."""
    names = (name for name in host.names(BLOCK) if name.startswith("loop"))
    found = (read(host, name) for name in names)
    return tuple(loop for loop in found if loop is not None and loop.file == file)


def read(host: Host, name: str) -> Loop | None:
    """Return what sysfs says of loopN; None: nothing is attached to it."""
    folder = f"{BLOCK}/{name}"
    file = host.read(f"{folder}/loop/backing_file")
    if file is None:
        return None
    return Loop(
        path=f"/dev/{name}",
        number=_word(host, f"{folder}/dev"),
        file=file.rstrip("\n"),
        is_direct=_word(host, f"{folder}/loop/dio") == "1",
        sector_bytes=int(_word(host, f"{folder}/queue/logical_block_size") or 0),
        is_read_only=_word(host, f"{folder}/ro") == "1",
    )


def _word(host: Host, path: str) -> str:
    return (host.read(path) or "").strip()
