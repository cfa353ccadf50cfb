"""`pool master NODE`: how the role comes to the server that the operator names.

Waiters on a cluster lock have no order. So while a hand-over is under way, each agent that is
granted locks/master and is not the one named gives it back at once, and waits no more until the
hand-over is over: the role is taken, its time is up, or the named server is not live.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .asks import ACCEPTED
from .observation import Observation
from .view import Condition, View
from .wishes import ASK_MASTER, Ask, Wishes

if TYPE_CHECKING:
    from .agent import Agent

#: from when an agent first sees the request; a waiter is granted the lock within milliseconds
HAND_OVER_S = 15.0


def _open(wishes: Wishes, answers: Mapping[str, str]) -> list[Ask]:
    """Return the requests that have no final answer, oldest first."""
    asks = (ask for ask in wishes.asks if ask.verb == ASK_MASTER)
    return [ask for ask in asks if answers.get(ask.uid, ACCEPTED) == ACCEPTED]


class HandOver:
    """One agent's view of the hand-over that is under way."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._first_seen: dict[str, float] = {}

    def look(self) -> None:
        """Note since when each request is known."""
        seen = self._agent.seen
        asks = seen.files.wishes.asks if seen.files is not None else ()
        if asks or self._first_seen:
            uids = [ask.uid for ask in asks if ask.verb == ASK_MASTER]
            self._first_seen = {uid: self._first_seen.get(uid, seen.now) for uid in uids}

    def _ends_at(self, ask: Ask) -> float:
        return self._first_seen.get(ask.uid, self._agent.seen.now) + HAND_OVER_S

    def is_over(self, ask: Ask) -> bool:
        """Tell whether the time is up."""
        return self._agent.seen.now >= self._ends_at(ask)

    def is_for_another(self) -> bool:
        """Tell whether another server shall be the master, and can still become it."""
        agent, seen = self._agent, self._agent.seen
        if seen.files is None or not self._first_seen:
            return False
        asks = _open(seen.files.wishes, seen.files.orders.answers)
        if not asks or asks[-1].node == agent.identity.node or self.is_over(asks[-1]):
            return False
        if not _is_live(seen, agent.identity.numbers.get(asks[-1].node)):
            return False
        agent.wake(self._ends_at(asks[-1]))
        return True

    def answers(self, view: View, answers: Mapping[str, str]) -> dict[str, str]:
        """Answer the requests as the present master."""
        found = dict(answers)
        asks = _open(view.wishes, answers)
        for ask in asks[:-1]:
            found[ask.uid] = f"refused: a later request names {asks[-1].node}"
        for ask in asks[-1:]:
            found[ask.uid] = self._answer(view, ask, ask.uid in answers)
        return found

    def _answer(self, view: View, ask: Ask, is_accepted: bool) -> str:
        if ask.node == view.me:
            return f"done: {ask.node} is the master"
        node = view.nodes.get(ask.node)
        if node is None:
            return f"refused: there is no server {ask.node}"
        if node.condition is not Condition.ONLINE:
            return f"refused: {ask.node} is {node.condition.value}"
        if is_accepted and self.is_over(ask):
            return f"failed: {ask.node} has not taken the role within {HAND_OVER_S:.0f} s"
        return ACCEPTED

    def leads_away(self, answers: Mapping[str, str]) -> str | None:
        """Return the server to which the role goes now, by answers that are on storage."""
        files = self._agent.seen.files
        for ask in _open(files.wishes, answers) if files is not None else ():
            if ask.uid in answers:
                return ask.node
        return None


def _is_live(seen: Observation, number: int | None) -> bool:
    return seen.live is not None and number in seen.live
