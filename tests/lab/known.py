"""The known state: booted servers with ovstools and blank LUNs; found, or made step by step."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

from . import accel, bundle, cache, image, machine, packages, settings, state, storage
from .ssh import Keys

if TYPE_CHECKING:
    from .lab import Lab

# A saved machine fits only the hardware it was saved on, which these describe.
MADE_BY = cache.digest(*(Path(str(part.__file__)) for part in (machine, settings, storage, state)))


def find(lab: Lab) -> Path | None:
    """Give the saved state for the sources as they are; nothing when something must be made.

    It takes no lock: what was used lately is not deleted, see `cache.prune`.
    """
    folder = lab.settings.cache
    if packages.missing() or not Keys.exist(folder / "ssh"):
        return None
    made = image.find(folder / "images", Keys(folder / "ssh").public)
    choice = accel.known(made, folder) if made else None
    if made is None or choice is None:
        return None
    lab.use(made, choice)
    with _sources(lab) as sources:
        found = _installed(lab, sources)
    if not found.exists():
        return None
    found.touch()
    return found


def make(lab: Lab) -> Path:
    """Make what is missing, under the cache's lock; the servers are off afterwards."""
    packages.ensure(lab.progress)
    folder = lab.settings.cache
    made = image.ensure(folder / "images", Keys(folder / "ssh").public, lab.progress)
    lab.use(made, accel.choose(made, folder, lab.progress))
    booted = _booted(lab)
    if not booted.exists():
        cache.prune(booted.parent)
        lab.boot()
        _save(lab, booted)
    booted.touch()
    with _sources(lab) as sources:
        installed = _installed(lab, sources)
        if not installed.exists() and sources is not None:
            cache.prune(installed.parent)
            with lab.progress.step(f"Restoring {lab.settings.count} servers, as booted"):
                lab.restore_from(booted)
            lab.install_snapshot(sources)
            _save(lab, installed)
    installed.touch()
    return installed


@contextmanager
def _sources(lab: Lab) -> Iterator[Path | None]:
    if not bundle.is_there(lab.settings.checkout):
        yield None
        return
    with bundle.snapshot(lab.settings.checkout) as sources:
        yield sources


def _booted(lab: Lab) -> Path:
    parts = (MADE_BY, lab.image.build_id, lab.accel, str(lab.settings.count))
    return lab.settings.cache / "states" / f"booted-{cache.digest(*parts)}"


def _installed(lab: Lab, sources: Path | None) -> Path:
    booted = _booted(lab)
    if sources is None:
        return booted
    return booted.with_name(f"installed-{cache.digest(booted.name, bundle.key(sources))}")


def _save(lab: Lab, folder: Path) -> None:
    with lab.progress.step("Saving their state"), cache.new_folder(folder) as aside:
        lab.on_all(lambda server: state.save(server, aside))
