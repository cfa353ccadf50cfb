"""Control groups of process guests (cgroups(7)): whether anything has happened to their processes.

systemd answers for a unit with all of its properties, which costs it more than anything else that
an idle server does for its guests. The kernel's own files cost next to nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ..model.guest_unit import PATTERN
from .guest_units import SLICE

FOLDER = Path("/sys/fs/cgroup", SLICE)
#: of each guest's group its inode, which no later one has, and whether it is populated and frozen;
#: None: not known, as with cgroups v1
Seen = Optional[frozenset[tuple[int, str]]]


def look(folder: Path) -> Seen:
    """Read what the kernel says of the guests' groups; does not wait."""
    try:
        (folder.parent / "cgroup.controllers").stat()  # only cgroups v2 have it
        groups = list(folder.glob(PATTERN))
        return frozenset(
            (each.stat().st_ino, (each / "cgroup.events").read_text()) for each in groups
        )
    except OSError:
        return None
