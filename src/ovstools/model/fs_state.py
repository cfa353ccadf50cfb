"""/sys/kernel/debug/ocfs2/UUID/fs_state: a mounted OCFS2 volume, as the kernel has it.

Source: ocfs2_osb_dump() in the kernel's fs/ocfs2/super.c. It ties a UUID to a device number
even when the device's names, or the device itself, have gone.
"""

from __future__ import annotations

import re

from ..errors import ParseError

_DEVICE = re.compile(r"\s*Device => Id: (\d+),(\d+)  Uuid: ([0-9A-F]{32})  .*", re.ASCII)


def parse_device_number(text: str, source: str = "fs_state") -> str:
    """Return the number of the volume's device, as mountinfo spells it: "8:17"."""
    first = text.split("\n", 1)[0]
    match = _DEVICE.fullmatch(first)
    if not match:
        raise ParseError(source, 1, "Device => Id: MAJOR,MINOR  Uuid: UUID ...", first)
    return f"{match[1]}:{match[2]}"
