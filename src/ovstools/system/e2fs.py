"""resize2fs(8) and dumpe2fs(8): the size of an ext4."""

from __future__ import annotations

from ..model.command import Command
from ..model.ext4 import parse_size
from .host import Host


def grow(device: str, timeout_s: float) -> Command:
    """Build the command that grows a mounted ext4 to the size of its device."""
    return Command(("resize2fs", device), timeout_s=timeout_s)


def superblock(device: str) -> Command:
    """Build the question for the superblock."""
    return Command(("dumpe2fs", "-h", device), changes=False)


def read_size(host: Host, device: str) -> int:
    """Return how many bytes the file system covers."""
    return parse_size(host.run(superblock(device)).stdout)
