"""Write files so that a crash leaves either the old or the new text, never a part of one."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import RefusedError, ToolError

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
    """Raise RefusedError unless a file can be created, filled and removed in folder.

    Where folder is not there yet, the nearest one above it that is.
    """
    try:
        while not folder.exists() and folder.parent != folder:
            folder = folder.parent
        with _temporary(folder, ".ovstools-") as name:
            _write(name, b"\0" * PROBE_BYTES)
    except OSError as error:
        raise cannot_write(folder, error) from error


def replace(path: Path, text: str, before: str | None, mode: int = 0o644) -> None:
    """Replace path by text, atomically and durably; owner, mode and SELinux label are kept.

    before is what the caller read (None: there was no file). Raises RefusedError when the
    file is another by now, or cannot be written; then it is as it was.
    """
    path = Path(os.path.realpath(path))  # the file behind a symbolic link stays behind it
    _refuse_changed(path, before)
    try:
        make_folder(path.parent)
        with _temporary(path.parent, f".{path.name}-") as new:
            _write(new, text.encode(), lambda descriptor: _copy_identity(path, descriptor, mode))
            new.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    sync_folder(path.parent)


def publish(path: Path, text: str, mode: int = 0o644) -> bool:
    """Create path with text unless it exists; False when another was first.

    By link(2), which is atomic on a cluster file system and on NFS as well: of several
    servers one wins, and nobody ever sees a part of the text.
    """
    try:
        with _temporary(path.parent, f".{path.name}-") as new:
            _write(new, text.encode(), lambda descriptor: os.fchmod(descriptor, mode))
            try:
                os.link(new, path)
            except FileExistsError:
                # NFS repeats a request whose answer was lost: it may be ours after all (open(2))
                if new.stat().st_nlink == 1:
                    return False
    except OSError as error:
        raise cannot_write(path, error) from error
    sync_folder(path.parent)
    return True


def remove(path: Path, before: str) -> None:
    """Remove a file durably; raise RefusedError when it is not what the caller read."""
    _refuse_changed(path, before)
    try:
        path.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error
    sync_folder(path.parent)


def make_folder(path: Path, mode: int = 0o755) -> None:
    """Make a folder and those above it, durably; the mode counts whatever the umask is.

    One that is there stays as it is. Raises OSError.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(mode)
    except FileExistsError as error:
        if path.is_dir():  # somebody else was first
            return
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error
    path.chmod(mode)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename or a new name in folder durable (fsync(2) on the folder).

    Raises ToolError: by then the name is there.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot sync folders (fsync(2))
            raise ToolError(
                f"{folder} was changed, but that may be lost with the power: {error.strerror}",
                hint="see dmesg for what is wrong with the storage, then run the command again",
            ) from error


@contextlib.contextmanager
def _temporary(folder: Path, prefix: str) -> Iterator[Path]:
    """Make an empty file, readable by its owner alone; what is left of it goes in the end."""
    import tempfile  # here: most commands only look, and it is slow to load

    descriptor, name = tempfile.mkstemp(prefix=prefix, dir=folder)
    try:
        os.close(descriptor)
        yield Path(name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def _write(path: Path, data: bytes, dress: Callable[[int], None] = lambda descriptor: None) -> None:
    """Fill a file, let dress give it owner and mode, and wait until all is on the storage."""
    with path.open("wb") as file:
        file.write(data)
        dress(file.fileno())
        file.flush()
        os.fsync(file.fileno())


def _refuse_changed(path: Path, before: str | None) -> None:
    if read_text(path) != before:
        raise RefusedError(
            f"{path} was changed by somebody else just now",
            hint="look at the file and run the command again",
        )


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
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))  # last: chown(2) clears bits of the mode
    # No SELinux here: ENODATA or ENOTSUP. Nothing to keep then.
    with contextlib.suppress(OSError):
        os.setxattr(descriptor, SELINUX, os.getxattr(path, SELINUX))
