"""Wait until the pool is as an operator wants it, and say what happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ...errors import ToolError
from .pool_view import PoolView
from .session import PoolHangs, Session

POLL_S = 0.3
SETTLED_S = 12.0


class Progress(NamedTuple):
    """How far it is; text: for a person. way_out: what to do when it goes no further.

    is_stuck: it will not go on as things stand; SETTLED_S without a change, and the wait ends.
    """

    is_done: bool
    text: str
    way_out: str = ""
    is_stuck: bool = False


Look = Callable[[PoolView], Progress]


def until(session: Session, look: Look, limit_s: float) -> Progress:
    """Look again and again until it is done; each new text is said.

    look may raise when it can no longer come about. Raises ToolError at the deadline. A pool file
    system that does not answer for a while, as when a server dies, is waited for as well.
    """
    clock, talk = session.host.clock, session.host.talk
    deadline = clock.monotonic() + limit_s
    said, since = "", clock.monotonic()
    while True:
        try:
            found = look(session.view())
        except PoolHangs as error:
            found = Progress(False, error.what, error.hint)
        if found.is_done:
            return found
        now = clock.monotonic()
        if found.text != said:
            said, since = found.text, now
            talk.notice(said)
        if now >= deadline or (found.is_stuck and now - since >= SETTLED_S):
            raise ToolError(
                f"not so after {_shown_s(limit_s - (deadline - now))} s: {found.text}",
                hint=found.way_out or "ovstools status; wait longer with --timeout S",
            )
        clock.sleep(POLL_S)


def _shown_s(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 1 else f"{seconds:.3g}"


@dataclass(frozen=True)
class Await:
    """Wait until something is so, as a step."""

    question: str
    limit_s: float
    look: Look = field(compare=False)

    def preview(self) -> str:
        """Return what is waited for, as a comment."""
        return f"# wait: {self.question} (at most {self.limit_s:g} s)"

    def apply(self, session: Session) -> None:
        """Wait; raises OvsError when it does not come about."""
        until(session, self.look, self.limit_s)
