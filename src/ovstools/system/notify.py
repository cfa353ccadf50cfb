"""Talk to systemd: readiness, and its descriptor store (sd_notify(3), sd_listen_fds(3)).

The protocol is a datagram to $NOTIFY_SOCKET, with descriptors beside it. Nothing here waits:
when systemd itself hangs, a send fails, and a barrier stays open.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence

from . import descriptors

FIRST_LISTEN_FD = 3


class Notifier:
    """The way to systemd of a service of Type=notify; address as in $NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def ready(self, status: str = "") -> None:
        """Say that the service is up. Raises OSError."""
        self._send(f"READY=1\nSTATUS={status}")

    def say(self, text: str) -> None:
        """Send an assignment of sd_notify(3), such as WATCHDOG=1. Raises OSError."""
        self._send(text)

    def stopping(self) -> None:
        """Say that the service ends. Raises OSError."""
        self._send("STOPPING=1")

    def store(self, name: str, descriptor: int) -> None:
        """Put a copy into the descriptor store; see barrier. Raises OSError."""
        self._send(f"FDSTORE=1\nFDNAME={name}\nFDPOLL=0", descriptor)

    def forget(self, name: str) -> None:
        """Take all descriptors of a name out of the store; see barrier. Raises OSError."""
        self._send(f"FDSTOREREMOVE=1\nFDNAME={name}")

    def barrier(self) -> int:
        """Return a descriptor that comes to its end when systemd has read all sent so far.

        Raises OSError.
        """
        ours, theirs = os.pipe()
        try:
            self._send("BARRIER=1", theirs)
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return ours

    def _send(self, text: str, *passed: int) -> None:
        self._socket.connect(self._address)  # anew: systemd may have been replaced by a newer one
        descriptors.send(self._socket, text.encode(), passed)


def notifier(environ: Mapping[str, str]) -> Notifier | None:
    """Return the way to systemd; None: it did not start us."""
    address = environ.get("NOTIFY_SOCKET", "")
    return Notifier(address) if address[:1] in ("/", "@") and len(address) > 1 else None


def inherited(environ: Mapping[str, str], pid: int) -> Sequence[tuple[str, int]]:
    """Return the descriptors that systemd gave back, with their names; made close-on-exec."""
    if environ.get("LISTEN_PID") != str(pid):
        return ()
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    count = int(environ.get("LISTEN_FDS", "0") or "0")
    found = []
    for index in range(count):
        descriptor = FIRST_LISTEN_FD + index
        os.set_inheritable(descriptor, False)
        found.append((names[index] if index < len(names) else "unknown", descriptor))
    return tuple(found)
