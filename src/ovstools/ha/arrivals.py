"""Guests whose memory is about to arrive, as libvirt's own hook for migrations tells.

Without that note a guest whose record says that it is sent here could be started here as well,
from its disk, while it still runs on the other server.
"""

from __future__ import annotations

import contextlib

from ..errors import ToolError
from ..system.host import Host

FOLDER = "arriving"
#: libvirt calls the hook for the migration and, right after it, the one for the start
FRESH_S = 60.0


def note(host: Host, guest: str) -> None:
    """Take note that libvirt announced a guest's memory; raise ToolError when it cannot be."""
    path = host.path(_path(host, guest))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(f"{host.clock.monotonic()}\n")
    except OSError as error:
        raise ToolError(f"cannot write {path}: {error.strerror}") from error


def take(host: Host, guest: str) -> bool:
    """Tell whether a guest's memory was announced just now, and forget it."""
    path = host.path(_path(host, guest))
    try:
        since_s = host.clock.monotonic() - float(path.read_text())
    except (OSError, ValueError):
        return False
    with contextlib.suppress(OSError):
        path.unlink()
    return 0 <= since_s <= FRESH_S


def _path(host: Host, guest: str) -> str:
    return f"{host.settings.paths.run}/{FOLDER}/{guest}"
