"""A moment of the whole lab, with its LUNs in use: kept, and gone back to in seconds.

state.py saves servers one by one, which LUNs that are mounted do not survive. Here all servers
stand still at once before anything is copied, so that memories and disks fit each other. What was
on the wire then is lost, as packets may be: TCP sends it again.
"""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import cache
from .errors import LabError
from .server import Server

if TYPE_CHECKING:
    from .lab import Lab

MEMORY_TIMEOUT_S = 120


def keep(lab: Lab, name: str) -> None:
    """Keep the lab as it is under a name, until `down`; it goes on from there."""
    lab.on_all(lambda server: server.run("sync"))
    lab.on_all(_stand_still)
    with cache.new_folder(folder(lab, name)) as aside:
        lab.on_all(lambda server: _write(server, aside))
        lab.storage.keep_luns(aside)
    go_back(lab, name)


def is_kept(lab: Lab, name: str) -> bool:
    """Tell whether a moment was kept."""
    return folder(lab, name).is_dir()


def go_back(lab: Lab, name: str) -> None:
    """Bring all servers and their disks back to a kept moment, at today's time."""
    kept = folder(lab, name)
    if not kept.is_dir():
        raise LabError(f"no moment {name} of the lab {lab.settings.name} was kept")
    lab.on_all(lambda server: server.cut_power())
    lab.network.up(lab.settings.identities)  # plugs in what was isolated
    lab.storage.bring_back_luns(kept)
    lab.on_all(lambda server: _load(server, kept))
    lab.on_all(_go_on)
    # Their clocks stand where they were kept.
    lab.on_all(lambda server: server.run("date", "-s", f"@{time.time() + 0.1:.2f}"))


def keep_server(lab: Lab, server: Server, name: str) -> None:
    """Keep one server as it is, and end it; its LUNs must not be in use."""
    server.run("sync")
    _stand_still(server)
    with cache.new_folder(folder(lab, name)) as aside:
        _write(server, aside)


def begin_as(lab: Lab, server: Server, name: str) -> None:
    """Cut a server's power, and let it go on at once as it was kept, beside the others."""
    server.cut_power()
    _load(server, folder(lab, name))
    _go_on(server)


def folder(lab: Lab, name: str) -> Path:
    """Return where a moment is."""
    return lab.storage.folder / f"moment-{name}"


def _stand_still(server: Server) -> None:
    server.ssh.forget()
    with server.machine.qmp() as qmp:
        qmp.execute("stop")


def _write(server: Server, target: Path) -> None:
    """Write a standing server's memory and disks, and end its QEMU."""
    memory = target / f"{server.short_name}.memory"
    with server.machine.qmp() as qmp:
        qmp.execute("migrate-set-parameters", **{"max-bandwidth": 4 << 30})
        qmp.execute("migrate", uri=f"exec:cat > {shlex.quote(str(memory))}")
        deadline = time.monotonic() + MEMORY_TIMEOUT_S
        while (status := qmp.execute("query-migrate").get("status")) != "completed":
            if status in ("failed", "cancelled") or time.monotonic() > deadline:
                raise LabError(f"{server.short_name}: writing its memory: {status}")
            time.sleep(0.05)
        qmp.execute("quit")
    if not server.machine.wait_off(30):
        raise LabError(f"{server.short_name}: QEMU does not end")
    for disk in _disks(server):
        cache.copy_sparse(disk, target / disk.name)


def _load(server: Server, kept: Path) -> None:
    for disk in _disks(server):
        cache.copy_sparse(kept / disk.name, disk)
    server.machine.console.unlink(missing_ok=True)
    server.machine.start(incoming=kept / f"{server.short_name}.memory")
    deadline = time.monotonic() + MEMORY_TIMEOUT_S
    try:
        with server.machine.qmp() as qmp:
            while qmp.execute("query-status")["status"] == "inmigrate":
                if time.monotonic() > deadline:
                    raise LabError(f"{server.short_name}: reading its memory takes too long")
                time.sleep(0.02)
    except LabError as error:
        raise LabError(f"{error}\n{server.machine.why()}") from error


def _go_on(server: Server) -> None:
    with server.machine.qmp() as qmp:
        qmp.execute("cont")


def _disks(server: Server) -> tuple[Path, Path]:
    storage, identity = server.machine.storage, server.identity
    return storage.root(identity), storage.local(identity).file
