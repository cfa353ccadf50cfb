"""Copy the old data of a conversion, compare every byte, then put it in its place.

It is copied beside its place, on the storage where that is; only when all of it was compared is
it renamed into its place, folders of the same name united. So whatever is seen there is whole.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import ToolError
from ..system import files, tree, tree_compare
from ..system.host import Host
from ..system.tree import Entry
from .convert_places import SHOWN, STAGING, Amount, Places
from .meter import MIB, Meter
from .plan import Confirm, Step


@dataclass(frozen=True)
class CopyTree:
    """Copy what is not copied yet."""

    places: Places
    total: int

    def preview(self) -> str:
        """Return the command that comes nearest."""
        return f"cp --archive --sparse=always {self.places.old}/. {self.places.staging}"

    def preflight(self, host: Host) -> None:
        """Refuse when nothing can be written there."""
        files.probe(host.path(self.places.final))

    def apply(self, host: Host) -> None:
        """Copy files, then give the folders their owners, modes and times."""
        meter = Meter(host, "copied", self.total)
        part, staging = host.path(self.places.part), host.path(self.places.staging)
        try:
            if staging.is_dir() and not part.is_dir():
                os.rename(staging, part)
            files.make_folder(part, 0o700)
            self._copy_all(host, part, meter)
            os.rename(part, staging)
            files.sync_folder(staging.parent)
        except OSError as error:
            raise _failed("copying", error) from error

    def _copy_all(self, host: Host, top: Path, meter: Meter) -> None:
        old, part = host.path(self.places.old), top / f"{STAGING}now"
        first: dict[tuple[int, int], Entry] = {}
        folders = []
        for entry in self.places.entries(host):
            target = top / entry.path
            if entry.is_folder:
                target.mkdir(0o700, exist_ok=True)
                folders.append(entry)
                continue
            key = (entry.status.st_dev, entry.status.st_ino)
            twin = first.setdefault(key, entry) if entry.status.st_nlink > 1 else entry
            if tree.looks_same(entry, self.places.copied(host, entry)):
                continue
            if twin is not entry:
                part.unlink(missing_ok=True)
                os.link(self.places.copied(host, twin), part, follow_symlinks=False)
                os.rename(part, target)
            else:
                tree.copy(old / entry.path, entry, target, part, meter)
        for entry in reversed(folders):
            tree.dress(old / entry.path, entry, top / entry.path)
            files.sync_folder(top / entry.path)
        part.unlink(missing_ok=True)


@dataclass(frozen=True)
class PutInPlace:
    """Rename what was compared into its place, and unite folders of the same name."""

    places: Places

    def preview(self) -> str:
        """Return the command that comes nearest."""
        return f"mv --no-clobber {self.places.staging}/* {self.places.final}"

    def preflight(self, host: Host) -> None:
        """Nothing is known before it was copied."""

    def apply(self, host: Host) -> None:
        """Rename; a run that is killed leaves each thing in one of the two places."""
        staging = host.path(self.places.staging)
        try:
            if staging.is_dir():
                _unite(staging, host.path(self.places.final))
        except OSError as error:
            raise _failed("putting in place", error) from error


def _unite(source: Path, target: Path) -> None:
    """Move what is in a folder to another one, then remove it."""
    for name in sorted(os.listdir(source)):
        here, there = source / name, target / name
        is_folder = here.is_dir() and not here.is_symlink()
        if is_folder and there.is_dir() and not there.is_symlink() and os.listdir(there):
            _unite(here, there)
        elif os.path.lexists(there) and not is_folder:
            _drop_twin(here, there)
        else:
            os.rename(here, there)  # onto an empty folder too (rename(2))
    files.sync_folder(target)
    source.rmdir()


def _drop_twin(here: Path, there: Path) -> None:
    """Remove a copy whose place another server has filled with the same meanwhile."""
    words = tree_compare.difference(here, Entry(here.name, os.lstat(here)), there, lambda n: None)
    if words:
        raise ToolError(f"{there} is there by now, and differs from {here}: {words}")
    here.unlink()


def compare(host: Host, places: Places, total: int) -> None:
    """Raise ToolError unless everything was copied, every byte of it."""
    meter, found, lost = Meter(host, "compared", total), [], 0
    old, final = host.path(places.old), host.path(places.final)
    try:
        for entry in places.entries(host):
            source, copied = old / entry.path, places.copied(host, entry)
            words = _difference(source, entry, copied, meter, copied == final / entry.path)
            if words:
                found.append(f"{entry.path}: {words}")
            else:
                lost += len(tree_compare.lost_attributes(source, copied))
    except OSError as error:
        raise _failed("comparing", error) from error
    if found:
        raise ToolError(
            f"{len(found)} of the copies in {places.final} are not like {places.old}",
            *found[:SHOWN],
            hint="remove those copies, see dmesg for the storage, and run the command again; "
            "the old data is as it was",
        )
    if lost:
        host.talk.warn(f"{lost} extended attributes cannot be kept on {places.final}")


def _difference(source: Path, entry: Entry, copied: Path, meter: Meter, is_in_place: bool) -> str:
    """Say in what a copy differs; a folder that was united with another keeps its mode."""
    if entry.is_folder and is_in_place:
        return "" if tree.looks_same(entry, copied) else "it is no folder"
    return tree_compare.difference(source, entry, copied, meter)


def copy_steps(host: Host, places: Places, amount: Amount, missing: Amount) -> list[Step]:
    """Return the steps that bring the old data to its place, as far as it is not there."""

    def is_there(host: Host) -> None:
        final = host.path(places.final)
        gone = [e.path for e in places.entries(host) if not tree.looks_same(e, final / e.path)]
        if gone:
            raise ToolError(f"{places.final} has not everything of {places.old}", *gone[:SHOWN])

    def is_like(host: Host) -> None:
        compare(host, places, amount.bytes)

    steps = []
    must_copy = bool(missing.things) or host.kind(places.part) == "directory"
    if must_copy:
        words = f"{missing.things} things, {missing.bytes // MIB} MiB"
        change = CopyTree(places, missing.bytes)
        steps.append(Step(f"copy {places.old} to {places.staging} ({words})", change))
    like = Confirm(f"what was copied is like {places.old}", is_like)
    steps.append(Step("compare every byte", like))
    if must_copy or host.kind(places.staging) == "directory":
        steps.append(Step(f"put it in its place, {places.final}", PutInPlace(places)))
    there = Confirm(f"{places.final} has all of it", is_there)
    return [*steps, Step("verify that all is there", there)]


def _failed(what: str, error: OSError) -> ToolError:
    return ToolError(
        f"{what} {error.filename}: {error.strerror}",
        hint="see dmesg and df; then run the command again: it goes on from here",
    )
