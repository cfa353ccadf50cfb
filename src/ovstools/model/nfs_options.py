"""Mount options of NFS (nfs(5)): what a repository must have, and what would harm its pool.

hard: while the file server does not answer, everything waits. With soft the client gives up and
returns an I/O error, and a heartbeat that fails, unlike one that hangs, makes every server of the
pool fence itself (fs/ocfs2/cluster/heartbeat.c: only servers that hang negotiate).
"""

from __future__ import annotations

from ..errors import RefusedError
from .mountinfo import Mount

FSTYPE = "nfs"
FSTYPES = ("nfs", "nfs4")
DEFAULT_PORT = 2049
TCP, TCP6 = "tcp", "tcp6"
#: what every repository is mounted with, whether it is said or not
IMPLIED = ("hard", "proto=tcp", "proto=tcp6", "tcp", "defaults", "rw")
_SOFT = ("soft", "softerr")
_WHY_HARD = (
    "with soft, an outage of the file server becomes an I/O error, "
    "upon which every server of the pool fences itself; with hard, all wait"
)


def is_nfs(mount: Mount) -> bool:
    """Tell whether it is a mount of NFS."""
    return mount.fstype in FSTYPES


def compose(given: str, protocol: str, where: str) -> str:
    """Return the options to mount with: hard and TCP, then what the operator gave.

    where: the file that they are from. Raises RefusedError for what a repository must not have.
    """
    words = [word for word in given.split(",") if word and word not in IMPLIED]
    for word in words:
        reason = why_refused(word)
        if reason:
            raise RefusedError(
                f"the mount option {word} is refused: {reason}",
                f"{where} has: {given}",
                hint=f"take {word} out of {where}",
            )
    return ",".join(("hard", f"proto={protocol}", *words))


def why_refused(word: str) -> str:
    """Say why a repository must not have an option; empty: it may."""
    key, _, value = word.partition("=")
    if word in _SOFT:
        return _WHY_HARD
    if word == "udp" or (key in ("proto", "mountproto") and value not in (TCP, TCP6)):
        return "only TCP does not lose and repeat requests behind the heartbeat's back"
    if word == "ro":
        return "a repository is written to"
    if word == "bg":
        return "mount would say that all is well, and mount later or never"
    if word == "vers=2" or word == "nfsvers=2":
        return "version 2 knows neither large files nor safe writes; give 3 or 4"
    return ""


def faults(mount: Mount) -> tuple[str, ...]:
    """Say what is wrong with how an export is mounted, by the kernel's own words."""
    found = []
    words = mount.super_options
    if "hard" not in words:
        found.append(f"it is mounted soft: {_WHY_HARD}")
    protocol = value(mount, "proto")
    if protocol not in (TCP, TCP6):
        found.append(f"it is mounted with proto={protocol or '?'}, not over TCP")
    if mount.is_read_only:
        found.append("it is mounted read-only")
    return tuple(found)


def value(mount: Mount, key: str) -> str:
    """Return the value of an option of a mount, such as addr; empty: it has none."""
    found = (word.partition("=") for word in mount.super_options)
    return next((value for name, _, value in found if name == key), "")


def port(options: str) -> int:
    """Return the server's port: that of the options, else 2049."""
    for word in options.split(","):
        key, _, text = word.partition("=")
        if key == "port" and text.isascii() and text.isdigit() and 0 < int(text) < 65536:
            return int(text)
    return DEFAULT_PORT
