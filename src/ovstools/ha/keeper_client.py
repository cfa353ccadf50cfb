"""Ask the keeper: a call for those with an event loop, and waiting functions for the others."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Mapping
from typing import Union

from ..errors import OvsError, RefusedError, ToolError
from ..model.keeper_words import (
    PAGE,
    Answer,
    LockState,
    Refusal,
    Request,
    Verb,
    Yes,
    format_request,
    parse_answer,
)
from ..system import descriptors
from ..system.child import Pending
from ..system.clock import Clock
from .pool_io import Abandoned, Failed

#: the longest answer: a page of list
MAX_ANSWER = PAGE * 280
WAY_OUT = "systemctl status ovs-locks.service; journalctl -u ovs-locks.service"


class Call:
    """One request to the keeper that is under way; poll() until it is no longer Pending."""

    def __init__(
        self, path: str, request: Request, clock: Clock, limit_s: float, passed: int | None = None
    ) -> None:
        self._clock = clock
        self._begin = clock.monotonic()
        self._limit_s = limit_s
        self._result: Union[Pending, Answer, Failed, Abandoned] = Pending()
        #: the descriptor that came with the answer to get; the caller closes it
        self.descriptor: int | None = None
        self._socket: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.setblocking(False)
            self._socket.connect(path)
            beside = () if passed is None else (passed,)
            descriptors.send(self._socket, format_request(request), beside)
        except OSError as error:
            self._finish(Failed(f"the keeper does not listen: {error.strerror}", error.errno or 0))

    def fileno(self) -> int:
        """Return what becomes readable with the answer; -1 when there is nothing to wait for."""
        return self._socket.fileno() if self._socket else -1

    def poll(self) -> Union[Pending, Answer, Failed, Abandoned]:
        """Return the answer, or Pending; does not wait.

        Abandoned and Failed mean unknown: list says what became of it.
        """
        if self._socket:
            self._receive(self._socket)
        after_s = self._clock.monotonic() - self._begin
        if self._socket and after_s >= self._limit_s:
            self._finish(Abandoned(after_s))
        return self._result

    def remaining_s(self) -> float:
        """Return how long until its deadline."""
        return max(0.0, self._begin + self._limit_s - self._clock.monotonic())

    def _receive(self, connection: socket.socket) -> None:
        try:
            packet, received = descriptors.receive(connection, MAX_ANSWER)
        except BlockingIOError:
            return
        except OSError as error:
            self._finish(Failed(f"the keeper ended: {error.strerror}", error.errno or 0))
            return
        try:
            answer = parse_answer(packet)
        except ValueError as error:
            descriptors.close_all(received)
            self._finish(Failed(str(error) if packet else "the keeper ended without an answer"))
            return
        self.descriptor = received.pop(0) if received else None
        descriptors.close_all(received)
        self._finish(answer)

    def _finish(self, result: Union[Answer, Failed, Abandoned]) -> None:
        self._result = result
        if self._socket:
            self._socket.close()
            self._socket = None


class KeeperClient:
    """The keeper that listens at path; limit_s: how long to wait for an answer."""

    def __init__(self, path: str, clock: Clock | None = None, limit_s: float = 5.0) -> None:
        self._path = path
        self._clock = clock or Clock()
        self._limit_s = limit_s

    def call(self, verb: Verb, name: str = "", passed: int | None = None) -> Call:
        """Send a request, and return at once; passed: a descriptor, copied."""
        return Call(self._path, Request(verb, name), self._clock, self._limit_s, passed)

    def put(self, name: str, descriptor: int) -> None:
        """Give a copy of a lock's descriptor; on return it outlives us.

        Raises RefusedError when the keeper refuses, ToolError when it does not answer.
        """
        _answered(self.call(Verb.PUT, name, descriptor))

    def get(self, name: str) -> int:
        """Return a copy of a lock's descriptor. Raises as put does."""
        call = self.call(Verb.GET, name)
        _answered(call)
        if call.descriptor is None:
            raise ToolError(f"the keeper gave no descriptor for {name}", hint=WAY_OUT)
        return call.descriptor

    def names(self) -> Mapping[str, LockState]:
        """Return all names, and how it is with them. Raises as put does."""
        found: dict[str, LockState] = {}
        last = ""
        while True:
            page = _answered(self.call(Verb.LIST, last)).states
            found.update(page)
            if len(page) < PAGE:
                return found
            last = max(page)

    def drop(self, name: str) -> int:
        """Let the keeper let go; return a copy that still has the lock, for locks.release.

        So the last close, which may wait for the lock manager, is never the keeper's or
        systemd's. Raises as put does.
        """
        descriptor = self.get(name)
        try:
            _answered(self.call(Verb.DROP, name))
        except OvsError:
            os.close(descriptor)
            raise
        return descriptor


def _answered(call: Call) -> Yes:
    while isinstance(found := call.poll(), Pending):
        select.select([call], [], [], call.remaining_s())
    if isinstance(found, Yes):
        return found
    if isinstance(found, Refusal):
        raise RefusedError(f"the keeper refused: {found.text}", found.why.value)
    if isinstance(found, Abandoned):
        raise ToolError(f"the keeper did not answer within {found.after_s:.1f} s", hint=WAY_OUT)
    raise ToolError(found.reason, hint=WAY_OUT)
