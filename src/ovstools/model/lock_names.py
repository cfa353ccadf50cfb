"""The names of the pool's locks, and what may be in a guest's or a node's name."""

from __future__ import annotations

import re

FOLDER = "locks"
MASTER, CONFIG = "master", "config"
NODE_PREFIX, GUEST_PREFIX = "node-", "guest-"
#: a file's name, and a name in systemd's descriptor store (sd_pid_notify_with_fds(3)): 255 bytes
MAX_LENGTH = 255
_OWNED = re.compile(r"(?:node|guest)-[A-Za-z0-9_][A-Za-z0-9_.+-]*", re.ASCII)


def is_kept(name: str) -> bool:
    """Tell whether it names a lock that the keeper may hold: a node's or a guest's."""
    return bool(_OWNED.fullmatch(name)) and len(name) <= MAX_LENGTH


def is_guest(name: str) -> bool:
    """Tell whether it names a guest's lock."""
    return name.startswith(GUEST_PREFIX) and is_kept(name)


def node_lock(node: str) -> str:
    """Return the name of a node's lock; raise ValueError for an odd name."""
    return checked(f"{NODE_PREFIX}{node}")


def guest_lock(guest: str) -> str:
    """Return the name of a guest's lock; raise ValueError for an odd name."""
    return checked(f"{GUEST_PREFIX}{guest}")


def checked(name: str) -> str:
    """Return the name of a lock; raise ValueError when there can be no such lock."""
    if name not in (MASTER, CONFIG) and not is_kept(name):
        raise ValueError(
            f"{name!r} is no lock: letters, digits and _.+- after node- or guest-, "
            f"{MAX_LENGTH} at most"
        )
    return name
