"""cluster-check: check this server's part of the pool, and --alter-fstab before it.

White paper, "Enabling HA for the Server Pool": `ovs-cluster-check --master --alter-fstab`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..checks import registry
from ..checks.look import look as look_at
from ..errors import ExitStatus, OvsError, UsageError
from ..system.host import Host
from . import ask_servers, check_timing, master_role
from .check_report import Verdict, make_report, nagios_unknown
from .plan import Plan, Report, Table

if TYPE_CHECKING:
    from .propagate import Sending


@dataclass(frozen=True)
class Request:
    """The words of the command line."""

    master: bool = False
    alter_fstab: bool = False
    propagate: bool = False
    to_all: bool = False
    list_checks: bool = False
    explain: str | None = None
    timing: bool = False
    form: str = "table"
    strict: bool = False


def plan(host: Host, request: Request) -> Plan:
    """Plan --alter-fstab, then --propagate; the check looks when that is done."""
    from . import alter_fstab  # here: a check alone, every minute from cron, needs none of it

    _refuse_words(host, request)
    altered = alter_fstab.plan(host) if request.alter_fstab else Plan()
    if not request.propagate:
        return replace(altered, report_after=lambda host: _both(host, request, altered.report))
    if altered.steps:
        notices = (*altered.notices, *altered.report.lines, "it is propagated after that")
        return Plan(altered.steps, notices=notices, look_again=True)
    return _plan_propagation(host, request, altered)


def _plan_propagation(host: Host, request: Request, altered: Plan) -> Plan:
    from . import propagate

    steps, sending = propagate.plan_here(host)
    notices = (*altered.notices, *sending.notices)
    return Plan(steps, notices=notices,
                report_after=lambda host: _propagated(host, request, sending))  # fmt: skip


def _propagated(host: Host, request: Request, sending: Sending) -> Report:
    """Join what became of the propagation and what the check found; the worse status counts."""
    from . import propagate

    sent = propagate.report(host, sending, changed=True)
    checked = check(host, request)
    data = {**checked.data, "propagated": dict(sent.data)}
    if request.form == "nagios":
        return replace(checked, lines=(*checked.lines, *sent.lines), data=data)
    # one table: a row a server; what is wrong follows it
    return Report((*sent.lines, *checked.lines), data, sent.status or checked.status, sent.table)


def look(host: Host, request: Request) -> Report:
    """Check this server, or all; or answer --list-checks, --explain or --timing."""
    _refuse_words(host, request)
    if request.list_checks:
        return _list_checks()
    if request.explain is not None:
        return _explain(request.explain)
    if request.timing:
        return check_timing.report(host)
    return check(host, request)


def check(host: Host, request: Request) -> Report:
    """Run all checks and judge."""
    try:
        view = look_at(host, request.master)
        if request.to_all or (request.master and ask_servers.has_keys(host)):
            view = replace(view, others=ask_servers.ask(host, view))
    except OvsError as error:
        if request.form == "nagios":
            return nagios_unknown(error)
        raise
    verdict = Verdict(view, registry.run(view), request.strict)
    report = make_report(verdict, request.form, is_quiet=host.talk.level < 0)
    if request.to_all and not report.status and any(each.problem for each in view.others):
        return replace(report, status=ExitStatus.PARTIAL)
    return report


def _both(host: Host, request: Request, altered: Report) -> Report:
    """Join what --alter-fstab did and what the check found.

    The white paper runs --alter-fstab before anything else is set up: where there is no
    cluster.conf yet there is nothing to check, and that is no fault.
    """
    path = host.settings.paths.cluster_conf
    moved: dict[str, Any] = {"alter_fstab": dict(altered.data)}
    if host.read(path) is None and not request.master:
        line = f"not checked: this server is in no pool yet, there is no {path}"
        return replace(altered, lines=(*altered.lines, line), data={**moved, "healthy": None})
    checked = check(host, request)
    data = {**moved, **checked.data}
    if request.form == "nagios":
        return replace(checked, lines=(*checked.lines, *altered.lines), data=data)
    if checked.table is None:
        return replace(checked, lines=(*altered.lines, *checked.lines), data=data)
    # the table comes first: what was moved follows it, above the details and the summary
    return replace(checked, lines=("", *altered.lines, *checked.lines), data=data)


def _refuse_words(host: Host, request: Request) -> None:
    answers = [
        word
        for word, given in (
            ("--list-checks", request.list_checks),
            ("--explain", request.explain is not None),
            ("--timing", request.timing),
            ("--alter-fstab", request.alter_fstab or request.propagate),
        )
        if given
    ]
    if len(answers) > 1:
        raise UsageError(f"{answers[0]} goes without {' and '.join(answers[1:])}")
    if request.propagate and not request.master:
        raise UsageError(
            "--propagate goes with --master: the master's files are the pool's",
            hint="on the master: ovs-cluster-check --master --propagate",
        )
    if host.offline and (request.propagate or request.to_all):
        raise UsageError("--propagate and --all ask other servers; --root works on files alone")
    if request.master:
        master_role.refuse_other_master(host)


def _list_checks() -> Report:
    codes = registry.CODES.values()
    rows = tuple((each.code, each.severity.word, each.summary) for each in codes)
    data = {
        "codes": [
            {"code": each.code, "severity": each.severity.word, "summary": each.summary}
            for each in codes
        ]
    }
    return Report(data=data, table=Table(("CODE", "SEVERITY", "MEANS"), rows))


def _explain(word: str) -> Report:
    code = registry.CODES.get(word)
    if code is None:
        near = difflib.get_close_matches(word, registry.CODES)
        raise UsageError(
            f"there is no finding with the code {word!r}",
            *([f"did you mean: {', '.join(near)}"] if near else []),
            hint="ovs-cluster-check --list-checks",
        )
    data = {
        "code": code.code,
        "severity": code.severity.word,
        "summary": code.summary,
        "explanation": code.explanation,
    }
    return Report((f"{code.code} ({code.severity.word}): {code.summary}", code.explanation), data)
