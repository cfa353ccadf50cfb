"""What an agent writes into nodes/NODE.json, and whether it is on storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import Result, WriteReport
from .orders import OrderId
from .report import Local, Power, Report

if TYPE_CHECKING:
    from .agent import Agent

_GUEST = "guest-"


class Reporting:
    """One agent's reports."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._written: Report | None = None
        self._is_writing = False

    def has_written(self, order_id: OrderId) -> bool:
        """Tell whether the acceptance of an order is on storage."""
        return self._written is not None and order_id in self._written.answers

    @property
    def says_leaving(self) -> bool:
        """Tell whether all is on storage, and that this server shuts down."""
        written = self._written
        return written is not None and written.leaving is not None and written == self.current()

    def report(self) -> None:
        """Write what has changed."""
        agent = self._agent
        if self._is_writing:
            return
        files = agent.seen.files
        own = files.own if files is not None else None
        if agent.seen.guests is None and own is not None and own.boot == agent.identity.boot:
            return  # what an earlier life knew of the guests stands until they have answered
        report = self.current()
        if report == self._written and own == self._written:
            return  # else: a write of an earlier life came late, over ours
        self._is_writing = True

        def written(result: Result) -> None:
            self._is_writing = False
            if result.ok:
                self._written = report

        agent.issue(WriteReport(report), written)

    def current(self) -> Report:
        """Return the report as it would be now."""
        agent = self._agent
        seen, identity = agent.seen, agent.identity
        powers = {**agent.ended, **(seen.guests or {})}
        guests = {g: Local(power, _GUEST + g in seen.kept) for g, power in powers.items()}
        for name in sorted(seen.kept):
            guest = name[len(_GUEST) :]
            if name.startswith(_GUEST) and guest not in guests:
                guests[guest] = Local(Power.CRASHED, True)
        return Report(
            node=identity.node,
            boot=identity.boot,
            node_lock=agent.has_node_lock,
            asked=seen.guests is not None,
            guests=guests,
            answers=dict(agent.answers),
            leaving=seen.stopping,
            cpu=identity.cpu,
            mem_mb=identity.mem_mb,
            reserve_mb=identity.reserve_mb,
            repositories=seen.repositories,
            lacking=seen.lacking,
            answering=seen.answering,
        )
