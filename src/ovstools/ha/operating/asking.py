"""Ask the master: a request is a file, its answer stands in orders.json, and then it is removed."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass

from ...errors import OvsError, RefusedError, ToolError
from ..asks import SETTLED
from ..forms.request import Request, format_request
from ..pool_files import remove_file, replace_file
from ..pool_io import wait
from ..report import ACCEPTED, DONE, REFUSED
from .guest_progress import progress_of
from .pool_view import PoolView
from .servers import roughly
from .session import Session
from .waiting import Progress, until

#: requests that nobody waits for any more go, once they have been answered, after so long
LEFT_S = 600.0
FOLDER = "requests"
NO_MASTER = "ovstools status says who is the master; is ovs-agent.service running?"


@dataclass(frozen=True)
class Ask:
    """Ask the master for something, as a step; limit_s None: do not wait for the answer."""

    verb: str
    guest: str
    node: str
    limit_s: float | None

    def preview(self) -> str:
        """Return what is asked, as a comment."""
        words = " ".join(filter(None, (self.verb, self.guest, self.node)))
        return f"# ask the master: {words}"

    def apply(self, session: Session) -> None:
        """Ask, and wait. Raises RefusedError or ToolError, as the master answers."""
        _sweep(session)
        request = Request(
            uuid.uuid4().hex, self.verb, self.guest, self.node,
            by=f"{session.members.node} {os.getpid()}", time_s=session.host.clock.wall(),
        )  # fmt: skip
        name = f"{FOLDER}/{request.uid}.json"
        data = format_request(request)
        session.written(name, replace_file(session.io, name, data, session.limit_s))
        if self.limit_s is None:
            return
        try:
            until(session, lambda view: _answered(session, view, request), self.limit_s)
        finally:
            wait(remove_file(session.io, name, session.limit_s))


def _answered(session: Session, view: PoolView, request: Request) -> Progress:
    answer = view.orders.answers.get(request.uid)
    if answer is None:
        settling = _settling(session, view, request)
        if settling is not None:
            return settling
        master = view.orders.master
        text = f"waiting for the master ({master})" if master else "waiting for a master"
        return Progress(False, text, NO_MASTER)
    word, _, rest = answer.partition(":")
    if word == ACCEPTED:
        return _under_way(session, view, request)
    if word == DONE:
        return Progress(True, rest.strip())
    raise _error(word, rest.strip() or answer)


def _settling(session: Session, view: PoolView, request: Request) -> Progress | None:
    """Say that the guest is what a master waits for who is well; None: that is not so."""
    entry = view.orders.entries.get(request.guest)
    master = roughly(session, view).master
    if entry is None or request.guest not in view.wishes.guests:
        return None
    if entry.phase in SETTLED or master is None:
        return None
    found = progress_of(session, view, request.guest)
    hint = found.way_out or f"ovstools vm show {request.guest}; wait longer with --timeout S"
    return found._replace(text=f"it is to be settled first: {found.text}", way_out=hint)


def _under_way(session: Session, view: PoolView, request: Request) -> Progress:
    if request.guest not in view.wishes.guests:
        return Progress(False, "the master has accepted it")
    return progress_of(session, view, request.guest)


def _error(word: str, text: str) -> OvsError:
    what, _, hint = text.partition(" (`")
    hint = hint.rstrip("`)")
    kind = RefusedError if word == REFUSED else ToolError
    return kind(f"the master {'refuses' if word == REFUSED else 'says'}: {what}", hint=hint)


def _sweep(session: Session) -> None:
    """Remove answered requests that nobody waits for: left by --no-wait, or by a kill -9."""
    view = session.view()
    before = session.host.clock.wall() - LEFT_S
    for uid, request in view.requests.items():
        answer = view.orders.answers.get(uid, ACCEPTED)
        if not answer.startswith(ACCEPTED) and request.time_s < before:
            wait(remove_file(session.io, f"{FOLDER}/{uid}.json", session.limit_s))
