"""Saved states: a booted server put on disk, and brought back in seconds.

The recipe is the one that was measured to work: `savevm` does not (the shared raw LUN has no
snapshots), and neither does -daemonize (the migration fails). A state is a folder with, for
each server, the machine's memory and the root overlay of that moment.
"""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

from . import cache
from .errors import LabError
from .server import Server

SAVE_TIMEOUT_S = 120
RESTORE_TIMEOUT_S = 60


def save(server: Server, folder: Path) -> None:
    """Stop the server and keep it as it is; the LUNs must not be in use in it."""
    server.run("sync")
    server.ssh.forget()
    memory, root = _files(server, folder)
    with server.machine.qmp() as qmp:
        qmp.execute("stop")
        qmp.execute("migrate-set-parameters", **{"max-bandwidth": 4 << 30})
        qmp.execute("migrate", uri=f"exec:cat > {shlex.quote(str(memory))}")
        deadline = time.monotonic() + SAVE_TIMEOUT_S
        while True:
            status = qmp.execute("query-migrate").get("status")
            if status == "completed":
                break
            if status in ("failed", "cancelled") or time.monotonic() > deadline:
                raise LabError(f"{server.short_name}: saving it: {status}")
            time.sleep(0.05)
        qmp.execute("quit")
    if not server.machine.wait_off(30):
        raise LabError(f"{server.short_name}: QEMU does not end after saving")
    cache.copy_sparse(server.machine.storage.root(server.identity), root)


def restore(server: Server, folder: Path) -> None:
    """Bring a server back as it was saved, on fresh copies of its disks, at today's time."""
    memory, root = _files(server, folder)
    server.cut_power()
    storage = server.machine.storage
    storage.reset_local(server.identity)
    cache.copy_sparse(root, storage.root(server.identity))
    server.machine.console.unlink(missing_ok=True)
    server.machine.start(incoming=memory)
    with server.machine.qmp() as qmp:
        deadline = time.monotonic() + RESTORE_TIMEOUT_S
        while qmp.execute("query-status")["status"] == "inmigrate":
            if time.monotonic() > deadline:
                raise LabError(f"{server.short_name}: restoring it takes too long")
            time.sleep(0.02)
        qmp.execute("cont")
    server.connect(RESTORE_TIMEOUT_S)
    # Its clock stands where it was saved, and its random numbers would repeat.
    line = f"cat >/dev/urandom; date -s @{time.time() + 0.1:.2f}"
    server.run("sh", "-c", line, input=os.urandom(64))


def _files(server: Server, folder: Path) -> tuple[Path, Path]:
    return folder / f"{server.short_name}.memory", folder / f"{server.short_name}.qcow2"
