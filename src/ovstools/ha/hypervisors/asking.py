"""What the hypervisors' generators share: looks at one guest, and words for a failure."""

from __future__ import annotations

from collections.abc import Generator
from typing import Callable, Union

from ...model.command import Result
from ...system.clock import Clock
from ..report import Power
from .protocol import NOT_INSTALLED, TIMED_OUT, Look, Outcome, Pause, Request, Unknown

#: a failure's text: the last lines that say something
SAID_LINES = 3
#: between two looks at a guest that is to end
PAUSE_S = 1.0

#: one guest's power; None: it is not there
Found = Union[Power, Unknown, None]
Finding = Generator[Request, Result, Found]


def said(result: Result) -> str:
    """Return what a program said as one line, for an answer."""
    if result.status == TIMED_OUT:
        return "no answer in time"
    lines = [line.strip() for line in (result.stderr or result.stdout).splitlines()]
    text = "; ".join([line for line in lines if line][-SAID_LINES:])
    if not text and result.status == NOT_INSTALLED:
        return "the program is not installed"
    return text or f"exit status {result.status}"


def find(look: Callable[[], Look], name: str) -> Finding:
    """Look at one guest."""
    found = yield from look()
    return found if isinstance(found, Unknown) else found.get(name)


def is_off(found: Found) -> bool:
    """Tell whether a look has shown that there is no copy in memory."""
    return found is None or (isinstance(found, Power) and not found.is_here)


def wait_off(look: Callable[[], Look], name: str, within_s: float, clock: Clock) -> Finding:
    """Look until a guest has ended, at least once and for within_s at most; say the last."""
    deadline = clock.monotonic() + within_s
    while True:
        found = yield from find(look, name)
        left_s = deadline - clock.monotonic()
        if is_off(found) or left_s <= 0:
            return found
        yield Pause(min(PAUSE_S, left_s))


def refusal(found: Found, name: str) -> Outcome | None:
    """Return why what needs a guest that is off cannot be done; None: it is off."""
    if isinstance(found, Unknown):
        return Outcome(False, found.reason)
    if is_off(found):
        return None
    return Outcome(False, f"{name} is still here")
