"""A plan is data: steps in order, each one change and the sentence that names it.

`--dry-run` prints a plan, tests compare plans, and apply() carries one out. Between two steps
the machine is in a state from which the same command, run again, finishes the job.
"""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Protocol

from ..errors import ExitStatus, RefusedError, ToolError
from ..model.command import Command
from ..system import files
from ..system.host import Host


class Change(Protocol):
    """One change to the machine, as data."""

    def preview(self) -> str:
        """Return the exact command, or a unified diff, or what is checked."""

    def preflight(self, host: Host) -> None:
        """Raise RefusedError when it is plain now that apply would fail."""

    def apply(self, host: Host) -> None:
        """Do it."""


@dataclass(frozen=True)
class Run:
    """Run a program."""

    command: Command

    def preview(self) -> str:
        """Return the command line."""
        return self.command.shell()

    def preflight(self, host: Host) -> None:
        """Leave it to the runner: a program may come with an earlier step."""

    def apply(self, host: Host) -> None:
        """Run it."""
        host.run(self.command)


@dataclass(frozen=True)
class Edit:
    """Replace a file; before is None for a new one, after is None for one to remove."""

    path: str
    before: str | None
    after: str | None
    mode: int = 0o644

    def preview(self) -> str:
        """Return a unified diff."""
        import difflib  # here: it is for people who look at a plan

        lines = difflib.unified_diff(
            list(io.StringIO(self.before or "")),  # splitlines() would cut at form feeds too
            list(io.StringIO(self.after or "")),
            "/dev/null" if self.before is None else self.path,
            "/dev/null" if self.after is None else self.path,
        )
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        ).rstrip("\n")

    def preflight(self, host: Host) -> None:
        """Refuse when the folder cannot take a file (full, read-only)."""
        files.probe(host.file(self.path).parent)

    def apply(self, host: Host) -> None:
        """Write it, or remove it."""
        if self.after is not None:
            files.replace(host.file(self.path), self.after, self.before, self.mode)
        elif self.before is not None:
            files.remove(host.path(self.path), self.before)


@dataclass(frozen=True)
class MakeDirectory:
    """Make a directory and its parents."""

    path: str
    mode: int = 0o755

    def preview(self) -> str:
        """Return the command that would do it."""
        return shlex.join(["mkdir", "-p", "-m", f"{self.mode:o}", self.path])

    def preflight(self, host: Host) -> None:
        """Nothing is known before the file system is mounted."""

    def apply(self, host: Host) -> None:
        """Make it, durably."""
        path = host.path(self.path)
        try:
            files.make_folder(path, self.mode)
        except OSError as error:
            raise files.cannot_write(path, error) from error


@dataclass(frozen=True)
class MakeLink:
    """Make a symbolic link."""

    path: str
    target: str

    def preview(self) -> str:
        """Return the command that would do it."""
        return shlex.join(["ln", "-s", self.target, self.path])

    def preflight(self, host: Host) -> None:
        """Refuse when the folder cannot take a file."""
        files.probe(host.path(self.path).parent)

    def apply(self, host: Host) -> None:
        """Make it."""
        path = host.path(self.path)
        try:
            files.make_folder(path.parent)
            os.symlink(self.target, path)
        except OSError as error:
            raise files.cannot_write(path, error) from error
        files.sync_folder(path.parent)


@dataclass(frozen=True)
class Confirm:
    """Look whether a step had its effect: exit statuses of o2cb and mount.ocfs2 do not tell.

    check raises an OvsError when it had not. Two are equal when they ask the same.
    """

    question: str
    check: Callable[[Host], None] = field(compare=False)

    def preview(self) -> str:
        """Return the question, as a comment."""
        return f"# verify: {self.question}"

    def preflight(self, host: Host) -> None:
        """Nothing to look at yet."""

    def apply(self, host: Host) -> None:
        """Look."""
        self.check(host)


@dataclass(frozen=True)
class Step:
    """One change and the sentence that names it on screen and in the log."""

    title: str
    change: Change


@dataclass(frozen=True)
class Table:
    """Rows under a header; styles: rich's name of one for each row, used on a terminal."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    styles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a command answers: a table and lines for a person, data for --json, an exit status.

    The status is an ExitStatus, except where monitoring plugins have statuses of their own.
    """

    lines: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    status: int = ExitStatus.OK
    table: Table | None = None


@dataclass(frozen=True)
class Plan:
    """Ordered changes, what to say first, and what to answer at the end.

    look_again: what follows depends on what these steps bring (a volume that another server
    formats): plan once more when they are done.
    report_after: makes the report from what the machine is when all steps are done.
    """

    steps: tuple[Step, ...] = ()
    report: Report = field(default_factory=Report)
    notices: tuple[str, ...] = ()
    look_again: bool = False
    report_after: Callable[[Host], Report] | None = field(default=None, compare=False)

    def preview(self) -> str:
        """Return the plan as a shell script's reader would like it."""
        return "\n".join(f"# {step.title}\n{step.change.preview()}" for step in self.steps)


def edit_step(
    title: str, path: str, before: str | None, after: str, mode: int = 0o644
) -> list[Step]:
    """Return the step that brings a file to its new text; none when it is so already."""
    return [] if before == after else [Step(title, Edit(path, before, after, mode))]


def folder_of(path: str) -> str:
    """Return the folder that a path is in."""
    return str(PurePosixPath(path).parent)


def apply(plan: Plan, host: Host) -> None:
    """Carry out a plan.

    Raises what a step raises; a refusal after the first change becomes a ToolError, for
    then it is not true any more that nothing was changed.
    """
    for step in plan.steps:
        step.change.preflight(host)
    done: list[str] = []
    for step in plan.steps:
        host.talk.notice(step.title)
        try:
            step.change.apply(host)
        except RefusedError as error:
            if not done:
                raise
            raise ToolError(
                f"{step.title}: {error.what}",
                *error.evidence,
                f"done before: {'; '.join(done)}",
                hint=error.hint or "mend it and run the command again: it goes on from here",
            ) from error
        if not isinstance(step.change, Confirm):
            done.append(step.title)
