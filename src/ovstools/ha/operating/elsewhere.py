"""Ask every server's agent whether a guest runs there, before it comes under HA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import RefusedError, ToolError
from ..view import Condition
from . import conditions
from .servers import Judge
from .session import Session

#: reports rise every 2 s, but while hypervisors are slow
LIMIT_S, POLL_S = 40.0, 0.5
#: the first report after the agent saw the guest's file may have been under way before
NEWS = 2
_ASKED = {Condition.ONLINE, Condition.MAINTENANCE, Condition.LEAVING}


@dataclass(frozen=True)
class NobodyElseHas:
    """Wait for a word of every live server about a guest, as a step."""

    guest: str

    def preview(self) -> str:
        """Return what is asked, as a comment."""
        return f"# verify: no other server of the pool runs {self.guest}"

    def apply(self, session: Session) -> None:
        """Raise RefusedError when another server has it, or cannot be asked."""
        judge, clock = Judge(session), session.host.clock
        deadline = clock.monotonic() + LIMIT_S
        first: Mapping[str, int] | None = None
        while True:
            servers = judge.look()
            if first is None:
                first = {node: sheet.sequence for node, sheet in servers.view.sheets.items()}
            waiting = []
            for name, node in sorted(servers.nodes.items()):
                if node.condition is Condition.DEAD:
                    continue
                if node.condition not in _ASKED:
                    reason = conditions.why(servers, node)
                    raise RefusedError(
                        f"{name} cannot be asked whether {self.guest} runs there",
                        f"{node.condition.value}: {reason.text}",
                        hint=reason.way_out,
                    )
                if servers.view.sheets[name].sequence < first.get(name, 0) + NEWS:
                    waiting.append(name)
            others = set(servers.view.whereabouts(self.guest)) - {session.members.node}
            if others:
                raise RefusedError(
                    f"{self.guest} runs on {', '.join(sorted(others))}",
                    hint="run the command there, or shut it down there first",
                )
            if not waiting:
                return
            if clock.monotonic() >= deadline:
                raise ToolError(
                    f"no word of {', '.join(waiting)} about {self.guest} within {LIMIT_S:g} s",
                    hint="ovstools status",
                )
            clock.sleep(POLL_S)
