"""`ovstools status`: servers, guests, and what is to be looked at; also without the pool."""

from __future__ import annotations

from typing import Any

from ...errors import ExitStatus, RefusedError
from ...system.host import Host
from ..view import Condition, NodeView
from . import guests, local_state, notices
from .answer import BAD, BUSY, GOOD, Answer, Part, Table
from .local_state import LocalState
from .notices import Notice
from .pool_commands import values_of
from .servers import Judge, Servers
from .session import PoolHangs, Session, begin

#: for a status, storage is away after so long: what this server knows by itself is shown then
LIMIT_S = 5.0
SERVERS = ("SERVER", "STATE", "ROLE", "GUESTS", "MEMORY", "FREE")
GUESTS = ("GUEST", "STATE", "SERVER", "REASON")
_STYLES = {
    Condition.ONLINE: GOOD,
    Condition.MAINTENANCE: BUSY,
    Condition.LEAVING: BUSY,
    Condition.JOINING: BUSY,
}


def look(host: Host) -> Answer:
    """Say how the pool is; when it cannot be read, what this server's agent knows."""
    return Status(host).look()


class Status:
    """Looks again and again; what it has seen helps to judge the next time."""

    def __init__(self, host: Host, limit_s: float = LIMIT_S, patient: bool = True) -> None:
        self._host = host
        self._limit_s = limit_s
        self._patient = patient
        self._session: Session | None = None
        self._judge: Judge | None = None

    def look(self) -> Answer:
        """Look once. Raises RefusedError where neither a pool nor an agent is to be seen."""
        local = local_state.read(self._host)
        try:
            if self._judge is None or self._session is None:
                self._session = begin(self._host, limit_s=self._limit_s)
                self._judge = Judge(self._session)
            servers = self._judge.look(self._patient)
        except RefusedError as error:
            self._session = self._judge = None
            if local is None or not (isinstance(error, PoolHangs) or local.numbers):
                raise
            return _alone(local, error)
        return _whole(self._session, servers, local)


def _whole(session: Session, servers: Servers, local: LocalState | None) -> Answer:
    view = servers.view
    found = notices.of_pool(servers, local)
    shown = guests.every(servers)
    master = servers.master
    head = (
        f"pool {view.pool.uuid if view.pool else '(no pool.yaml yet)'}, "
        f"HA {'on' if view.policy.ha else f'off ({view.policy.ha_off})'}, "
        f"master {master.name if master else 'nobody'} (epoch {view.epoch})"
    )
    parts: list[Part] = [head, "", _server_table(servers), ""]
    if shown:
        parts += [_guest_table(shown), ""]
    parts += [each.line for each in found]
    is_well = not any(each.is_trouble for each in found)
    data: dict[str, Any] = {
        "pool": view.pool.uuid if view.pool else None,
        "ha": view.policy.ha,
        "policy": values_of(view),
        "master": master.name if master else None,
        "epoch": view.epoch,
        "this_server": session.members.node,
        "servers": [_server_data(servers, node) for _, node in sorted(servers.nodes.items())],
        "guests": [guests.data_of(each) for each in shown],
        "warnings": [each.data for each in found],
        "healthy": is_well,
    }
    while parts[-1] == "":
        parts.pop()
    return Answer(tuple(parts), data, ExitStatus.OK if is_well else ExitStatus.UNHEALTHY)


def _guest_table(shown: tuple[guests.Shown, ...]) -> Table:
    rows = tuple(
        (each.name, each.explained.state, each.node or "-", each.explained.reason) for each in shown
    )
    return Table(GUESTS, rows, tuple(each.style for each in shown))


def _server_table(servers: Servers) -> Table:
    rows, styles = [], []
    for name, node in sorted(servers.nodes.items()):
        here, used_mb, total_mb = _load(servers, node)
        has_memory = node.report is not None and not node.condition.is_gone
        rows.append(
            (
                name,
                node.condition.value,
                _role(servers, name),
                str(here) if has_memory else "-",
                f"{used_mb}/{total_mb} MiB" if has_memory else "-",
                f"{total_mb - used_mb} MiB" if has_memory else "-",
            )
        )
        styles.append(_STYLES.get(node.condition, BAD))
    return Table(SERVERS, tuple(rows), tuple(styles))


def _role(servers: Servers, name: str) -> str:
    master = servers.master
    words = ["master"] if master is not None and master.name == name else []
    if servers.view.pool is not None and servers.view.pool.utility == name:
        words.append("utility")
    return ", ".join(words) or "-"


def _load(servers: Servers, node: NodeView) -> tuple[int, int, int]:
    """Return how many guests a server has, their memory, and what there is for guests."""
    view = servers.view
    here = [
        wish
        for guest, wish in view.wishes.guests.items()
        if node.report is not None
        and (local := node.report.guests.get(guest)) is not None
        and local.power.is_here
    ]
    total_mb = node.report.mem_mb - node.report.reserve_mb if node.report is not None else 0
    return len(here), sum(wish.mem_mb for wish in here), total_mb


def _server_data(servers: Servers, node: NodeView) -> dict[str, Any]:
    here, used_mb, total_mb = _load(servers, node)
    return {
        "name": node.name,
        "number": node.number,
        "state": node.condition.value,
        "live": None if servers.live is None else node.name in servers.live,
        "guests": here,
        "used_mb": used_mb,
        "total_mb": total_mb,
        "written_at": servers.view.written_at.get(node.name),
    }


def _alone(local: LocalState, error: RefusedError) -> Answer:
    """Say what this server's agent knows, when the pool cannot be read."""
    held = [name[len("guest-") :] for name in local.locks if name.startswith("guest-")]
    live = "nobody can tell" if local.live is None else ", ".join(
        name for name, number in sorted(local.numbers.items()) if number in local.live
    )  # fmt: skip
    trouble = Notice("", error.what, error.hint.replace("\n", "; "))
    found = (trouble, *notices.of_here(local))
    parts = (
        f"the pool cannot be read: this is what {local.node} knows by itself",
        "",
        f"agent    {'runs' if local.is_running else 'does not run'}: {local.sentence}",
        f"live     {live}",
        f"holds    {', '.join(held) or 'no guest'}",
        "",
        *(each.line for each in found),
    )
    data: dict[str, Any] = {
        "pool": None,
        "this_server": local.node,
        "agent": {
            "running": local.is_running, "sentence": local.sentence, "trouble": local.trouble,
        },
        "live": None if local.live is None else sorted(local.live),
        "holds": held,
        "warnings": [each.data for each in found],
        "healthy": False,
    }  # fmt: skip
    return Answer(parts, data, ExitStatus.UNHEALTHY)
