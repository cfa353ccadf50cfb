"""Asking a file server: with real sockets, for it is about servers that do not answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from ovstools.system.rpc import why_silent

pytestmark = pytest.mark.processes
Behave = Callable[[socket.socket], object]


def reply(call: bytes) -> bytes:
    return b"\x80\x00\x00\x18" + call[4:8] + b"\0\0\0\1" + bytes(16)


def alive(client: socket.socket) -> None:
    client.sendall(reply(client.recv(64)))


def in_parts(client: socket.socket) -> None:
    said = reply(client.recv(64))
    client.sendall(said[:5])
    client.sendall(said[5:])


def no_nfs(client: socket.socket) -> None:
    client.recv(64)
    client.sendall(b"220 mail.example.com ESMTP\r\n")


def hangs_up(client: socket.socket) -> None:
    client.recv(64)


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (alive, ""),
        (in_parts, ""),
        (no_nfs, "what answers there is no NFS server"),
        (hangs_up, "it closed the connection"),
    ],
)
def test_servers(behave: Behave, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                behave(client)

        thread = threading.Thread(target=serve)
        thread.start()
        assert why_silent("127.0.0.1", server.getsockname()[1], 10) == said
        thread.join()


def test_one_that_is_frozen() -> None:
    """The kernel accepts the connection; nobody ever reads it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = why_silent("127.0.0.1", server.getsockname()[1], 0.05)
    assert said == "no answer within 0.05 s"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert why_silent("127.0.0.1", port, 5) == "Connection refused"
