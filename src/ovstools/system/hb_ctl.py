"""ocfs2_hb_ctl(8): references to a heartbeat region, in local heartbeat mode.

The count is a System V semaphore (ocfs2-tools libo2cb/o2cb_abi.c): each mount holds one, each
-S adds one, each -K drops one; without any, -K removes the region itself. -S and -K want a
service's name as a third word, which the white paper's `ocfs2_hb_ctl -K -d /dev/sdb1` lacks.
"""

from __future__ import annotations

import re

from ..errors import ToolError
from ..model.command import Command
from .host import Host

SERVICE = "ovs"
PROGRAM = "ocfs2_hb_ctl"
_REFS = re.compile(r"(?P<uuid>[0-9A-Fa-f]{32}): (?P<refs>\d+) refs")


def start(device: str, service: str) -> Command:
    """Build the command that adds a reference; the first one starts the heartbeat.

    It waits for three beats, and up to three times as long while they are unsteady.
    """
    return Command((PROGRAM, "-S", "-d", device, service), timeout_s=120)


def stop(uuid: str, service: str) -> Command:
    """Build the command that drops a reference; by UUID, for the device may be gone."""
    return Command((PROGRAM, "-K", "-u", uuid, service), timeout_s=60)


def info(uuid: str) -> Command:
    """Build the command that prints the number of references."""
    return Command((PROGRAM, "-I", "-u", uuid), changes=False)


def set_priority(uuid: str, priority: int) -> Command:
    """Build the command that sets the heartbeat thread's I/O priority, 0 (first) to 7."""
    return Command((PROGRAM, "-P", "-u", uuid, "-n", str(priority)))


def read_refs(host: Host, uuid: str) -> int:
    """Return the number of references to a region; the cluster must be online."""
    said = host.run(info(uuid)).stdout
    match = _REFS.search(said)
    if not match or match["uuid"].upper() != uuid:
        raise ToolError(f"{PROGRAM} -I did not say how many references {uuid} has", said.strip())
    return int(match["refs"])
