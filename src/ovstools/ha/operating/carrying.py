"""Carry out work: plan and edit under locks/config, then whatever takes longer without it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from ...errors import RefusedError
from . import guest_locks
from .answer import Answer
from .edits import locked
from .session import Session
from .work import Stage, Work, apply


def carry_out(
    make_work: Callable[[Session], Work], session: Session, wait_s: float, edits: bool
) -> Answer:
    """Plan and do; edits: the plan rests on operator's files, which nobody changes meanwhile.

    wait_s: how long to wait for another command that changes the pool.
    """
    done: list[str] = []
    with locked(session, wait_s) if edits else contextlib.nullcontext():
        work = make_work(session)
        for notice in work.notices:
            session.host.talk.notice(notice)
        later = list(work.stages)
        while edits and later and later[0].edits:
            _apply(later.pop(0), session, done)
    for stage in later:
        try:
            with locked(session, wait_s) if stage.edits else contextlib.nullcontext():
                _apply(stage, session, [] if stage.undo else done)
        except RefusedError:
            if not stage.undo:
                raise
            with locked(session, wait_s):
                apply(Stage(stage.undo, edits=True), session, done)
            raise
    return work.finish(session) if work.finish else work.answer


def _apply(stage: Stage, session: Session, done: list[str]) -> None:
    with guest_locks.held(session, stage.locks):
        apply(stage, session, done)
