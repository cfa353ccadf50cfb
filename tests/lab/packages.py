"""The host's own programs: installed once from Debian when they are missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .errors import LabError
from .process import run
from .progress import Progress

# program -> Debian package
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "sfdisk": "fdisk",
}


def missing() -> list[str]:
    """Name the Debian packages whose program is not there."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for program, name in PROGRAMS.items() if shutil.which(program, path=path) is None]


def ensure(progress: Progress) -> None:
    """Install what is missing; needs root and Debian's archive."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root: network namespaces, taps and chroot")
    if not Path("/dev/net/tun").exists():
        raise LabError("/dev/net/tun is missing: the servers' network needs tap devices")
    names = missing()
    if not names:
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"Installing {' '.join(names)} on this machine"):
        run(["apt-get", "update", "-q"], timeout_s=600, env=env)
        run(
            ["apt-get", "install", "-q", "--yes", "--no-install-recommends", *names],
            timeout_s=1800,
            env=env,
        )
    if missing():
        raise LabError(f"still missing after apt-get install: {' '.join(missing())}")
