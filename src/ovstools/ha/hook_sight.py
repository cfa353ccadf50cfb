"""What the hook sees of the pool within its few seconds: orders, and whose reports move."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.owner_record import OwnerRecord
from ..model.sealed_block import Unreadable
from ..system.host import Host
from . import pool_place
from .driver.membership import KernelMembership
from .forms.orders import parse_orders
from .forms.report import parse_report
from .observation import Files, Identity, Observation
from .orders import Orders
from .pool_files import FileRead, read_files
from .pool_io import PoolIo, wait
from .report import Power, Report, Seen
from .rules import Rules
from .wishes import Wishes

ORDERS = "orders.json"


class HookSight:
    """The agent's evidence without an agent: it is what ha/work.py calls a worker."""

    def __init__(self, host: Host, io: PoolIo, identity: Identity, kept: frozenset[str]) -> None:
        self.identity = identity
        self.rules = Rules()
        self.ended: dict[str, Power] = {}
        self.orders = Orders()
        #: whether the hypervisor that asks us is the guest's: then it is not here, or it would
        #: not be started
        self.is_absent = False
        self._host = host
        self._io = io
        self._kept = kept
        self._reports: dict[str, Seen] = {}
        self._live: frozenset[int] | None = None
        self._steady: float | None = None

    @property
    def seen(self) -> Observation:
        """Return what was last seen."""
        return Observation(
            now=self._host.clock.monotonic(),
            live=self._live,
            steady_since=self._steady,
            kept=self._kept,
            held=frozenset(),
            guests={} if self.is_absent else None,
            files=Files(Wishes(), self.orders, dict(self._reports)),
        )

    @property
    def has_node_lock(self) -> bool:
        """Tell whether the keeper holds this server's lock."""
        return f"node-{self.identity.node}" in self._kept

    def event(
        self, event: str, guest: str | None = None, text: str = "", proofs: tuple[str, ...] = (),
        parts: tuple[tuple[str, float], ...] = (),
    ) -> None:  # fmt: skip
        """Say nothing: the hook writes its own event when all is done."""

    def look(self, limit_s: float) -> str:
        """Look at the kernel, the orders and all reports; return what failed, empty: nothing."""
        region = pool_place.region(self._host)
        if region is None:
            return "no cluster root is listed"
        identity = self.identity
        members = KernelMembership(self._host, region, identity.number, identity.dead_s).look(
            self._host.clock.monotonic()
        )
        self._live, self._steady = members
        names = [ORDERS, *(f"nodes/{node}.json" for node in identity.numbers)]
        found = wait(read_files(self._io, names, limit_s))
        if not isinstance(found, Mapping):
            return f"the pool file system does not answer: {found}"
        self._take_orders(found[ORDERS])
        for node in identity.numbers:
            self._take_report(node, found[f"nodes/{node}.json"])
        return ""

    def is_still(self, record: object) -> bool:
        """Tell whether a live server that the record names has not written since the first look."""
        named = record.nodes if isinstance(record, OwnerRecord) else tuple(self.identity.numbers)
        others = [node for node in named if node != self.identity.node]
        live = [node for node in others if self.identity.numbers.get(node) in (self._live or ())]
        return any(node in self._reports and not self._reports[node].moved for node in live)

    def _take_orders(self, read: FileRead) -> None:
        found = parse_orders(read) if isinstance(read, bytes) else None
        if isinstance(found, Orders):
            self.orders = found

    def _take_report(self, node: str, read: FileRead) -> None:
        found = parse_report(read, node) if isinstance(read, bytes) else None
        if found is None or isinstance(found, Unreadable):
            return
        before = self._reports.get(node)
        if before is None or before.sequence != found.sequence:
            now = self._host.clock.monotonic()
            report: Report = found.report
            self._reports[node] = Seen(report, found.sequence, now, before is not None)
