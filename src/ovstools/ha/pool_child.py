"""The expendable child: one request at a time on the pool file system, which may hang for long.

A script of its own, started by system/child.py with little of the standard library and nothing
of the rest of ovstools, to start fast. Its standard input is a socket: a packet is one request
or one reply, NUL between its fields, descriptors beside it (unix(7)); contents travel as memfds.
Its standard output is a pipe that nobody writes to: it ends when the parent does, or lets go.

A lock that was granted goes to the parent, and this copy is closed at once. Is the parent gone,
the kernel closes the copy on the way (SCM_RIGHTS) with the socket, and ours with the process:
in no order of events does a lock stay behind.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import socket
import sys
from pathlib import Path
from typing import NoReturn

if __name__ == "__main__":  # last in the path: nothing of ours hides the standard library
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from ovstools.ha import pool_child_files, pool_child_locks
from ovstools.system import descriptors

#: an older ovstools, still running after an upgrade, must not talk to a newer child
PROTOCOL = "3"
MAX_REQUEST = 1 << 18
LIFELINE = 1
VERBS = {
    "lock": pool_child_locks.lock,
    "verify": pool_child_locks.verify,
    "write": pool_child_locks.write,
    "read": pool_child_files.read,
    "list": pool_child_files.list_names,
    "look": pool_child_files.look,
    "prepare": pool_child_files.prepare,
    "room": pool_child_files.room,
    "replace": pool_child_files.replace,
    "append": pool_child_files.append,
    "remove": pool_child_files.remove,
    "sweep": pool_child_files.sweep,
}


def main() -> NoReturn:
    """Answer requests until the parent goes."""
    parent = socket.socket(fileno=0)
    if sys.argv[1:] != [PROTOCOL]:
        sys.exit(2)
    _die_with(LIFELINE)
    while True:
        try:
            packet, received = descriptors.receive(parent, MAX_REQUEST)
        except ConnectionResetError:  # gone, with an answer of ours unread
            sys.exit(0)
        if not packet:
            sys.exit(0)
        made: list[int] = []
        try:
            said, made = _answer(parent, os.fsdecode(packet).split("\0"), received)
        except OSError as error:
            said = ["failed", str(error.errno or 0), error.strerror or str(error)]
        except Exception as error:  # a fault of ours, and the parent must hear of it
            said = ["failed", "0", f"{type(error).__name__}: {error}"]
        try:
            descriptors.send(parent, os.fsencode("\0".join(said)), made)
        except BrokenPipeError:
            sys.exit(0)
        descriptors.close_all((*made, *received))


def _answer(
    parent: socket.socket, fields: list[str], received: list[int]
) -> tuple[list[str], list[int]]:
    verb, root, device, *words = fields
    if verb == "release":
        return _release(parent, received)
    folder = _opened_root(root, device)
    try:
        return VERBS[verb](folder, words, received)
    finally:
        os.close(folder)


def _release(parent: socket.socket, received: list[int]) -> tuple[list[str], list[int]]:
    """Close the last copy, which may wait for the lock manager; first the parent closes its own.

    Never LOCK_UN: a child that hangs in a write below this lock has a copy as well, and keeps
    the lock until that write can harm nobody.
    """
    parent.recv(1)
    while received:
        os.close(received.pop())
    return ["ok"], []


def _die_with(lifeline: int) -> None:
    """Let SIGIO, whose default is to end us, come when the pipe's other end is closed.

    Not with the socket: SIGIO comes for each packet as well, and after the packet itself
    (unix_dgram_sendmsg in net/unix/af_unix.c), so late that it would end a request under way.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
    poll = select.poll()
    poll.register(lifeline, 0)
    if poll.poll(0):  # gone before we asked for the signal
        sys.exit(0)


def _opened_root(root: str, device: str) -> int:
    """Open the pool file system; refuse the bare folder below a mount that is not there.

    The folder is made when its file system is the right one: the first server of a pool does so.
    """
    try:
        folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        if not device:
            raise
        _made(*os.path.split(root), int(device))
        folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if device and os.fstat(folder).st_dev != int(device):
        os.close(folder)
        raise OSError(errno.ENODEV, f"{root} is not the pool file system: it is not mounted")
    return folder


def _made(above: str, name: str, device: int) -> None:
    parent = os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if os.fstat(parent).st_dev != device:
            raise OSError(errno.ENODEV, f"{above} is not the pool's file system: it is not mounted")
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=parent)
        os.fsync(parent)
    finally:
        os.close(parent)


if __name__ == "__main__":
    main()
