"""The pool file system, read at one moment into one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..driver import parsing
from ..driver.parsing import Unusable
from ..forms.guest_file import GuestFile, wish_of
from ..forms.policy import Pool
from ..forms.report import Sheet
from ..forms.request import Request
from ..orders import Orders
from ..report import Report
from ..wishes import Policy, Rule, Wish, Wishes

POOL, RULES, ORDERS, GUESTS = parsing.POLICY, parsing.RULES, parsing.ORDERS, parsing.GUESTS


def guest_path(name: str) -> str:
    """Return where a guest's file is, below the pool file system."""
    return f"{GUESTS}/{name}.yaml"


@dataclass(frozen=True)
class PoolView:
    """Everything, parsed.

    texts: the operator's files as they are. written_at: when each server's report was written, by
    that server's clock. unusable: files that cannot be read, and why. pool None: no pool.yaml,
    everything as by default. epoch: what locks/master says.
    """

    pool: Pool | None = None
    guests: Mapping[str, GuestFile] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    orders: Orders = field(default_factory=Orders)
    sheets: Mapping[str, Sheet] = field(default_factory=dict)
    requests: Mapping[str, Request] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    written_at: Mapping[str, float] = field(default_factory=dict)
    unusable: Mapping[str, Unusable] = field(default_factory=dict)
    epoch: int = 0

    @property
    def policy(self) -> Policy:
        """Return the pool's switches and limits."""
        return self.pool.policy if self.pool is not None else Policy()

    @property
    def reports(self) -> Mapping[str, Report]:
        """Return the servers' reports."""
        return {node: sheet.report for node, sheet in self.sheets.items()}

    @property
    def standing_reports(self) -> Mapping[str, Report]:
        """Return the reports that still say what is: not the last words of a boot proven dead."""
        dead, boots = self.orders.node_locks, self.orders.boots
        return {
            node: report
            for node, report in self.reports.items()
            if node not in dead or report.boot != boots.get(node)
        }

    @cached_property
    def wishes(self) -> Wishes:
        """Return what the operator wants; guests whose file cannot be used are left alone."""
        guests: dict[str, Wish] = {name: wish_of(file) for name, file in self.guests.items()}
        for name in self.unusable:
            if name.startswith(f"{GUESTS}/"):
                wish = parsing.hands_off(name)
                guests[wish.name] = wish
        asks = tuple(self.requests[uid].ask for uid in sorted(self.requests))
        return Wishes(self.policy, guests, self.rules, asks)

    def whereabouts(self, guest: str) -> tuple[str, ...]:
        """Return the servers that report a copy of a guest in memory."""
        found = []
        for node, report in self.standing_reports.items():
            local = report.guests.get(guest)
            if local is not None and local.power.is_here:
                found.append(node)
        return tuple(sorted(found))
