"""udevadm(8): devices have their names when udev has done what the kernel told it."""

from __future__ import annotations

from ..errors import OvsError
from ..model.command import Command
from .host import Host

SETTLE_S = 20


def settle() -> Command:
    """Build the command that waits until udev has no event left."""
    return Command(
        ("udevadm", "settle", f"--timeout={SETTLE_S}"),
        ok=frozenset({0, 1}),  # 1: still busy; whoever needs a name looks for it
        timeout_s=SETTLE_S + 10,
        changes=False,
    )


def wait_settled(host: Host) -> None:
    """Wait until udev has named new devices; without a udev there is nothing to wait for."""
    try:
        host.run(settle())
    except OvsError as error:
        host.talk.detail(error.what)
