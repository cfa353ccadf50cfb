"""Write files so that a crash leaves either the old or the new text, never a part of one."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

from ..errors import RefusedError

SELINUX = "security.selinux"
#: what a preflight write needs to find room for; larger than any file that ovstools edits
PROBE_BYTES = 65536


def read_text(path: Path) -> str | None:
    """Return the file's text with its line ends as they are, or None when there is no file.

    Raises RefusedError when it is no text file or cannot be read.
    """
    try:
        return path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise RefusedError(f"{path} is not UTF-8 text", str(error)) from error
    except OSError as error:
        raise RefusedError(f"cannot read {path}: {error.strerror}") from error


def probe(folder: Path) -> None:
    """Raise RefusedError unless a file can be created, filled and removed in folder."""
    while not folder.exists() and folder.parent != folder:
        folder = folder.parent
    try:
        descriptor, name = tempfile.mkstemp(prefix=".ovstools-", dir=folder)
        try:
            os.write(descriptor, b"\0" * PROBE_BYTES)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            Path(name).unlink()
    except OSError as error:
        raise cannot_write(folder, error) from error


def replace(path: Path, text: str, before: str | None, mode: int = 0o644) -> None:
    """Replace path by text, atomically and durably; owner, mode and SELinux label are kept.

    before is what the caller read (None: there was no file). Raises RefusedError when the
    file is another by now, or cannot be written; then it is as it was.
    """
    path = Path(os.path.realpath(path))  # the file behind a symbolic link stays behind it
    if read_text(path) != before:
        raise RefusedError(
            f"{path} was changed by somebody else just now",
            hint="look at the file and run the command again",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
                _copy_identity(path, file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def publish(path: Path, text: str, mode: int = 0o644) -> bool:
    """Create path with text unless it exists; False when another was first.

    By link(2), which is atomic on a cluster file system and on NFS as well: of several
    servers one wins, and nobody ever sees a part of the text.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
                os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(name, path)
            except FileExistsError:
                return False
        finally:
            Path(name).unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


def sync_folder(folder: Path) -> None:
    """Make a rename or a new name in folder durable (fsync(2) on the folder)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_write(path: Path, error: OSError) -> RefusedError:
    """Turn an errno into what a sysadmin needs to know."""
    hints = {
        errno.ENOSPC: f"make room: df -h {path}; df -i {path}",
        errno.EDQUOT: "raise the quota",
        errno.EROFS: f"the file system is read-only: see why (dmesg), then remount it: {path}",
        errno.EACCES: "run it as root",
        errno.EPERM: f"look for an immutable flag: lsattr {path}",
    }
    return RefusedError(
        f"cannot write {path}: {error.strerror}", hint=hints.get(error.errno or 0, "")
    )


def _copy_identity(path: Path, descriptor: int, mode: int) -> None:
    try:
        old = path.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, mode)
        return
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    # No SELinux here: ENODATA or ENOTSUP. Nothing to keep then.
    with contextlib.suppress(OSError):
        os.setxattr(descriptor, SELINUX, os.getxattr(path, SELINUX))
