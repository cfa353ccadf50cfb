"""Mounted file systems: what a file on one says, and how full it is.

Asked through programs with a time limit: a file system whose storage does not answer must not
hang ovstools. (A hard NFS mount lets a killed program go; OCFS2 fences the server.)
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OvsError
from ..model.command import Command
from ..model.ovsrepo import OvsRepo, parse_ovsrepo
from .host import Host

ANSWER_S = 10
MARKER = ".ovsrepo"


@dataclass(frozen=True)
class Space:
    """How much a file system holds, in bytes."""

    size: int
    used: int


def cat(path: str) -> Command:
    """Build the command that prints a file; exits 1 when there is none."""
    return Command(("cat", "--", path), frozenset({0, 1}), ANSWER_S, changes=False)


def df(mountpoint: str) -> Command:
    """Build the command that prints size and use in bytes."""
    return Command(
        ("df", "--block-size=1", "--output=size,used", "--", mountpoint),
        timeout_s=ANSWER_S,
        changes=False,
    )


def read_marker(host: Host, mountpoint: str) -> OvsRepo | None:
    """Return what .ovsrepo on a mounted repository says; None: there is none, or no answer."""
    try:
        text = host.run(cat(f"{mountpoint}/{MARKER}")).stdout
        return parse_ovsrepo(text) if text else None
    except OvsError:
        return None


def read_space(host: Host, mountpoint: str) -> Space | None:
    """Return how full a mounted file system is; None when it does not answer."""
    try:
        *_, last = host.run(df(mountpoint)).stdout.splitlines()
        size, used = last.split()
        return Space(int(size), int(used))
    except (OvsError, ValueError):
        return None
