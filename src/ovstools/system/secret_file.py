"""Files with secrets: read only when nobody but root could have read them."""

from __future__ import annotations

import os
import stat

from ..errors import RefusedError
from .host import Host


def read_secret_file(host: Host, path: str) -> str:
    """Return the text of a file with secrets.

    Raises RefusedError when others than its owner may read it, or it is not root's own.
    """
    try:
        descriptor = os.open(host.path(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            _refuse_readable(path, found)
            return file.read().decode()
    except UnicodeDecodeError as error:
        raise RefusedError(f"{path} is not UTF-8 text") from error
    except OSError as error:
        raise RefusedError(f"cannot read {path}: {error.strerror}") from error


def _refuse_readable(path: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise RefusedError(f"{path} is no file")
    if found.st_mode & 0o077:
        raise RefusedError(
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}: others can read the secrets",
            hint=f"chmod 600 {path}; then change the secrets, for they may be known",
        )
    if found.st_uid not in (0, os.geteuid()):
        raise RefusedError(f"{path} belongs to user {found.st_uid}", hint=f"chown root {path}")
