"""TryEach: every failure is named, and only what depends on one is left out."""

from __future__ import annotations

import pytest

from ovstools.errors import OvsError, RefusedError, ToolError
from ovstools.ops.attempts import Attempt, TryEach
from ovstools.ops.plan import Confirm, Step
from ovstools.system.host import Host
from tests.fakes.machine import FakeMachine


def step(done: list[str], name: str, error: OvsError | None = None) -> Step:
    def check(host: Host) -> None:
        if error:
            raise error
        done.append(name)

    return Step(name, Confirm(name, check))


def test_all_well(machine: FakeMachine) -> None:
    done: list[str] = []
    attempts = (Attempt("a", (step(done, "1"), step(done, "2"))), Attempt("b", (step(done, "3"),)))
    TryEach("done", attempts).apply(machine.host())
    assert done == ["1", "2", "3"]
    assert "1\n" in machine.said.getvalue()


@pytest.mark.parametrize(
    "error, kind",
    [(ToolError("broken", hint="mend"), ToolError), (RefusedError("no"), ToolError)],
)
def test_a_failure_stops_its_own_and_its_dependants(
    machine: FakeMachine, error: OvsError, kind: type[OvsError]
) -> None:
    done: list[str] = []
    attempts = (
        Attempt("a", (step(done, "1"), step(done, "2", error), step(done, "3"))),
        Attempt("b", (step(done, "4"),), needs="a"),
        Attempt("c", (step(done, "5"),)),
    )
    with pytest.raises(kind, match="2 of 3 could not be tried") as raised:
        TryEach("tried", attempts).apply(machine.host())
    assert done == ["1", "5"]
    assert type(raised.value) is kind
    assert raised.value.evidence[:2] == ("a:", f"  {error.what}")
    assert raised.value.evidence[-2:] == ("b:", "  not tried, because of a")


def test_refused_from_the_start_and_nothing_done(machine: FakeMachine) -> None:
    attempts = (
        Attempt("a", refused=RefusedError("no", "evidence", hint="way out")),
        Attempt("b", needs="a"),
    )
    change = TryEach("tried", attempts)
    with pytest.raises(RefusedError) as raised:
        change.apply(machine.host())
    assert raised.value.evidence[:4] == ("a:", "  no", "  evidence", "  hint: way out")
    assert "# a\n#   refused: no\n#   refused: evidence" in change.preview()
