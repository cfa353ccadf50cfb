"""What `simulate` answers: files run, or random schedules tried, as lines and as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import ExitStatus, RefusedError, UsageError
from ..observation import Decision
from ..report import Report
from ..rules import Rules
from .outcome import Outcome
from .parse import parse_scenarios
from .run import run
from .scenario import Scenario
from .schedules import parsed, schedule

#: details of an event that its line shows
_SHOWN = ("node", "guest", "epoch", "source", "mode", "how", "text", "proofs")
#: ranges that a schedule may be drawn from
NODES, GUESTS = (1, 32), (1, 1000)


@dataclass(frozen=True)
class Answer:
    """Lines for people, data for programs, and the exit status."""

    lines: tuple[str, ...]
    data: dict[str, Any] = field(default_factory=dict)
    status: int = ExitStatus.OK


def read(files: Iterable[str]) -> Iterator[Scenario]:
    """Read scenario files. Raises RefusedError when one cannot be read."""
    for name in files:
        try:
            text = Path(name).read_text()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise RefusedError(f"cannot read {name}: {why}") from error
        yield from parse_scenarios(text, name)


def run_files(files: Iterable[str], trace: bool = False) -> Answer:
    """Run all scenarios; the first breach of each that fails is named."""
    lines: list[str] = []
    outcomes = []
    for scenario in list(read(files)):
        tracer = Tracer() if trace else None
        outcome = run(scenario, trace=tracer)
        outcomes.append(outcome)
        lines += [f"{scenario.name}: {'passed' if outcome.passed else 'FAILED'}"]
        lines += [f"  {text}" for text in outcome.breaches]
        if tracer is not None:
            lines += tracer.lines(outcome)
    failed = [each for each in outcomes if not each.passed]
    lines.append(f"{len(outcomes)} scenarios, {len(failed)} failed")
    data: dict[str, Any] = {"passed": not failed, "scenarios": [each.data() for each in outcomes]}
    if len(outcomes) == 1:
        data = {**outcomes[0].data(), **data}
    return Answer(tuple(lines), data, ExitStatus.UNHEALTHY if failed else ExitStatus.OK)


def run_random(
    count: int,
    seed: str,
    nodes: tuple[int, int],
    guests: tuple[int, int],
    rules: Rules | None = None,
) -> Answer:
    """Try schedules until one breaches an invariant; its file is part of the answer."""
    for index in range(count):
        data = schedule(seed, index, nodes, guests)
        outcome = run(parsed(data), rules)
        if not outcome.passed:
            text = as_file({**data, "proves": outcome.breaches[0]})
            lines = [f"# seed {seed}, schedule {index}: {outcome.breaches[0]}"]
            found = {"seed": seed, "schedules": index + 1, **outcome.data(), "file": text}
            return Answer((*lines, *text.splitlines()), found, ExitStatus.UNHEALTHY)
    line = f"{count} schedules without a breach, seed {seed}"
    return Answer((line,), {"seed": seed, "schedules": count, "passed": True, "breaches": []})


def as_file(scenario: dict[str, Any]) -> str:
    """Return a scenario as the text of a file that replays it."""
    import yaml  # slow to load

    return str(yaml.safe_dump(scenario, sort_keys=False, width=100))


def parse_range(word: str, option: str, limits: tuple[int, int]) -> tuple[int, int]:
    """Read `N` or `N..M`."""
    first, dots, last = word.partition("..")
    try:
        least, most = int(first), int(last if dots else first)
    except ValueError:
        least, most = 0, -1
    if not limits[0] <= least <= most <= limits[1]:
        raise UsageError(
            f"{option}: expected N or N..M from {limits[0]} to {limits[1]}, found {word!r}"
        )
    return least, most


class Tracer:
    """Collects what the agents decided."""

    def __init__(self) -> None:
        self._found: list[tuple[float, str]] = []

    def __call__(self, now: float, node: str, decision: Decision) -> None:
        """Note one decision."""
        words = ", ".join(_word(issued.action) for issued in decision.actions)
        self._found.append((now, f"  {now:9.2f}  {node}: {decision.sentence}: {words or '-'}"))

    def lines(self, outcome: Outcome) -> list[str]:
        """Return events and decisions in the order of time."""
        events = [
            (event["t"], f"  {event['t']:9.2f}  * {event['event']} {_details(event)}")
            for event in outcome.events
        ]
        return [text for _, text in sorted([*events, *self._found], key=lambda item: item[0])]


def _details(event: dict[str, Any]) -> str:
    values = [event[key] for key in _SHOWN if event.get(key) is not None]
    return " ".join(", ".join(v) if isinstance(v, list) else str(v) for v in values)


def _word(action: Any) -> str:
    name = type(action).__name__
    values = [
        str(value)
        for value in action
        if isinstance(value, (str, int, float)) and not isinstance(value, Report)
    ]
    return " ".join([name, *values])
