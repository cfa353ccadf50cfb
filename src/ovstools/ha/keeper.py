"""The keeper: one small process without decisions, which holds the locks of node and guests.

The agent may crash, hang, be killed, stopped and upgraded; what holds a guest's lock must not.
One loop, no storage on it, no client that it waits for.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import stat
import struct
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..errors import RefusedError
from ..model.keeper_words import (
    MAX_REQUEST,
    Answer,
    No,
    Refusal,
    Request,
    Verb,
    Yes,
    format_answer,
    parse_request,
)
from ..system import descriptors, files
from .floor_guard import FloorGuard
from .keeper_shelf import Shelf

#: local clients: the agent, hooks, commands
MAX_CLIENTS = 64
_PEER = struct.Struct("3i")  # pid, uid, gid: SO_PEERCRED of unix(7)


class Keeper:
    """Serves a shelf over a listening SEQPACKET socket."""

    def __init__(
        self, listener: socket.socket, shelf: Shelf, guard: FloorGuard | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        self._listener = listener
        self._shelf = shelf
        self._guard = guard
        self._say = say
        self._clients: dict[socket.socket, None] = {}  #: the oldest first
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._is_ending = False

    def serve(self) -> None:
        """Serve until end() is called."""
        while not self._is_ending:
            if self._guard:
                self._guard.want(self._shelf.holds_guests())
            for key, _ in self._selector.select(self._guard.due_s() if self._guard else None):
                key.data()
        for client in tuple(self._clients):
            self._forget(client)
        self._selector.close()

    def end(self) -> None:
        """Let serve() return."""
        self._is_ending = True

    def end_with(self, wakeup: socket.socket) -> None:
        """Let serve() return when a signal wrote to wakeup's other end (signal.set_wakeup_fd)."""
        self._selector.register(wakeup, selectors.EVENT_READ, self.end)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # gone again, or no descriptor free: the others are served on
            return
        client.setblocking(False)
        _, uid, _ = _PEER.unpack(
            client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        )
        if uid not in (0, os.geteuid()):
            client.close()
            return
        if len(self._clients) >= MAX_CLIENTS:  # those that connect and stay shut nobody out
            self._forget(next(iter(self._clients)))
        self._clients[client] = None
        self._selector.register(client, selectors.EVENT_READ, partial(self._heard, client))

    def _heard(self, client: socket.socket) -> None:
        try:
            packet, received = descriptors.receive(client, MAX_REQUEST + 1)
        except BlockingIOError:
            return
        except OSError:
            packet, received = b"", []
        if not packet:
            descriptors.close_all(received)
            self._forget(client)
            return
        request = parse_request(packet)
        if isinstance(request, Request):
            self._serve(client, request, received)
        else:
            self._answer(client, request)
        descriptors.close_all(received)

    def _serve(self, client: socket.socket, request: Request, received: list[int]) -> None:
        name = request.name
        if request.verb is Verb.LIST:
            self._answer(client, Yes(self._shelf.states(after=name)))
        elif request.verb is Verb.GET:
            held = self._shelf.get(name)
            if isinstance(held, Refusal):
                self._answer(client, held)
            else:
                self._answer(client, Yes(), (held,))
        elif request.verb is Verb.DROP:
            self._begun(client, f"drops {name}", name, self._shelf.drop(name))
        elif len(received) == 1:
            self._begun(client, f"holds {name}", name, self._shelf.put(name, received.pop()))
        else:
            self._answer(client, Refusal(No.MALFORMED, "put takes one descriptor"))

    def _begun(
        self, client: socket.socket, what: str, name: str, barrier: int | Refusal | None
    ) -> None:
        if isinstance(barrier, Refusal):
            self._answer(client, barrier)
        elif barrier is None:
            self._settled(client, what, name)
        else:
            confirmed = partial(self._confirmed, barrier, client, what, name)
            self._selector.register(barrier, selectors.EVENT_READ, confirmed)

    def _confirmed(self, barrier: int, client: socket.socket, what: str, name: str) -> None:
        self._selector.unregister(barrier)
        os.close(barrier)
        self._settled(client, what, name)

    def _settled(self, client: socket.socket, what: str, name: str) -> None:
        self._shelf.settle(name)
        self._say(what)
        self._answer(client, Yes())

    def _answer(self, client: socket.socket, answer: Answer, passed: Sequence[int] = ()) -> None:
        if client not in self._clients:  # it did not wait for systemd's confirmation
            return
        try:
            descriptors.send(client, format_answer(answer), passed)
        except OSError:  # gone, or it asks and asks and does not read: nobody waits for it
            self._forget(client)

    def _forget(self, client: socket.socket) -> None:
        self._clients.pop(client, None)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(client)
        client.close()


def listen(path: Path) -> socket.socket:
    """Return a socket that listens at path, for its owner alone; an older one is replaced.

    Raises RefusedError.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        files.make_folder(path.parent)
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        before = os.umask(0o177)
        try:
            listener.bind(str(new))
        finally:
            os.umask(before)
        listener.listen(MAX_CLIENTS)
        listener.setblocking(False)
        if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
            raise RefusedError(f"{path} is no socket", hint="see what it is, and remove it")
        new.replace(path)
    except OSError as error:
        listener.close()
        raise files.cannot_write(path, error) from error
    return listener


def end_on_signals(keeper: Keeper) -> None:
    """Let SIGTERM and SIGINT end the keeper in order, wherever its loop is."""
    wakeup, trigger = socket.socketpair()
    wakeup.setblocking(False)
    trigger.setblocking(False)
    signal.set_wakeup_fd(trigger.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: keeper.end())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    keeper.end_with(wakeup)
