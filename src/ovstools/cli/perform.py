"""Carry out what a command decided: build the host, take the lock, plan, print or apply, answer."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from .. import settings as settings_module
from ..errors import RefusedError, ToolError
from ..ha.kept_locks import KeptLocks
from ..ops.plan import Confirm, Plan, Report, apply
from ..system import lock
from ..system.host import Host
from ..system.runner import Runner
from ..system.talk import Talk
from . import output
from .options import Choices

LOCK_FILE = "ovstools.lock"


def choices() -> Choices:
    """Return what the common options said."""
    return click.get_current_context().find_root().ensure_object(Choices)


def make_host(chosen: Choices, inherited: Callable[[], frozenset[int]] = frozenset) -> Host:
    """Return the machine that the command works on."""
    if chosen.make_host is not None:
        host: Host = chosen.make_host(chosen)
        return host
    root = Path(chosen.root or "/")
    talk = Talk(chosen.level)
    settings = settings_module.load(root)
    if chosen.root is not None:
        return Host(Runner(talk, inherited), talk, settings=settings, root=root, offline=True)
    keeper = KeptLocks(settings.paths.run, settings.limits.umount_s)
    return Host(Runner(talk, inherited), talk, settings=settings, root=root, keeper=keeper)


def change(
    make_plan: Callable[[Host], Plan], is_idle: Callable[[Host], bool] = lambda host: False
) -> int:
    """Plan and carry out, or with --dry-run print; return the exit status.

    is_idle: tell that there is nothing to do. Then the lock is not needed: systemd's start of
    a unit, asked for by the ovstools that holds the lock, must not wait for it.
    """
    chosen = choices()
    descriptors: set[int] = set()
    host = make_host(chosen, lambda: frozenset(descriptors))
    if chosen.dry_run:
        return _preview(make_plan(host), host, chosen)
    if not host.offline and not host.is_root():
        raise RefusedError("this needs root", f"effective user id {os.geteuid()}", hint="use sudo")
    if is_idle(host) and not (plan := make_plan(host)).steps:
        for notice in plan.notices:
            host.talk.notice(notice)
        return answer(plan.report, chosen)
    with _locked(host, chosen, descriptors):
        plan = _carried_out(make_plan, host)
        changed = False
        while plan.look_again:
            changed = changed or any(not isinstance(each.change, Confirm) for each in plan.steps)
            try:
                plan = _carried_out(make_plan, host)
            except RefusedError as error:
                if not changed:
                    raise
                raise ToolError(error.what, *error.evidence, hint=error.hint) from error
        report = plan.report_after(host) if plan.report_after else plan.report
        return answer(report, chosen)


def _carried_out(make_plan: Callable[[Host], Plan], host: Host) -> Plan:
    plan = make_plan(host)
    for notice in plan.notices:
        host.talk.notice(notice)
    apply(plan, host)
    return plan


def look(make_report: Callable[[Host], Report]) -> int:
    """Run a command that changes nothing; return the exit status."""
    chosen = choices()
    return answer(make_report(make_host(chosen)), chosen)


def answer(report: Report, chosen: Choices) -> int:
    """Print an answer; return its exit status."""
    if chosen.json:
        output.print_json({**report.data, "status": int(report.status)})
    else:
        if report.table:
            output.print_table(report.table.header, report.table.rows, report.table.styles)
        for line in report.lines:
            click.echo(line)
    return report.status


def ask(question: str) -> bool:
    """Ask a person at the terminal; False where there is none, and with --dry-run."""
    if choices().dry_run or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm(question, default=False, err=True)


def _preview(plan: Plan, host: Host, chosen: Choices) -> int:
    for notice in plan.notices:
        host.talk.notice(notice)
    if chosen.json:
        steps = [{"title": s.title, "change": s.change.preview()} for s in plan.steps]
        output.print_json(
            {"dry_run": True, "steps": steps, "notices": list(plan.notices), "status": 0}
        )
    elif plan.steps:
        click.echo(plan.preview())
    else:
        click.echo("# nothing to do")
    return 0


@contextlib.contextmanager
def _locked(host: Host, chosen: Choices, descriptors: set[int]) -> Iterator[None]:
    wait_s = host.settings.limits.lock_wait_s if chosen.lock_wait is None else chosen.lock_wait
    path = host.path(f"{host.settings.paths.run}/{LOCK_FILE}")
    with lock.held(path, chosen.words, wait_s, host.clock) as descriptor:
        descriptors.add(descriptor)
        try:
            yield
        finally:
            descriptors.discard(descriptor)
