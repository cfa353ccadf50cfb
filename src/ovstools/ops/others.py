"""Ask the pool's other servers something, all at once, and read what their ovstools answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import ExitStatus
from ..model.command import Command, Result
from ..system import ssh
from ..system.host import Host
from ..system.program import NOT_INSTALLED, TIMED_OUT
from ..system.runner import last_lines

#: statuses with which ovstools answers in JSON all the same
ANSWERS = frozenset({ExitStatus.OK, ExitStatus.UNHEALTHY})


@dataclass(frozen=True)
class Answered:
    """What a server said; problem: why that is no good answer, empty when it is."""

    server: str
    data: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    hint: str = ""


def ask_all(host: Host, commands: Mapping[str, Command]) -> tuple[Answered, ...]:
    """Run a command for each server, side by side; return what each answered."""
    results = host.runner.run_together(tuple(commands.values()))
    return tuple(read(server, result) for server, result in zip(commands, results))


def read(server: str, result: Result) -> Answered:
    """Read what `ovstools ... --json` printed there."""
    if result.status == ssh.NO_CONNECTION and not result.stdout.strip():
        said = _last(result.stderr)
        return Answered(server, problem=f"cannot be reached: {said}", hint=_way_in(server, said))
    if result.status in (TIMED_OUT, NOT_INSTALLED) and not result.stdout.strip():
        missing = "ovstools" in result.stderr or result.status == NOT_INSTALLED
        hint = "install ovstools there, of the same version" if "env:" in result.stderr else ""
        said = _last(result.stderr) if missing else "no answer in time"
        return Answered(server, problem=said, hint=hint)
    data = _json(result.stdout)
    if data is None:
        said = _last(result.stderr) or f"exit status {result.status}"
        hint = "is the same version of ovstools there? ovstools --version"
        return Answered(server, problem=f"did not answer as expected: {said}", hint=hint)
    if result.status not in ANSWERS or "error" in data:
        evidence = [str(each) for each in data.get("evidence") or ()]
        what = "; ".join([str(data.get("error", f"exit status {result.status}")), *evidence])
        return Answered(server, data, what, str(data.get("hint", "")))
    return Answered(server, data)


def problem_lines(answers: Iterable[Answered], doing: str) -> tuple[str, ...]:
    """Return what is to be said of those that gave no good answer, with the way out."""
    lines: list[str] = []
    for each in answers:
        if each.problem:
            lines.append(f"{each.server}: {doing}: {each.problem}")
            lines += [f"  hint: {line}" for line in each.hint.splitlines()]
    return tuple(lines)


def failed(answers: Sequence[Answered]) -> tuple[str, ...]:
    """Return the servers that gave no good answer."""
    return tuple(each.server for each in answers if each.problem)


def _last(text: str) -> str:
    return "".join(last_lines(text)[-1:]).strip()


def _way_in(server: str, said: str) -> str:
    if "Permission denied" in said:
        return (
            f"let root of this server log in there: ssh-copy-id root@{server}\n"
            "once it is in the pool: ovstools ssh-setup (there, then here)"
        )
    if "Host key verification failed" in said:
        return f"compare its host key, and accept it once by hand: ssh root@{server}"
    return "when it is back, run this command again"


def _json(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
