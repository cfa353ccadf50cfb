"""A change to the pool as data: stages of steps, which --dry-run prints and apply() carries out.

The local plan's counterpart (ops/plan.py): the steps of a stage that edits operator's files run
under locks/config, for the whole pool; other stages may take long, and hold up nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ...errors import RefusedError, ToolError
from .answer import Answer
from .session import Session


class Change(Protocol):
    """One change, as data."""

    def preview(self) -> str:
        """Return a unified diff, the exact command, or what is asked or waited for."""

    def apply(self, session: Session) -> None:
        """Do it."""


@dataclass(frozen=True)
class Step:
    """One change and the sentence that names it."""

    title: str
    change: Change


@dataclass(frozen=True)
class Stage:
    """Steps in order; edits: they change operator's files.

    locks: guests whose lock is held meanwhile, so that nobody starts them. undo: what takes the
    stages before back when this one refuses; edits of operator's files.
    """

    steps: tuple[Step, ...]
    edits: bool = False
    locks: tuple[str, ...] = ()
    undo: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Work:
    """What a command does, and what it answers in the end.

    The first stage is planned under locks/config when it edits; later ones find out under the
    lock whether what they were planned on still holds.
    """

    stages: tuple[Stage, ...] = ()
    answer: Answer = field(default_factory=Answer)
    notices: tuple[str, ...] = ()
    finish: Callable[[Session], Answer] | None = field(default=None, compare=False)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps of all stages."""
        return tuple(step for stage in self.stages for step in stage.steps)

    def preview(self) -> str:
        """Return all steps as a person would like to read them."""
        return "\n".join(f"# {step.title}\n{step.change.preview()}" for step in self.steps)


def apply(stage: Stage, session: Session, done: list[str]) -> None:
    """Carry out a stage; done: titles of what was changed before, and is afterwards.

    A refusal after the first change becomes a ToolError: it is not true then that nothing was
    changed.
    """
    for step in stage.steps:
        session.host.talk.notice(step.title)
        try:
            step.change.apply(session)
        except RefusedError as error:
            if not done:
                raise
            raise ToolError(
                f"{step.title}: {error.what}",
                *error.evidence,
                f"done before: {'; '.join(done)}",
                hint=error.hint or "mend it and run the command again: it goes on from here",
            ) from error
        if not isinstance(step.change, Check):
            done.append(step.title)


@dataclass(frozen=True)
class Check:
    """Look whether something is so; the check raises an OvsError when it is not."""

    question: str
    check: Callable[[Session], None] = field(compare=False)

    def preview(self) -> str:
        """Return the question, as a comment."""
        return f"# verify: {self.question}"

    def apply(self, session: Session) -> None:
        """Look."""
        self.check(session)
