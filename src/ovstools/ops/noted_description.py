"""What an export is called, noted in /run while it is unmounted: nothing else could tell then.

So the same words name it again when a command that took it offline is repeated, or was killed. A
boot, which mounts what is listed, forgets it.
"""

from __future__ import annotations

from ..model.repositories import Repository
from ..system import filesystems
from ..system.host import Host
from .plan import MakeDirectory, Step, edit_step


def note(host: Host, repository: Repository, mountpoint: str) -> list[Step]:
    """Return the steps that note what a mounted export is called."""
    marker = filesystems.read_marker(host, mountpoint) if repository.uuid else None
    if repository.uuid is None or marker is None:
        return []
    path, folder = _path(host, repository.uuid), host.settings.paths.run
    steps = edit_step(f"note it in {path}", path, host.read(path), f"{marker.description}\n")
    if steps and host.kind(folder) != "directory":
        steps.insert(0, Step(f"make {folder}", MakeDirectory(folder)))
    return steps


def read(host: Host, repository: Repository) -> str | None:
    """Return what was noted; None: nothing was."""
    text = host.read(_path(host, repository.uuid)) if repository.uuid else None
    return None if text is None else text.rstrip("\n")


def _path(host: Host, uuid: str) -> str:
    return f"{host.settings.paths.run}/description-{uuid}"
