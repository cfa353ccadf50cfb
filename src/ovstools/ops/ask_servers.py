"""cluster-check --all: have every other server of cluster.conf run its own check, over ssh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks.view import OtherServer, View
from ..system import ssh
from ..system.host import Host
from . import others
from .others import Answered

WORDS = ("cluster-check", "--json")
#: a check touches no storage and waits for nothing
LIMIT_S = 60.0


def ask(host: Host, view: View) -> tuple[OtherServer, ...]:
    """Return what the other servers said; none when this server is in no cluster."""
    if view.cluster is None or view.is_offline:
        return ()
    paths = host.settings.paths
    commands = {
        node.name: ssh.remote_ovstools(paths, node.name, WORDS, timeout_s=LIMIT_S, changes=False)
        for node in view.cluster.nodes
        if node != view.node
    }
    return tuple(_read(each) for each in others.ask_all(host, commands)) if commands else ()


def has_keys(host: Host) -> bool:
    """Tell whether the servers were ever allowed to log in on each other."""
    return host.kind(ssh.key_path(host.settings.paths)) == "file"


def _read(answer: Answered) -> OtherServer:
    data = answer.data
    if answer.problem:
        return OtherServer(answer.server, problem=answer.problem, hint=answer.hint)
    return OtherServer(
        answer.server,
        is_healthy=data.get("healthy") is True,
        summary=str(data.get("summary") or ""),
        findings=tuple(_line(each) for each in _list(data, "findings") if _is_bad(each)),
        fingerprint=data["fingerprint"] if isinstance(data.get("fingerprint"), str) else None,
        nodes=tuple(_node(each) for each in _list(data, "nodes")),
    )


def _list(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = data.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _is_bad(finding: Mapping[str, Any]) -> bool:
    return finding.get("severity") in ("warning", "error")


def _line(finding: Mapping[str, Any]) -> str:
    return f"{finding.get('severity')} {finding.get('code')}: {finding.get('text')}"


def _node(node: Mapping[str, Any]) -> str:
    return f"there: node {node.get('number')}: {node.get('name')} at {node.get('ip_address')}"
