"""Carry out an operator's command on the pool: open it, plan, print or apply, answer.

The pool's own lock takes the place of this server's: a migration that is waited for must not
hold up other commands here.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from ..errors import RefusedError
from ..ha.operating.answer import Answer, Table
from ..ha.operating.carrying import carry_out
from ..ha.operating.session import Session, begin
from ..ha.operating.work import Work
from ..system.host import Host
from . import output, perform
from .options import Choices, Seconds

Function = TypeVar("Function", bound=Callable[..., Any])


def waiting(function: Function) -> Function:
    """Add the options of commands that wait for what they ask for."""
    limit = click.option(
        "--timeout",
        "limit_s",
        type=Seconds(min=0, min_open=True),
        metavar="S",
        help="Wait at most S seconds.",
    )
    no_wait = click.option(
        "--no-wait", "is_waiting", flag_value=False, default=True, help="Do not wait for the end."
    )
    return limit(no_wait(function))


def look(make_answer: Callable[[Session], Answer]) -> int:
    """Run a command that changes nothing; return the exit status."""
    return look_here(lambda host: make_answer(begin(host)))


def look_here(make_answer: Callable[[Host], Answer]) -> int:
    """Run a command that has something to say without a pool as well."""
    chosen = perform.choices()
    return answer(make_answer(perform.make_host(chosen)), chosen)


def change(make_work: Callable[[Session], Work], edits: bool = True) -> int:
    """Plan and carry out, or with --dry-run print; return the exit status.

    edits: it changes operator's files, or relies on them.
    """
    chosen = perform.choices()
    kept: set[int] = set()
    host = perform.make_host(chosen, lambda: frozenset(kept))
    session = begin(host, kept)
    if chosen.dry_run:
        return _preview(make_work(session), host, chosen)
    if not host.is_root():
        raise RefusedError("this needs root", f"effective user id {os.geteuid()}", hint="use sudo")
    wait_s = host.settings.limits.lock_wait_s if chosen.lock_wait is None else chosen.lock_wait
    return answer(carry_out(make_work, session, wait_s, edits), chosen)


def answer(found: Answer, chosen: Choices) -> int:
    """Print an answer; return its exit status."""
    if chosen.json:
        output.print_json({**found.data, "status": int(found.status)})
        return found.status
    for part in found.parts:
        if isinstance(part, Table):
            output.print_table(part.header, part.rows, part.styles or None)
        else:
            click.echo(part)
    return found.status


def _preview(work: Work, host: Host, chosen: Choices) -> int:
    for notice in work.notices:
        host.talk.notice(notice)
    if chosen.json:
        steps = [{"title": s.title, "change": s.change.preview()} for s in work.steps]
        output.print_json(
            {"dry_run": True, "steps": steps, "notices": list(work.notices), "status": 0}
        )
    else:
        click.echo(work.preview() if work.steps else "# nothing to do")
    return 0


def watch(answers: Iterator[Answer], is_live: bool) -> int:
    """Show answers as they come until Ctrl-C; not on a terminal, only those that differ."""
    chosen = perform.choices()
    try:
        if is_live and not chosen.json:
            output.show_live(_shown(found) for found in answers)
        else:
            _print_changes(answers, chosen)
    except KeyboardInterrupt:
        pass
    return 128 + signal.SIGINT


def _print_changes(answers: Iterator[Answer], chosen: Choices) -> None:
    before = None
    for found in answers:
        if found.parts != before:
            if before is not None and not chosen.json:
                click.echo("")
            before = found.parts
            answer(found, chosen)
            sys.stdout.flush()


def _shown(found: Answer) -> list[output.Shown]:
    return [
        (part.header, part.rows, part.styles) if isinstance(part, Table) else part
        for part in found.parts
    ]
