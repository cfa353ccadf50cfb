"""The one door to the outside, with harmless real programs."""

from __future__ import annotations

import io
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from ovstools.errors import ExitStatus, RefusedError, ToolError
from ovstools.model.command import Command, Result
from ovstools.system.clock import Clock
from ovstools.system.runner import (
    ENVIRONMENT,
    EVIDENCE_LINES,
    LONGEST_PAUSE_S,
    Runner,
    ended_within,
    failed,
    find_program,
    missing,
    outlived,
)
from ovstools.system.talk import Talk

pytestmark = pytest.mark.processes


class Run(Protocol):
    def __call__(self, *words: str, **settings: object) -> Result: ...


@pytest.fixture(params=[True, False], ids=["changes", "looks"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return what runs a command that changes something, then one that only looks."""

    def run_(*words: str, **settings: object) -> Result:
        settings = {"changes": request.param, **settings}
        return Runner(Talk(-1)).run(Command(words, **settings))  # type: ignore[arg-type]

    return run_


@pytest.fixture
def sh(run: Run) -> Run:
    """Return what runs a line of shell."""
    return lambda *words, **settings: run("sh", "-c", *words, **settings)


# ---------------------------------------------------------------- what comes back


def test_returns_what_the_program_said(sh: Run) -> None:
    assert sh("echo out; echo err >&2") == Result(0, "out\n", "err\n")


def test_keeps_words_as_they_are(run: Run) -> None:
    words = ("a b", "*", "$HOME", "-x", "'\"", "\u00e9", "a\nb", "--x=y z")
    assert run("printf", "%s|", *words).stdout == "".join(f"{word}|" for word in words)


def test_bytes_that_are_no_text_do_not_stop_it(sh: Run) -> None:
    assert sh(r"printf 'a\377b'").stdout == "a\ufffdb"


def test_much_output_comes_whole(run: Run) -> None:
    found = run("seq", "20000")
    assert found.stdout.splitlines() == [str(number) for number in range(1, 20001)]


# ---------------------------------------------------------------- exit statuses


@pytest.mark.parametrize("status", [1, 3, 32, 255])
def test_a_status_that_is_ok(sh: Run, status: int) -> None:
    assert sh(f"exit {status}", ok=frozenset({0, status})).status == status


@pytest.mark.parametrize("status", [1, 3, 32, 255])
def test_a_status_that_is_not(sh: Run, status: int) -> None:
    with pytest.raises(ToolError) as caught:
        sh(f"echo said >&2; exit {status}", ok=frozenset({0, 2}))
    error = caught.value
    assert error.what == f"sh exited with status {status}"
    assert error.evidence == (f"sh -c 'echo said >&2; exit {status}'", "said")
    assert error.status == ExitStatus.TOOL_FAILED


def test_zero_may_be_a_failure_too(sh: Run) -> None:
    with pytest.raises(ToolError, match="exited with status 0"):
        sh("exit 0", ok=frozenset({1}))


@pytest.mark.parametrize("name", ["KILL", "TERM", "ABRT", "PIPE", "USR1"])
def test_a_signal_is_a_failure(sh: Run, name: str) -> None:
    with pytest.raises(ToolError) as caught:
        sh(f"echo last words >&2; kill -{name} $$", ok=frozenset(range(256)))
    assert caught.value.what == f"sh was ended by SIG{name}"
    assert caught.value.evidence[1:] == ("last words",)


def test_a_lost_terminal_does_not_stop_a_change(sh: Run) -> None:
    assert sh("kill -HUP $$; echo goes on", changes=True).stdout == "goes on\n"


@pytest.mark.parametrize(
    "result, evidence",
    [
        (Result(1, "out", "err"), ("err",)),
        (Result(1, "out", ""), ("out",)),
        (Result(1, "", "a\n\n  \nb\n"), ("a", "b")),
        (Result(1, "", ""), ()),
        (
            Result(1, "", "\n".join(map(str, range(20)))),
            tuple(map(str, range(20 - EVIDENCE_LINES, 20))),
        ),
    ],
)
def test_evidence_is_the_last_lines(result: Result, evidence: tuple[str, ...]) -> None:
    error = failed(Command(("mkfs.ocfs2", "/dev/a b")), result)
    assert error.evidence == ("mkfs.ocfs2 '/dev/a b'", *evidence)


# ---------------------------------------------------------------- what the program gets


def test_the_environment_is_built(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("SECRET", "x")
    found = dict(line.split("=", 1) for line in run("env").stdout.splitlines())
    assert found == ENVIRONMENT
    assert found["LC_ALL"] == "C"


def test_nothing_is_a_terminal(sh: Run) -> None:
    script = "for fd in 0 1 2; do test -t $fd && echo $fd; done; exit 0"
    assert sh(script) == Result(0, "", "")


def test_standard_input_is_empty_unless_given(run: Run) -> None:
    assert run("cat").stdout == ""
    assert run("cat", input="secret\n").stdout == "secret\n"


def test_only_inherited_descriptors_reach_it(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as given, (tmp_path / "other").open("w") as other:
        os.set_inheritable(other.fileno(), True)
        runner = Runner(Talk(-1), lambda: frozenset({given.fileno()}))
        open_files = runner.run(Command(("ls", "-l", "/proc/self/fd"))).stdout
        assert not os.get_inheritable(given.fileno()), "for nobody else"
    assert str(tmp_path / "lock") in open_files
    assert str(tmp_path / "other") not in open_files


def test_verbose_names_the_command() -> None:
    said = io.StringIO()
    Runner(Talk(1, said)).run(Command(("echo", "a b")))
    assert said.getvalue() == "ovstools: echo 'a b'\n"


# ---------------------------------------------------------------- programs


def test_a_missing_program_is_refused_with_its_package(run: Run) -> None:
    with pytest.raises(RefusedError) as caught:
        run("ovstools-no-such-program")
    assert caught.value.what == "ovstools-no-such-program is not installed"
    assert "apt-get install ocfs2-tools" in missing("mkfs.ocfs2").hint
    assert missing("x").hint == "install it"


def test_programs_are_found_whatever_the_callers_path_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = find_program("sh")
    assert found is not None and found.endswith("/sh")


def test_an_absolute_path_must_be_a_program(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert find_program(str(file)) is None
    assert find_program(str(tmp_path)) is None
    assert find_program("/bin/sh") == "/bin/sh"


@pytest.mark.parametrize("text", ["#!/no/such/interpreter\n", "no program\n"])
def test_a_program_that_cannot_be_started(run: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "program"
    file.write_text(text)
    file.chmod(0o755)
    with pytest.raises(ToolError) as caught:
        run(str(file))
    assert caught.value.what == f"{file} cannot be started"
    assert "Error: [Errno" in caught.value.evidence[1]


# ---------------------------------------------------------------- time limits


def test_a_program_that_outlives_its_limit_is_killed(sh: Run, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ToolError) as caught:
        sh(f"trap '' TERM INT; echo $$ > {tmp_path}/pid; exec sleep 60", timeout_s=2)
    assert caught.value.what == "sh did not end within 2 s and was killed"
    assert "dmesg" in caught.value.hint
    assert time.monotonic() - started < 30
    pid = (tmp_path / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


def test_what_a_program_leaves_in_the_background_does_not_hold_us(sh: Run, tmp_path: Path) -> None:
    """A daemon that keeps its starter's standard output open."""
    started = time.monotonic()
    assert sh(f"sleep 60 & echo $! > {tmp_path}/pid; echo done").stdout == "done\n"
    assert time.monotonic() - started < 30
    os.kill(int((tmp_path / "pid").read_text()), 9)


class FakeClock(Clock):
    """A clock that notes how long it was slept by."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the sum."""
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        """Note it."""
        self.slept.append(seconds)


@dataclass
class FakeRunning:
    """A program that looks alive so many times; None: for ever."""

    looks: int | None
    killed: list[bool] = field(default_factory=list)

    def is_alive(self) -> bool:
        """Tell whether there are looks left."""
        if self.looks is None:
            return True
        self.looks -= 1
        return self.looks >= 0

    def kill(self) -> None:
        """Note it."""
        self.killed.append(True)


def test_looks_soon_and_then_less_often() -> None:
    clock = FakeClock()
    assert ended_within(FakeRunning(0), 5, clock) and clock.slept == []
    assert ended_within(FakeRunning(20), 5, clock)
    assert clock.slept[0] < 0.01
    assert clock.slept == sorted(clock.slept)
    assert max(clock.slept) == LONGEST_PAUSE_S


def test_waits_exactly_as_long_as_it_may() -> None:
    clock = FakeClock()
    assert not ended_within(FakeRunning(None), 5, clock)
    assert clock.monotonic() == pytest.approx(5)


def test_a_program_that_cannot_be_killed_does_not_hold_us() -> None:
    """As one in uninterruptible sleep on dead storage: no signal ends it."""
    clock = FakeClock()
    running = FakeRunning(None)
    error = outlived(Command(("umount", "/OVS"), timeout_s=7), running, clock)
    assert error.what == "umount did not end within 7 s and cannot even be killed"
    assert running.killed == [True]
    assert clock.monotonic() < 5
