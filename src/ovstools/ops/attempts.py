"""Several jobs in one plan: the failure of one does not keep the others from being tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import OvsError, RefusedError, ToolError
from ..system.host import Host
from .plan import Step


@dataclass(frozen=True)
class Attempt:
    """One job: its steps, or why it was refused before it began.

    needs: the name of a job that must have succeeded.
    """

    name: str
    steps: tuple[Step, ...] = ()
    needs: str | None = None
    refused: OvsError | None = field(default=None, compare=False)


@dataclass(frozen=True)
class TryEach:
    """Carry out each attempt; what says how the failures are summed up ("mounted")."""

    done: str
    attempts: tuple[Attempt, ...]

    def preview(self) -> str:
        """Return the steps of all attempts, and the refusals as comments."""
        lines = []
        for attempt in self.attempts:
            lines.append(f"# {attempt.name}")
            if attempt.refused:
                lines += [f"#   refused: {line}" for line in told(attempt.refused)]
            lines += [f"# {step.title}\n{step.change.preview()}" for step in attempt.steps]
        return "\n".join(lines)

    def preflight(self, host: Host) -> None:
        """Leave it to each attempt: one that cannot work does not stop the others."""

    def apply(self, host: Host) -> None:
        """Try each; raise one error that names every failure.

        It is a RefusedError when nothing at all was changed.
        """
        failures: dict[str, OvsError] = {}
        changed = False
        for attempt in self.attempts:
            try:
                for _ in self._carried_out(host, attempt, failures):
                    changed = True
            except OvsError as error:
                failures[attempt.name] = error
        if failures:
            raise self._failed(failures, changed)

    def _carried_out(
        self, host: Host, attempt: Attempt, failures: dict[str, OvsError]
    ) -> Iterator[Step]:
        if attempt.refused:
            raise attempt.refused
        if attempt.needs in failures:
            raise RefusedError(f"not tried, because of {attempt.needs}")
        for step in attempt.steps:
            step.change.preflight(host)
        for step in attempt.steps:
            host.talk.notice(step.title)
            step.change.apply(host)
            yield step

    def _failed(self, failures: dict[str, OvsError], changed: bool) -> OvsError:
        kind = ToolError if changed or any(not _refused(e) for e in failures.values()) else None
        return (kind or RefusedError)(
            f"{len(failures)} of {len(self.attempts)} could not be {self.done}",
            *(
                line
                for name, error in failures.items()
                for line in (f"{name}:", *(f"  {line}" for line in told(error)))
            ),
            hint="mend it and run the command again: it goes on from here",
        )


def told(error: OvsError) -> list[str]:
    """Return an error as lines: what, evidence, way out."""
    hint = [f"hint: {line}" for line in error.hint.splitlines()]
    return [error.what, *error.evidence, *hint]


def _refused(error: OvsError) -> bool:
    return isinstance(error, RefusedError)
