"""OCFS2 volumes: debugfs.ocfs2(8) to look without side effects, mkfs.ocfs2(8) to make them."""

from __future__ import annotations

from ..errors import ParseError, RefusedError
from ..model.command import Command
from ..model.ocfs2 import (
    HeartbeatSlot,
    Volume,
    moving,
    parse_heartbeat,
    parse_names,
    parse_size,
    parse_slotmap,
    parse_stats,
)
from ..model.ovsrepo import OvsRepo
from ..model.ovsrepo import parse_ovsrepo as parse_marker
from .host import Host

MARKER = ".ovsrepo"


def debugfs(device: str, request: str) -> Command:
    """Build a question to a volume. debugfs.ocfs2 exits 0 whatever happens: read the answer."""
    return Command(("debugfs.ocfs2", "-R", request, device), changes=False, timeout_s=60)


def read_volume(host: Host, device: str) -> Volume:
    """Return what the superblock says; raise ParseError when it cannot be read."""
    result = host.run(debugfs(device, "stats -h"))
    try:
        return parse_stats(result.stdout)
    except ParseError as error:
        raise _unreadable(f"the superblock of {device}", device, result.stderr) from error


def read_size(host: Host, device: str) -> int:
    """Return how many bytes the file system covers, by its superblock; mounted or not."""
    result = host.run(debugfs(device, "stats"))
    try:
        return parse_size(result.stdout)
    except ParseError as error:
        raise _unreadable(f"the superblock of {device}", device, result.stderr) from error


def is_unfinished(host: Host, device: str) -> bool:
    """Tell whether mkfs.ocfs2 has not come to its end, or did not: the root is still empty.

    mkfs writes the superblock first and lost+found last (mkfs.c), so a volume whose root
    folder has no entry at all is one that is being made, or whose mkfs was killed.
    """
    result = host.run(debugfs(device, "ls /"))
    try:
        return set(parse_names(result.stdout)) <= {".", ".."}
    except ParseError as error:
        raise _unreadable(f"the root folder of {device}", device, result.stderr) from error


def read_marker(host: Host, device: str) -> OvsRepo | None:
    """Return what .ovsrepo on an unmounted volume says, or None when there is none."""
    text = host.run(debugfs(device, f"cat /{MARKER}")).stdout
    return parse_marker(text) if "=" in text else None


def read_heartbeat(host: Host, device: str) -> tuple[HeartbeatSlot, ...]:
    """Return the heartbeat area: one slot a node that ever heartbeat there."""
    return parse_heartbeat(host.run(debugfs(device, "hb")).stdout)


def read_slots(host: Host, device: str) -> dict[int, int]:
    """Return which node has which slot, as last written: a node that crashed still has its own."""
    return parse_slotmap(host.run(debugfs(device, "slotmap")).stdout)


def moving_nodes(host: Host, device: str) -> frozenset[int]:
    """Return the numbers of the nodes whose heartbeat moves; takes heartbeat_sample_s.

    A node writes every 2 s (o2cb(7)), so the sample of 5 s sees two beats.
    """
    first = read_heartbeat(host, device)
    host.clock.sleep(host.settings.limits.heartbeat_sample_s)
    return moving(first, read_heartbeat(host, device))


def _unreadable(what: str, device: str, stderr: str) -> RefusedError:
    return RefusedError(
        f"{what} cannot be read",
        *stderr.splitlines()[-2:],
        hint=f"with the volume unmounted everywhere: fsck.ocfs2 -n {device}",
    )
