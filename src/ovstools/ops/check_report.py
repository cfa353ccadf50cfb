"""The answer of cluster-check: the same outcomes as table, plain lines, JSON and for monitoring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ..checks.coded import Outcome
from ..checks.peers import alive_count, is_connected, sees_peers
from ..checks.registry import findings as all_findings
from ..checks.servers import own_fingerprint
from ..checks.view import View
from ..errors import ExitStatus, OvsError
from ..model.findings import Finding, Severity, is_unhealthy
from .plan import Report, Table

FORMATS = ("table", "plain", "json", "nagios")
STYLES = {"ok": "green", "info": "cyan", "warning": "yellow", "error": "bold red"}


class NagiosStatus(IntEnum):
    """Exit statuses of monitoring plugins (Monitoring Plugins Development Guidelines)."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class Verdict:
    """A view with what all checks said about it."""

    view: View
    outcomes: tuple[Outcome, ...]
    is_strict: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """List what the checks had to say."""
        return all_findings(self.outcomes)

    @property
    def is_healthy(self) -> bool:
        """Tell whether the server does its part; with strict, warnings count too."""
        return not is_unhealthy(self.findings, self.is_strict)

    @property
    def summary(self) -> str:
        """Say it all in one line."""
        state = "healthy" if self.is_healthy else "unhealthy"
        return ", ".join([f"{self.view.server}: {state}{self._counts()}", *self._good_news()])

    def _counts(self) -> str:
        counts = Counter(finding.severity for finding in self.findings)
        words = [
            f"{counts[severity]} {severity.word}{'s' if counts[severity] != 1 else ''}"
            for severity in (Severity.ERROR, Severity.WARNING)
            if counts[severity]
        ]
        return f" ({', '.join(words)})" if words else ""

    def _good_news(self) -> list[str]:
        view = self.view
        words = ["by its files alone"] if view.is_offline else []
        if sees_peers(view) and view.cluster is not None:
            words.append(f"{alive_count(view)} of {len(view.cluster.nodes)} servers alive")
        root = view.mount_at(view.paths.cluster_root)
        if root is not None:
            words.append(f"cluster root {root.mountpoint} on {root.source}")
        return words


def make_report(verdict: Verdict, form: str, is_quiet: bool) -> Report:
    """Return the answer; with is_quiet nothing but what is wrong, for cron."""
    status = ExitStatus.OK if verdict.is_healthy else ExitStatus.UNHEALTHY
    if form == "nagios":
        return Report(nagios_lines(verdict), data(verdict), nagios_status(verdict))
    if is_quiet and verdict.is_healthy:
        return Report((), data(verdict), status)
    if form == "plain":
        return Report(plain_lines(verdict), data(verdict), status)
    rows = table_rows(verdict.outcomes, is_quiet)
    shown = [each for each in verdict.findings if each.severity > Severity.INFO or not is_quiet]
    return Report(
        ("", *detail_lines(shown), verdict.summary),
        data(verdict),
        status,
        Table(("STATUS", "CHECK", "FOUND"), rows, tuple(STYLES[row[0].lower()] for row in rows)),
    )


def table_rows(outcomes: Sequence[Outcome], is_quiet: bool) -> tuple[tuple[str, ...], ...]:
    """Return a row for each finding, and one for each thing that was found good."""
    rows = []
    for outcome in outcomes:
        name = outcome.check.name
        rows += [
            (each.severity.word.upper(), name, each.text)
            for each in outcome.findings
            if each.severity > Severity.INFO or not is_quiet
        ]
        if outcome.good and not outcome.findings and not is_quiet:
            rows.append(("OK", name, outcome.good))
    return tuple(rows)


def detail_lines(findings: Sequence[Finding]) -> list[str]:
    """Return evidence and way out of each finding."""
    lines: list[str] = []
    for finding in findings:
        first, *more = (finding.hint or f"ovs-cluster-check --explain {finding.code}").splitlines()
        lines += [
            f"{finding.code}: {finding.text}",
            *(f"  {line}" for line in finding.evidence),
            f"  hint: {first}",
            *(f"        {line}" for line in more),
            "",
        ]
    return lines


