"""Find and remove all that an instance left, whoever made it and however that one ended."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from . import cache
from .errors import LabError
from .network import Network
from .settings import Settings

KILL_TIMEOUT_S = 30


def remove(settings: Settings) -> None:
    """Remove processes, namespace, sockets and disks."""
    record = settings.run_dir / "lab.json"
    folders = {settings.disks_dir}
    with suppress(OSError, ValueError, KeyError):  # it may have been made with another cache
        folders.add(Path(json.loads(record.read_text())["cache"]) / "disks" / settings.name)
    kill(settings)
    Network(settings.name).down()
    kill(settings)  # what an interrupted thread was just starting
    for folder in folders:
        cache.remove(folder)
    cache.remove(settings.run_dir)


def kill(settings: Settings) -> None:
    """Kill the instance's QEMUs, and wait until they are gone."""
    deadline = time.monotonic() + KILL_TIMEOUT_S
    for pid in machines(settings):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    while machines(settings):
        if time.monotonic() > deadline:
            raise LabError(f"QEMU processes do not die: {machines(settings)}")
        time.sleep(0.02)


def machines(settings: Settings) -> list[int]:
    """List the QEMU processes whose pid file is in the instance's folder, there or not."""
    mark = f"{settings.run_dir}/".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"qemu-system" in words[0] and any(word.startswith(mark) for word in words[1:]):
            found.append(int(process.name))
    return found
