"""Set the old data of a conversion aside: out of the way of the cluster root, and kept.

A folder is renamed; a file system of this server alone is unmounted, and read where nobody else
writes. What is meant is recorded before anything is changed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import RefusedError
from ..model.conversion import NAME, Conversion, format_conversion, parse_conversion
from ..model.fstab import Fstab
from ..model.mountinfo import Mount
from ..system import block, files, mounts, ocfs2, systemd
from ..system.host import Host
from ..system.processes import is_below
from . import mounting, unmounting
from .new_file import Backed, NewFile
from .plan import Change, Confirm, Edit, MakeDirectory, Run, Step, edit_step, folder_of

ASIDE = ".local"
READ_AT = "convert"
SHARED_TYPES = ("nfs", "nfs4", "gfs2", "ceph", "glusterfs", "fuse.glusterfs")


@dataclass(frozen=True)
class Rename:
    """Rename a folder, on one file system; nothing is lost between the two names."""

    path: str
    to: str

    def preview(self) -> str:
        """Return the command that would do it."""
        return f"mv --no-target-directory {self.path} {self.to}"

    def preflight(self, host: Host) -> None:
        """Refuse when the folder above cannot take a file."""
        files.probe(host.path(self.path).parent)

    def apply(self, host: Host) -> None:
        """Rename it, durably."""
        path = host.path(self.path)
        try:
            os.rename(path, host.path(self.to))
        except OSError as error:
            raise files.cannot_write(path, error) from error
        files.sync_folder(path.parent)


def record_path(host: Host) -> str:
    """Return the file that says what is under way."""
    return f"{folder_of(host.settings.paths.repositories)}/{NAME}"


def read_record(host: Host) -> Conversion | None:
    """Return what is under way on this server, or None."""
    path = record_path(host)
    text = host.read(path)
    return None if text is None else parse_conversion(text, path)


def old_data(host: Host, found: Conversion) -> str:
    """Return the folder in which the old data can be read."""
    return found.folder or f"{host.settings.paths.run}/{READ_AT}"


def begin(host: Host, asked: Conversion) -> Conversion:
    """Return what is to be recorded: with where the old data will be.

    Raises RefusedError when it is not the data of this server alone, or in use.
    """
    origin, table = asked.origin, mounts.read_mounts(host)
    path, mount = host.path(origin), table.at(origin)
    if mount is None and path.is_symlink():
        raise RefusedError(
            f"{origin} is a symbolic link", hint=f"name the folder itself: --from {path.resolve()}"
        )
    if host.kind(origin) != "directory":
        raise RefusedError(f"there is no folder {origin} that could be converted")
    _refuse_our_own(host, origin)
    above = mount or max(
        (m for m in table.mounts if is_below(origin, m.mountpoint)),
        key=lambda m: len(m.mountpoint),
        default=None,
    )
    if above is not None and _is_shared(host, above):
        raise RefusedError(
            f"{origin} is on shared storage already",
            f"{above.source} ({above.fstype}) at {above.mountpoint}",
            hint="--from names another folder",
        )
    unmounting.refuse_in_use(host, (origin,))
    if mount is None:
        aside = f"{origin}{ASIDE}"
        if host.kind(aside) != "missing":
            raise RefusedError(f"{aside} is in the way: the old data is to be kept there")
        return Conversion(asked.origin, asked.source, asked.shared, folder=aside)
    if mount.root != "/":
        raise RefusedError(
            f"{origin} is a part of {mount.source} that is mounted there (bind, subvolume)",
            f"of that file system it is {mount.root}",
            hint="name that folder where the whole file system is mounted: --from FOLDER",
        )
    elsewhere = [m for m in table.of_device(mount.device_number) if m.mountpoint != origin]
    if elsewhere:
        raise RefusedError(
            f"{mount.source} is mounted at {elsewhere[0].mountpoint} as well",
            hint=f"umount {elsewhere[0].mountpoint}",
        )
    if host.kind(mount.source) != "block":
        raise RefusedError(
            f"{origin} is mounted from {mount.source} ({mount.fstype}), which is no device"
        )
    device = block.stable_name(host, mount.source)
    return Conversion(asked.origin, asked.source, asked.shared, device=device, fstype=mount.fstype)


def _refuse_our_own(host: Host, origin: str) -> None:
    paths = host.settings.paths
    for own in (paths.repositories, paths.run, paths.cluster_root, paths.cluster_conf):
        if own != origin and is_below(own, origin):
            raise RefusedError(f"{origin} holds {own}, which is no repository's data")


def _is_shared(host: Host, mount: Mount) -> bool:
    if mount.fstype == "ocfs2":
        return not ocfs2.read_volume(host, host.resolve(mount.source)).is_local_mount
    return mount.fstype in SHARED_TYPES


def aside_steps(host: Host, found: Conversion) -> list[Step]:
    """Return the steps that record the conversion and set the old data aside, as far as needed."""
    path = record_path(host)
    steps = edit_step(
        f"record in {path} what is done", path, host.read(path), format_conversion(found)
    )
    if found.folder:
        if host.kind(found.folder) == "missing":
            unmounting.refuse_in_use(host, (found.origin,))
            title = f"set {found.origin} aside as {found.folder}"
            steps.append(Step(title, Rename(found.origin, found.folder)))
        return steps
    return [
        *steps,
        *_fstab_steps(host, found),
        *_list_steps(host, found),
        *_umount_steps(host, found),
    ]


def _umount_steps(host: Host, found: Conversion) -> list[Step]:
    """Unmount the old file system where it was."""
    mount = mounts.read_mounts(host).at(found.origin)
    if mount is None or host.resolve(mount.source) != host.resolve(found.device):
        return []
    unmounting.refuse_in_use(host, (found.origin,))
    return unmounting.unmount_steps(host, found.origin, None)


def _fstab_steps(host: Host, found: Conversion) -> list[Step]:
    """Take the lines out of fstab that would mount the old data again at the next boot."""
    path = host.settings.paths.fstab
    text = host.read(path) or ""
    fstab = Fstab.parse(text)
    gone = [each for each in fstab.entries_under(found.origin)
            if each.mountpoint.rstrip("/") == found.origin]  # fmt: skip
    if not gone:
        return []
    backup = f"{host.settings.paths.fstab_backups}/fstab.{os.urandom(4).hex()}"
    changes: list[Change] = [Edit(path, text, str(fstab.without(gone)))]
    if host.kind("/run/systemd/system") == "directory":
        changes.append(Run(systemd.reload_units()))  # it has a mount unit of each line
    backed = Backed(NewFile(backup, text, 0o600, path), tuple(changes))
    return [Step(f"take {found.origin} out of {path}", backed)]


def _list_steps(host: Host, found: Conversion) -> list[Step]:
    """Take the old storage off the list, where it is a local repository."""
    path, known = host.settings.paths.repositories, mounting.read_list(host)
    device = host.resolve(found.device)
    for each in known.repositories:
        if each.source.startswith("/") and host.resolve(each.source) == device:
            after = str(known.without_source(each.source))
            return edit_step(f"take {each.source} off {path}", path, host.read(path), after)
    return []


def read_steps(host: Host, found: Conversion) -> list[Step]:
    """Return the steps that make old data on a device readable, where nobody writes to it."""
    place = old_data(host, found)
    if found.folder:
        return []
    kernel_path = block.existing(host, found.device)
    number = block.tree(host, kernel_path).device_number
    if mounts.refuse_other_mount(host, number, place):
        return []
    limit_s = host.settings.limits.mount_s
    command = mounts.mount(found.device, place, found.fstype, "ro", limit_s)
    confirm = Confirm(
        f"{place} has {found.device}", lambda host: mounts.confirm_mounted(host, number, place)
    )
    make = Step(f"make {place}", MakeDirectory(place, 0o700))
    return [
        *([make] if host.kind(place) == "missing" else []),
        Step(f"mount {found.device} at {place}, to read it", Run(command)),
        Step("verify in mountinfo", confirm),
    ]


def end_steps(host: Host) -> list[Step]:
    """Return the steps that end the record, and leave the old data alone."""
    path = record_path(host)
    text = host.read(path)
    steps = []
    if text is not None:
        steps.append(Step(f"remove {path}: all is done", Edit(path, text, None)))
    place = f"{host.settings.paths.run}/{READ_AT}"
    if mounts.read_mounts(host).at(place) is not None:
        steps += unmounting.unmount_steps(host, place, None)
    return steps


def kept_words(found: Conversion) -> str:
    """Say where the old data is, and how to look at it."""
    if found.folder:
        return f"the old data is kept in {found.folder}; nobody needs it any more"
    return f"the old data is kept on {found.device}; to look at it: mount -o ro {found.device} /mnt"
