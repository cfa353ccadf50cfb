"""What a server's condition means to its operator: why it is so, and the way out."""

from __future__ import annotations

from typing import NamedTuple

from ...model.heartbeat import format_node_numbers
from ..driver.sight import FULL, MAKE_ROOM
from ..view import Condition, NodeView
from .servers import Servers

AGENT = "systemctl status ovs-agent.service; journalctl -u ovs-agent.service"


class Reason(NamedTuple):
    """Why a server is as it is; way_out: empty where nothing is to be done."""

    text: str
    way_out: str = ""


def why(servers: Servers, node: NodeView) -> Reason:
    """Explain a server's condition."""
    return _TABLE[node.condition](servers, node)


def _online(servers: Servers, node: NodeView) -> Reason:
    return Reason("it heartbeats, its agent reports and has its node lock")


def _maintenance(servers: Servers, node: NodeView) -> Reason:
    return Reason(
        "an operator switched maintenance on: guests leave it, and none comes",
        f"ovstools pool maintenance off {node.name}",
    )


def _leaving(servers: Servers, node: NodeView) -> Reason:
    how = node.report.leaving if node.report is not None else None
    return Reason(f"it shuts down ({how or 'how is not known'})")


def _joining(servers: Servers, node: NodeView) -> Reason:
    report = node.report
    if report is not None and not report.node_lock:
        text = "its agent waits for its node lock"
        if node.name in servers.view.orders.node_locks:
            text += ", which the master holds until all its guests are answered"
        return Reason(text, "it takes seconds; else on that server: systemctl status ovs-locks")
    return Reason("its hypervisors have not answered yet", f"on {node.name}: {AGENT}")


def _silent(servers: Servers, node: NodeView) -> Reason:
    if servers.is_full:
        return Reason(f"its report does not change: {FULL}", MAKE_ROOM)
    if servers.live is None:
        seen = "its report does not change, and nobody can tell from here whether it is live"
    elif node.report is None:
        seen = "it heartbeats, but its agent has never reported"
    else:
        seen = "it heartbeats, but its agent's report does not change: its guests count as running"
    return Reason(
        seen, f"when it has just booted, wait; else on {node.name}: {AGENT}; ovs-cluster-check"
    )


def _lost(servers: Servers, node: NodeView) -> Reason:
    if node.report is None and not servers.view.orders.boots.get(node.name):
        return Reason("it does not heartbeat, and never did under HA", f"start {node.name}")
    return Reason(
        "it does not heartbeat; its node lock, the proof of its death, is not with the master yet",
        f"the master takes it within seconds; start {node.name}",
    )


def _dead(servers: Servers, node: NodeView) -> Reason:
    if node.report is not None and node.report.leaving:
        text = (
            f"it does not heartbeat; its last word was that it shuts down ({node.report.leaving})"
        )
        return Reason(text, f"wait for it, or start {node.name}")
    master = servers.view.orders.master
    return Reason(
        f"it does not heartbeat, and {master} holds its node lock: it is proven dead",
        f"find out why (its console, dmesg of the others), then start {node.name}",
    )


_TABLE = {
    Condition.ONLINE: _online,
    Condition.MAINTENANCE: _maintenance,
    Condition.LEAVING: _leaving,
    Condition.JOINING: _joining,
    Condition.SILENT: _silent,
    Condition.LOST: _lost,
    Condition.DEAD: _dead,
}


def live_numbers(servers: Servers) -> str:
    """Return the numbers of the live nodes, as the kernel shows them; empty: nobody can tell."""
    if servers.live is None:
        return ""
    numbers = (servers.nodes[name].number for name in servers.live if name in servers.nodes)
    return format_node_numbers(frozenset(numbers)).strip()
