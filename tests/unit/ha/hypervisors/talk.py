"""A conversation with a hypervisor's generator: what it must ask, and what it is answered."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Union

from ovstools.ha.hypervisors.protocol import WAITED, Pause
from ovstools.model.command import Command, Result
from ovstools.system.clock import Clock

OK = Result(0)
#: nothing but a pause is expected, of any length
NAP = "nap"

Expected = Union[tuple[Command, Result], str]


def failed(stderr: str, status: int = 1) -> Result:
    """Return the result of a program that failed."""
    return Result(status, "", stderr)


class StillClock(Clock):
    """A clock that moves with the pauses of a conversation alone."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@dataclass(frozen=True)
class Vm:
    """A guest's file, as far as a hypervisor reads it."""

    name: str = "web1"
    uuid: str = "7c3c4f8a-63ca-5da2-bb74-dc6f8fc4553a"
    definition: str = "/OVS/running_pool/web1/vm.xml"
    stop_s: float = 10.0


def converse(
    steps: Generator[Any, Result, Any], script: Sequence[Expected], clock: StillClock | None = None
) -> Any:
    """Answer the expected commands in order, refuse every other, and return what it came to."""
    waiting = list(script)
    sent: Result | None = None
    while True:
        try:
            asked = next(steps) if sent is None else steps.send(sent)
        except StopIteration as ended:
            assert not waiting, f"never asked: {waiting}"
            return ended.value
        assert waiting, f"unexpected: {asked}"
        expected = waiting.pop(0)
        if isinstance(asked, Pause):
            assert expected == NAP, f"expected {expected}, got {asked}"
            if clock is not None:
                clock.now += asked.seconds
            sent = WAITED
        else:
            assert not isinstance(expected, str), f"expected a pause, got {asked.shell()}"
            assert asked == expected[0], f"expected {expected[0]}, got {asked.shell()}"
            sent = expected[1]
