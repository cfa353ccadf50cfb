"""The marker .ovsrepo on an NFS export, read and written by programs with a time limit."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError, ToolError
from ..model.ovsrepo import NAME, OvsRepo, format_ovsrepo, parse_ovsrepo
from ..system import filesystems, nfs
from ..system.host import Host
from .marker import FOLDERS, SHARED_WORDS
from .plan import Run, Step


@dataclass(frozen=True)
class PublishExportMarker:
    """Write .ovsrepo unless another server has just done so; then theirs counts."""

    mountpoint: str
    marker: OvsRepo

    @property
    def path(self) -> str:
        """Return where the marker is."""
        return f"{self.mountpoint}/{NAME}"

    def preview(self) -> str:
        """Return the file as a diff from nothing."""
        lines = format_ovsrepo(self.marker).splitlines()
        return "\n".join(["--- /dev/null", f"+++ {self.path}", *(f"+{line}" for line in lines)])

    def preflight(self, host: Host) -> None:
        """Leave it to the runner."""

    def apply(self, host: Host) -> None:
        """Write it aside and link it; raise RefusedError when another wrote another role."""
        new = new_name(host, self.mountpoint)
        host.run(nfs.write(new, format_ovsrepo(self.marker)))
        linked = host.run(nfs.link(new, self.path))
        host.run(nfs.remove(new))
        there = read(host, self.mountpoint)
        if there is None:
            said = linked.stderr.strip().splitlines()[-2:]
            raise ToolError(f"{self.path} cannot be made", *said)
        refuse_other_role(self.mountpoint, there, self.marker.shared)
        if there.uuid != self.marker.uuid:
            host.talk.notice(f"another server was first to write {self.path}: it counts")


def new_name(host: Host, mountpoint: str) -> str:
    """Return the name under which this server makes one."""
    return f"{mountpoint}/{NAME}.new-{host.hostname()}"


def read(host: Host, mountpoint: str) -> OvsRepo | None:
    """Return what .ovsrepo says; None when there is none. Raises ToolError without an answer."""
    path = f"{mountpoint}/{NAME}"
    result = host.run(filesystems.cat(path))
    if result.status == 0:
        return parse_ovsrepo(result.stdout, path)
    if nfs.NOT_THERE in result.stderr:
        return None
    raise ToolError(f"cannot read {path}", *result.stderr.strip().splitlines()[-2:])


def refuse_other_role(name: str, marker: OvsRepo | None, shared: str) -> None:
    """Raise RefusedError when a repository is something else than what was asked for."""
    if marker is not None and marker.shared != shared:
        raise RefusedError(
            f"{name} is {SHARED_WORDS[marker.shared]} ({marker.shared}), "
            f"not {SHARED_WORDS[shared]} ({shared})",
            f"its .ovsrepo: UUID {marker.uuid}, {marker.description!r}",
            hint=f"ovs-makerepo SOURCE {marker.shared} DESCRIPTION",
        )


def refuse_other_uuid(name: str, marker: OvsRepo | None, uuid: str | None, listed: str) -> None:
    """Raise RefusedError when an export is not the repository that the list names."""
    if uuid is not None and marker is not None and marker.uuid != uuid:
        raise RefusedError(
            f"{name} is another repository than the list says",
            f"listed: {uuid}, its .ovsrepo: {marker.uuid}",
            hint=f"look which export is the right one; correct its line in {listed}",
        )


def publish_steps(mountpoint: str, marker: OvsRepo) -> list[Step]:
    """Return the steps that make the folders, and the marker last: it says that all is there."""
    folders = nfs.make_folders(*(f"{mountpoint}/{name}" for name in FOLDERS))
    return [
        Step("make the repository's folders", Run(folders)),
        Step("write the marker", PublishExportMarker(mountpoint, marker)),
    ]
