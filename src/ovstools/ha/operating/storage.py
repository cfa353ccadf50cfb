"""The repositories that are mounted here, and which of them a path is in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import RefusedError
from ...model.command import Command
from ...model.repositories import RepositoryList
from ...system import mounts
from ...system.host import Host
from ..pool_files import read_files
from ..pool_io import Failed, PoolIo
from .session import Session

#: so many paths in one command line
AT_ONCE = 200


@dataclass(frozen=True)
class Store:
    """A mounted repository; device: its st_dev."""

    uuid: str
    mountpoint: str
    is_root: bool
    device: int


def mounted(host: Host) -> tuple[Store, ...]:
    """Return the listed repositories that are mounted here; no storage is touched."""
    table = mounts.read_mounts(host)
    root = host.settings.paths.cluster_root
    text = host.read(host.settings.paths.repositories) or ""
    found = []
    for each in RepositoryList.parse(text).repositories:
        place = root if each.cluster_root else f"{root}/{each.uuid}"
        mount = table.at(place)
        if each.uuid and mount is not None:
            major, _, minor = mount.device_number.partition(":")
            device = os.makedev(int(major), int(minor))
            found.append(Store(each.uuid, place, each.cluster_root, device))
    return tuple(found)


def store_of(stores: Iterable[Store], path: str) -> Store | None:
    """Return the repository that a path is in: the innermost mount counts."""
    inside = [each for each in stores if path.startswith(each.mountpoint.rstrip("/") + "/")]
    return max(inside, key=lambda each: len(each.mountpoint), default=None)


def real_paths(host: Host, paths: Iterable[str], must_exist: bool) -> dict[str, str]:
    """Follow symbolic links, in a program of its own: storage may hang.

    Raises RefusedError when one is missing and must not be.
    """
    wanted = sorted(set(paths))
    how = "--canonicalize-existing" if must_exist else "--canonicalize-missing"
    found: dict[str, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        command = Command(
            ("realpath", how, "--zero", "--", *part), ok=frozenset({0, 1}), changes=False
        )
        result = host.run(command)
        lines = result.stdout.split("\0")[:-1]
        if len(lines) != len(part):
            raise RefusedError(
                "a file that the guest needs is not there",
                *result.stderr.strip().splitlines()[:4],
                hint="mount its repository: ovstools repositories start",
            )
        found.update(zip(part, lines))
    return found


def existing(host: Host, paths: Iterable[str]) -> frozenset[str]:
    """Return those of the paths where something is; asked by a program, as storage may hang."""
    wanted = sorted(set(paths))
    if not wanted:
        return frozenset()
    argv = ("stat", "--printf=%n\\0", "--", *wanted)
    found = host.run(Command(argv, ok=frozenset({0, 1}), changes=False))
    return frozenset(found.stdout.split("\0")) & frozenset(wanted)


def read_anywhere(session: Session, paths: Iterable[str]) -> dict[str, str | Failed | None]:
    """Read files by absolute path, with a deadline; None: there is none."""
    wanted = sorted(set(paths))
    io = PoolIo("/", session.host.clock)
    found: dict[str, str | Failed | None] = {}
    for start in range(0, len(wanted), AT_ONCE):
        names = [path.lstrip("/") for path in wanted[start : start + AT_ONCE]]
        for name, read in session.done(read_files(io, names, session.limit_s)).items():
            if isinstance(read, bytes):
                found[f"/{name}"] = read.decode("utf-8", "replace")
            else:
                found[f"/{name}"] = read if isinstance(read, Failed) else None
    return found
