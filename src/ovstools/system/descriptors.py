"""Pass descriptors over UNIX sockets (unix(7), SCM_RIGHTS); nothing of ovstools is imported."""

from __future__ import annotations

import array
import contextlib
import os
import socket
from collections.abc import Iterable, Sequence

MAX_DESCRIPTORS = 4


def send(sock: socket.socket, packet: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send one packet, with copies of descriptors; raises OSError, BlockingIOError among them."""
    rights = array.array("i", descriptors)
    beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
    sock.sendmsg([packet], beside, socket.MSG_NOSIGNAL)


def receive(sock: socket.socket, size: int) -> tuple[bytes, list[int]]:
    """Receive one packet and its descriptors, all close-on-exec from the start.

    socket.recv_fds of Python 3.9 to 3.11 loses its flags, and with them MSG_CMSG_CLOEXEC: a
    lock would leak into each program that is started afterwards. More descriptors than there
    is room for are closed by the kernel. Raises OSError, BlockingIOError among them.
    """
    rights = array.array("i")
    room = socket.CMSG_LEN(MAX_DESCRIPTORS * rights.itemsize)
    packet, beside, _, _ = sock.recvmsg(size, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in beside:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            rights.frombytes(data[: len(data) - len(data) % rights.itemsize])
    return packet, list(rights)


def close_all(descriptors: Iterable[int]) -> None:
    """Close descriptors; those that are closed already are fine."""
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
