"""sysctl(8): what o2cb(7) asks of the kernel on every server."""

from __future__ import annotations

from ..model.command import Command
from .host import Host

FILE = "/etc/sysctl.d/90-ovstools.conf"
#: a kernel that goes on after an oops may heartbeat and yet serve nobody
WANTED = {"kernel.panic_on_oops": "1", "kernel.panic": "30"}
TEXT = "# o2cb(7): a server whose kernel fails restarts, so that the pool can go on.\n" + "".join(
    f"{name} = {value}\n" for name, value in WANTED.items()
)


def is_set(host: Host) -> bool:
    """Tell whether the kernel restarts after an oops, whoever set it so."""
    oops = (host.read("/proc/sys/kernel/panic_on_oops") or "0").strip()
    panic = (host.read("/proc/sys/kernel/panic") or "0").strip()
    return oops == "1" and panic != "0"


def load() -> Command:
    """Build the command that makes the kernel take the file."""
    return Command(("sysctl", "--quiet", "--load", FILE))
