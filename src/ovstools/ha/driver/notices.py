"""Tell a program of the operator's about each event: mail, a pager, a ticket."""

from __future__ import annotations

from ...model.command import Command
from ...system.program import Program
from ..forms.event import Event, format_event
from .loop import Loop, Task

#: how long the program may take for one event, and how many events may wait for it
LIMIT_S, MAX_WAITING = 30.0, 200


class Notices:
    """Runs the program once an event, one after the other, each with the event on its input."""

    def __init__(self, loop: Loop, program: str) -> None:
        self._loop = loop
        self._program = program
        self._waiting: list[Event] = []
        self._is_telling = False

    def tell(self, event: Event) -> None:
        """Tell about an event, if a program is named."""
        if not self._program:
            return
        self._waiting.append(event)
        del self._waiting[:-MAX_WAITING]
        if not self._is_telling:
            self._is_telling = True
            self._loop.start(self._tell_all())

    def _tell_all(self) -> Task[None]:
        while self._waiting:
            text = format_event(self._waiting.pop(0)).decode()
            command = Command((self._program,), timeout_s=LIMIT_S, input=text)
            yield Program(command, self._loop.clock)
        self._is_telling = False
