"""Run the keeper as systemd's service, or by hand: what it inherits, where it listens."""

from __future__ import annotations

import contextlib
import os
import sys

from ..errors import RefusedError
from ..system import lock, notify
from ..system.host import Host
from .floor_guard import FOLDER, FloorGuard
from .keeper import Keeper, end_on_signals, listen
from .keeper_shelf import Shelf
from .kept_locks import SOCKET

LOCK = "keeper.lock"


def run(host: Host) -> int:
    """Hold locks until the service is stopped; return the exit status.

    Raises BusyError when another keeper runs, RefusedError when the socket cannot be made.
    """
    if host.offline:
        raise RefusedError("with --root nothing is started")
    folder = host.settings.paths.run
    with lock.held(host.path(f"{folder}/{LOCK}"), "keeper", 0, host.clock):
        _serve(host, f"{folder}/{SOCKET}")
    return 0


def _serve(host: Host, path: str) -> None:
    systemd = notify.notifier(os.environ)
    if systemd:
        # A journal that hangs must not hang us: what it does not take is lost
        os.set_blocking(sys.stderr.fileno(), False)

    def say(text: str) -> None:
        with contextlib.suppress(OSError):
            host.talk.notice(text)

    shelf = Shelf(systemd)
    shelf.adopt(notify.inherited(os.environ, os.getpid()))
    is_service = os.getppid() == 1 and FOLDER.is_dir()  # sd_booted(3)
    guard = FloorGuard(clock=host.clock, say=say) if systemd and is_service else None
    with listen(host.path(path)) as listener:
        keeper = Keeper(listener, shelf, guard, say)
        end_on_signals(keeper)
        names = " ".join(shelf.states())
        say(f"keeps {shelf.count()} locks from before: {names}" if names else "keeps no locks yet")
        if systemd:
            systemd.ready()
        keeper.serve()
    say(f"ends; {shelf.count()} locks were held")
