"""`ovstools status --watch`: the status again and again."""

from __future__ import annotations

from collections.abc import Iterator

from ...system.host import Host
from .answer import Answer
from .status import Status

EVERY_S = 1.0
#: storage that takes longer is shown as away; the next look asks again
LIMIT_S = 3.0


def answers(host: Host) -> Iterator[Answer]:
    """Yield the status, with a pause between; for ever."""
    looking = Status(host, LIMIT_S, patient=False)
    while True:
        yield looking.look()
        host.clock.sleep(EVERY_S)