def plain_lines(verdict: Verdict) -> tuple[str, ...]:
    """Return a line a finding, CODE, SEVERITY and text with tabs between; the last one judges."""
    rows = [(each.code, each.severity.word, each.text) for each in verdict.findings]
    last = ("healthy", "ok") if verdict.is_healthy else ("unhealthy", "error")
    return tuple("\t".join(row) for row in [*rows, (*last, verdict.summary)])


def nagios_status(verdict: Verdict) -> NagiosStatus:
    """Judge as monitoring plugins do: who cannot look at everything does not know."""
    if not verdict.is_healthy:
        return NagiosStatus.CRITICAL
    if any(finding.severity is Severity.WARNING for finding in verdict.findings):
        return NagiosStatus.WARNING
    if any(finding.code == "not-root" for finding in verdict.findings):
        return NagiosStatus.UNKNOWN
    return NagiosStatus.OK


def nagios_lines(verdict: Verdict) -> tuple[str, ...]:
    """Return the status line with performance data, and a line a finding."""
    counts = Counter(finding.severity for finding in verdict.findings)
    nodes = len(verdict.view.cluster.nodes) if verdict.view.cluster else 0
    performance = [
        f"errors={counts[Severity.ERROR]}",
        f"warnings={counts[Severity.WARNING]}",
    ]
    if sees_peers(verdict.view):
        performance.append(f"alive={alive_count(verdict.view)};;;0;{nodes}")
    # a bar begins the performance data, so none may be in the text
    text = verdict.summary.replace("|", "/")
    return (
        f"OVS {nagios_status(verdict).name} - {text} | {' '.join(performance)}",
        *(
            f"{each.severity.word.upper()} {each.code}: {each.text}".replace("|", "/")
            for each in verdict.findings
        ),
    )


def nagios_unknown(error: OvsError) -> Report:
    """Return the answer of a plugin that could not look."""
    text = f"OVS {NagiosStatus.UNKNOWN.name} - {error.what}".replace("|", "/")
    return Report((text, *error.evidence), {"error": error.what}, NagiosStatus.UNKNOWN)


def data(verdict: Verdict) -> dict[str, Any]:
    """Return the answer as data; its keys are stable."""
    view = verdict.view
    own = view.node
    root = view.mount_at(view.paths.cluster_root)
    return {
        "server": view.server,
        "healthy": verdict.is_healthy,
        "summary": verdict.summary,
        "master": view.acts_as_master,
        "cluster": view.cluster.name if view.cluster else None,
        "node_number": own.number if own else None,
        "fingerprint": own_fingerprint(view),
        "generation": view.record.generation if view.record else None,
        "findings": [
            {
                "code": each.code,
                "severity": each.severity.word,
                "text": each.text,
                "evidence": list(each.evidence),
                "hint": each.hint,
            }
            for each in verdict.findings
        ],
        "checks": [
            {"name": each.check.name, "status": each.status, "found": each.good}
            for each in verdict.outcomes
        ],
        "nodes": [
            {
                "name": node.name,
                "number": node.number,
                "ip_address": node.ip_address,
                "alive": None if view.live is None else node.number in view.live,
                "connected": is_connected(view, node.number),
            }
            for node in (view.cluster.nodes if view.cluster else ())
        ],
        "servers": [
            {
                "name": each.name,
                "healthy": None if each.problem else each.is_healthy,
                "summary": each.summary,
                "problem": each.problem,
            }
            for each in view.others
        ],
        "live_nodes": None if view.live is None else sorted(view.live),
        "connected_nodes": None if view.connected is None else sorted(view.connected),
        "cluster_root": {"mountpoint": root.mountpoint, "source": root.source} if root else None,
    }
