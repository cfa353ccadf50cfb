"""How the guests of the pool leave this server before its services are stopped.

The agent moves or stops them, never a command: it alone writes their records and gives up their
locks in the right order. This is the one place where the commands ask it to.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import RefusedError
from ..system.host import Host
from . import guests_here
from .plan import Step
from .unmounting import LEAVE_HINT

#: drain: to other servers, as maintenance does; stop: shut down here
DRAIN, STOP_GUESTS = "drain", "stop-guests"


def leave_steps(host: Host, guests: Mapping[str, str], how: str | None) -> list[Step]:
    """Return the steps after which none of these guests is on this server.

    Raises RefusedError without one of the two words, and while no agent takes them.
    """
    lines = guests_here.sentences(guests)
    if how is None:
        raise RefusedError("guests of the pool run here; nothing was stopped", *lines,
                           hint=LEAVE_HINT)  # fmt: skip
    raise RefusedError(
        f"the agent of this version does not take --{how}; nothing was stopped",
        *lines,
        hint="move or stop them with the hypervisor's own tool, and run the command again",
    )
