"""Programs beside a loop: output into memory, ends and deadlines without waiting."""

from __future__ import annotations

import os
import select
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ovstools.model.command import Command, Result
from ovstools.system.child import Pending
from ovstools.system.clock import Clock
from ovstools.system.program import NOT_INSTALLED, TIMED_OUT, Listener, Program, run_all

pytestmark = pytest.mark.processes


def wait(job: Any) -> Any:
    while isinstance(found := job.poll(), Pending):
        select.select([job], [], [], job.remaining_s())
    return found


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (Command(("true",)), Result(0)),
        (Command(("sh", "-c", "echo out; echo err >&2; exit 3")), Result(3, "out\n", "err\n")),
        (Command(("cat",), input="given"), Result(0, "given")),
        (Command(("sh", "-c", "kill -9 $$")), Result(137)),
        (
            Command(
                ("sh", "-c", "printf '%s' $MARK"),
            ),
            Result(0, "here"),
        ),
        (
            Command(("no-such-program",)),
            Result(NOT_INSTALLED, "", "no-such-program is not installed"),
        ),
    ],
)
def test_a_result(command: Command, expected: Result) -> None:
    assert wait(Program(command, Clock(), {"MARK": "here"})) == expected


def test_past_its_deadline_it_is_killed_and_what_it_said_is_kept() -> None:
    command = Command(("sh", "-c", "echo begun; exec sleep 100"), timeout_s=2)
    found = wait(Program(command, Clock()))
    assert (found.status, found.stdout) == (TIMED_OUT, "begun\n")
    assert "did not end within 2 s" in found.stderr


def test_all_side_by_side_and_each_with_its_own_deadline() -> None:
    """The first waits for a file that the second makes, so one after the other it would hang."""
    commands = [
        Command(("sh", "-c", "read word < $0/pipe; echo $word", "{folder}"), timeout_s=20),
        Command(("sh", "-c", "echo second > $0/pipe", "{folder}"), timeout_s=20),
        Command(("sleep", "100"), timeout_s=0.2),
        Command(("no-such-program",)),
        Command(("sh", "-c", "exit 7"), ok=frozenset({0})),
    ]
    with tempfile.TemporaryDirectory() as folder:
        os.mkfifo(f"{folder}/pipe")
        found = run_all(
            [replace(c, argv=tuple(w.format(folder=folder) for w in c.argv)) for c in commands],
            Clock(),
            at_once=4,
        )
    assert found[:2] == (Result(0, "second\n"), Result(0))
    assert [each.status for each in found[2:]] == [TIMED_OUT, NOT_INSTALLED, 7]


def listen(script: str, heard: Callable[[], None]) -> Result:
    found: Result = wait(Listener(Command(("sh", "-c", script)), heard))
    return found


def test_a_listener_tells_of_words_and_of_its_end(tmp_path: Path) -> None:
    """The program says its second word when the first was heard."""
    words: list[int] = []

    def heard() -> None:
        words.append(1)
        if len(words) == 1:
            (tmp_path / "pipe").write_text("go on\n")

    os.mkfifo(tmp_path / "pipe")
    assert listen(f"echo a; read _ <{tmp_path}/pipe; echo b", heard) == Result(0)
    assert len(words) == 2


def test_a_listener_can_be_stopped() -> None:
    listener = Listener(Command(("sleep", "100")), lambda: None)
    assert listener.poll() == Pending()
    listener.stop()
    assert wait(listener) == Result(0)


def test_a_listener_that_is_not_installed_ends_at_once() -> None:
    assert wait(Listener(Command(("no-such-program",)), lambda: None)) == Result(0)
