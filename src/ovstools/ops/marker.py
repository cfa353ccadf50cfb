"""The marker of a repository, .ovsrepo: written once on the storage, so that servers agree."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError
from ..model.ovsrepo import OvsRepo, format_ovsrepo, parse_ovsrepo
from ..system import files, mounts, ocfs2
from ..system.block import Device
from ..system.host import Host
from .plan import MakeDirectory, Step

#: oracle-vm-server's folders (Oracle VM Server User's Guide 2.1, "Repositories")
FOLDERS = ("iso_pool", "publish_pool", "seed_pool", "sharedDisk", "running_pool")
SHARED_WORDS = {"C": "the cluster root", "1": "a shared repository", "0": "a local repository"}


@dataclass(frozen=True)
class PublishMarker:
    """Write .ovsrepo unless another server has just done so; then theirs counts."""

    path: str
    marker: OvsRepo

    def preview(self) -> str:
        """Return the file as a diff from nothing."""
        lines = format_ovsrepo(self.marker).splitlines()
        return "\n".join(["--- /dev/null", f"+++ {self.path}", *(f"+{line}" for line in lines)])

    def preflight(self, host: Host) -> None:
        """Nothing is known before the file system is mounted."""

    def apply(self, host: Host) -> None:
        """Write it; raise RefusedError when another server wrote another role."""
        path = host.path(self.path)
        if files.publish(path, format_ovsrepo(self.marker)):
            return
        there = parse_ovsrepo(files.read_text(path) or "")
        if there.shared != self.marker.shared:
            raise RefusedError(
                f"another server has just made this {SHARED_WORDS[there.shared]}",
                f"{self.path}: {there.description!r}",
            )
        if there.description != self.marker.description:
            host.talk.notice(
                f"another server was first; its description stays: {there.description!r}"
            )


def new_repository_steps(
    host: Host, mountpoint: str, marker: OvsRepo, is_mounted: bool
) -> list[Step]:
    """Return the steps that make the folders, and the marker last: it says that all is there.

    is_mounted: what is seen at mountpoint now is the repository, perhaps half made.
    """
    folders = [
        Step(f"make {name}", MakeDirectory(f"{mountpoint}/{name}", 0o755))
        for name in FOLDERS
        if not (is_mounted and host.kind(f"{mountpoint}/{name}") == "directory")
    ]
    path = f"{mountpoint}/{ocfs2.MARKER}"
    return [*folders, Step("write the marker", PublishMarker(path, marker))]


def read_marker(host: Host, device: Device, volume_uuid: str | None) -> OvsRepo | None:
    """Return a repository's marker: from where it is mounted, or from an unmounted OCFS2."""
    mounted = mounts.read_mounts(host).of_device(device.number)
    if mounted:
        text = host.read(f"{mounted[0].mountpoint}/{ocfs2.MARKER}")
        return parse_ovsrepo(text) if text else None
    return ocfs2.read_marker(host, device.kernel_path) if volume_uuid else None
