"""cluster-check --alter-fstab: move the mounts at and below /OVS from fstab to the list.

White paper: "All storage, even that mounted at /OVS, must be maintained in the
/etc/ovs/repositories file"; "a backup of the original /etc/fstab file is created in /tmp".
Backup, options, list, fstab: after a kill between any two, the same command goes on.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RefusedError
from ..model.block import parse_blkid
from ..model.fstab import Fstab, FstabEntry
from ..model.fstab_storage import (
    CLUSTER_TYPE,
    device_path,
    is_storage,
    spec_uuid,
)
from ..model.nfs_options import FSTYPES
from ..model.repositories import Repository, RepositoryList, format_line
from ..model.repository_options import RepositoryOptions
from ..model.uuids import is_uuid, normal_uuid
from ..system import block, ocfs2, systemd
from ..system.host import Host
from . import fstab_exports
from .mounting import read_list, read_options
from .new_file import NewFile
from .plan import Plan, Report, Run, Step, edit_step


@dataclass(frozen=True)
class Move:
    """A line of fstab, and the repository that it becomes."""

    entry: FstabEntry
    repository: Repository
    options: str
    is_known: bool = False

    def words(self) -> str:
        """Say it in one line."""
        what = "is listed already" if self.is_known else f"listed as {format_line(self.repository)}"
        return f"line {self.entry.line}, {self.entry.spec} at {self.entry.mountpoint}: {what}"


def plan(host: Host) -> Plan:
    """Plan the move; a fstab without such lines is a plan without steps.

    Raises RefusedError when the lines name two cluster roots.
    """
    path = host.settings.paths.fstab
    text = host.read(path)
    fstab = Fstab.parse(text or "")
    top = host.settings.paths.cluster_root
    entries = fstab.entries_under(top)
    kept = [entry for entry in entries if not is_storage(entry)]
    moves, listed, options = _fold(host, [entry for entry in entries if is_storage(entry)])
    notices = [
        f"{path}:{entry.line} stays: {entry.spec} ({entry.fstype}) is no device and no export"
        for entry in kept
    ]
    data = {"moved": [_data(move) for move in moves], "kept": [e.line for e in kept]}
    if not moves or text is None:
        lines = (f"nothing to move: {path} mounts no device and no export at or below {top}",)
        return Plan((), Report(lines, {**data, "backup": None}), tuple(notices))
    backup = f"{host.settings.paths.fstab_backups}/fstab.{os.urandom(4).hex()}"
    after = str(fstab.without([move.entry for move in moves]))
    return Plan(
        tuple(_steps(host, text, after, backup, listed, options)),
        Report(
            (
                f"moved from {path} to {host.settings.paths.repositories}:",
                *(f"  {move.words()}" for move in moves),
                f"the original {path} is kept in {backup}",
            ),
            {**data, "backup": backup},
        ),
        (*notices, *_place_notices(host, moves)),
    )


def _steps(
    host: Host,
    before: str,
    after: str,
    backup: str,
    listed: RepositoryList,
    options: RepositoryOptions,
) -> list[Step]:
    paths = host.settings.paths
    steps = [
        Step(f"back up {paths.fstab} to {backup}", NewFile(backup, before, 0o600, paths.fstab)),
        *_text_step("write the mount options to", host, paths.repository_options, str(options)),
        *_text_step("list the repositories in", host, paths.repositories, str(listed)),
        *edit_step(f"take their lines out of {paths.fstab}", paths.fstab, before, after),
    ]
    if not host.offline and host.kind("/run/systemd/system") == "directory":
        # else systemd still mounts by the lines that it read at boot
        steps.append(Step("let systemd read fstab again", Run(systemd.reload_units())))
    return steps


def _text_step(title: str, host: Host, path: str, text: str) -> list[Step]:
    """Return the step that writes a file; an empty one is not made where there is none."""
    before = host.read(path)
    return edit_step(f"{title} {path}", path, before, text) if text or before else []


def _fold(
    host: Host, entries: Sequence[FstabEntry]
) -> tuple[list[Move], RepositoryList, RepositoryOptions]:
    listed, options = read_list(host), read_options(host)
    moves = []
    for entry in entries:
        wanted = _repository(host, entry)
        known = _known(listed, wanted)
        if known is None:
            _refuse_second_root(host, listed, wanted, entry)
        elif known.uuid is not None or wanted.uuid is None:
            wanted = known  # the list is right where the two differ
        else:
            wanted = Repository(wanted.uuid, known.source, known.cluster_root)
        moves.append(Move(entry, wanted, fstab_exports.options(host, entry), known is not None))
        listed = listed.with_repository(wanted)
        options = _with_options(host, options, moves[-1])
    return moves, listed, options


def _known(listed: RepositoryList, wanted: Repository) -> Repository | None:
    found = listed.by_uuid(wanted.uuid) if wanted.uuid else None
    if found is None:
        found = listed.by_source(wanted.source)
        if found is not None and None not in (found.uuid, wanted.uuid):
            return None  # the device was formatted anew since it was listed
    return found


def _refuse_second_root(
    host: Host, listed: RepositoryList, wanted: Repository, entry: FstabEntry
) -> None:
    root = listed.cluster_root
    if wanted.cluster_root and root is not None:
        raise RefusedError(
            f"{host.settings.paths.fstab}:{entry.line} mounts {entry.spec} at {entry.mountpoint}, "
            "and there is another cluster root",
            f"the other one: {format_line(root)}",
            hint="remove the wrong one of the two lines",
        )


def _with_options(host: Host, options: RepositoryOptions, move: Move) -> RepositoryOptions:
    if not move.options:
        return options
    if len(move.options.split()) != 1:
        raise RefusedError(
            f"{host.settings.paths.fstab}:{move.entry.line}: the mount options hold a space",
            move.options,
            hint=f"{host.settings.paths.repository_options} has no form for that; change the line",
        )
    uuid, source = move.repository.uuid, move.repository.source
    own = options.own_options(uuid, source)
    if own is None:
        return options.with_options(uuid, source, move.options)
    if own != move.options:
        path = host.settings.paths.repository_options
        host.talk.notice(f"{path} stays: {source} has {own} there, {move.options} in fstab")
    return options


def _repository(host: Host, entry: FstabEntry) -> Repository:
    """Say what the line is as a repository: the one at /OVS becomes the cluster root.

    Unless it is known to be a file system of this server alone: the default installation of
    Oracle VM Server had such a one at /OVS, and no other server could share it.
    """
    is_at_top = posixpath.normpath(entry.mountpoint) == host.settings.paths.cluster_root
    if entry.fstype in FSTYPES:
        return fstab_exports.repository(host, entry, is_at_top)
    path = device_path(entry.spec)
    assert path is not None  # is_storage() has seen to that
    if host.offline or host.kind(path) != "block":
        is_shared = entry.fstype in (CLUSTER_TYPE, "auto")
        return Repository(spec_uuid(entry.spec), path, is_at_top and is_shared)
    kernel_path = host.resolve(path)
    stable = block.stable_name(host, path)
    uuid, is_shared = _identity(host, kernel_path)
    return Repository(uuid, path if stable == kernel_path else stable, is_at_top and is_shared)


def _identity(host: Host, device: str) -> tuple[str | None, bool]:
    """Return the UUID of what is on a device, and whether servers can share it."""
    signature = parse_blkid(host.run(block.blkid(device)).stdout)
    if signature.type == CLUSTER_TYPE:
        volume = ocfs2.read_volume(host, device)
        return volume.uuid, not volume.is_local_mount
    if signature.uuid and is_uuid(signature.uuid):
        return normal_uuid(signature.uuid), False
    return None, False


def _place_notices(host: Host, moves: Sequence[Move]) -> list[str]:
    top = host.settings.paths.cluster_root
    notices = []
    for move in moves:
        notices += fstab_exports.notices(move.entry, move.repository)
        old, new = (
            posixpath.normpath(move.entry.mountpoint),
            f"{top}/{move.repository.uuid or 'UUID'}",
        )
        if not move.repository.cluster_root and old != new:
            reason = ": servers cannot share it, so it is no cluster root" if old == top else ""
            notices.append(
                f"{move.entry.spec} belongs at {new} from now on, not at {old}{reason}; "
                f"where it is mounted, it stays until umount {old}"
            )
    return notices


def _data(move: Move) -> dict[str, object]:
    return {
        "line": move.entry.line,
        "spec": move.entry.spec,
        "mountpoint": move.entry.mountpoint,
        "uuid": move.repository.uuid,
        "source": move.repository.source,
        "cluster_root": move.repository.cluster_root,
        "options": move.options,
        "was_listed": move.is_known,
    }
