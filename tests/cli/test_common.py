"""What every command line does: common options, errors, signals, exit statuses."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest

from ovstools import __version__
from ovstools.cli import main, perform
from ovstools.cli.options import Choices, common
from ovstools.errors import BusyError, ExitStatus, OvsError, PartialError, RefusedError, UsageError
from ovstools.ops.plan import MakeDirectory, Plan, Report, Step, Table
from ovstools.settings import Limits, Settings
from ovstools.system import lock
from ovstools.system.clock import Clock
from ovstools.system.host import Host
from tests.cli.conftest import Answer, Shell
from tests.fakes.machine import FakeMachine

PLAN = Plan(
    (Step("make the folder", MakeDirectory("/srv/x")),),
    Report(("made",), {"made": True}),
    ("a notice",),
)


def run_function(
    capsys: pytest.CaptureFixture[str],
    machine: FakeMachine,
    function: Callable[[], int | None],
    *words: str,
) -> Answer:
    """Run a command that calls function."""
    command = click.command("trial")(common()(function))

    def make_host(chosen: Choices) -> Host:
        return machine.host(chosen.root is not None)

    status = main.run(command, "ovs-trial", list(words), make_host)
    return Answer(int(status), *capsys.readouterr())


def raising(error: BaseException) -> Callable[[], int]:
    """Return a command's function that fails."""

    def fail() -> int:
        raise error

    return fail


# ---------------------------------------------------------------- help and version


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(shell: Shell, option: str) -> None:
    answer = shell(f"ovstools {option}")
    assert (answer.status, answer.err) == (0, "")
    for name in ("makerepo", "cluster-configure", "services"):
        assert f"\n  {name} " in answer.out


def test_version(shell: Shell) -> None:
    assert shell("ovstools --version") == Answer(0, f"ovstools, version {__version__}\n", "")


@pytest.mark.parametrize(
    "line",
    [
        "ovstools nonsense",
        "ovstools --nonsense",
        "ovstools makerepo",
        "ovs-makerepo /dev/sdb1",
        "ovs-makerepo /dev/sdb1 X root",
        "ovs-makerepo /dev/sdb1 C root more",
        "ovs-makerepo /dev/sdb1 C root --lock-wait soon",
        "ovs-makerepo /dev/sdb1 C root --lock-wait -1",
        "ovs-makerepo /dev/sdb1 C root --slots many",
        "ovs-makerepo /dev/sdb1 C root --root /no/such/folder",
        "ovs-makerepo /dev/sdb1 C root --root ''",
        "ovs-makerepo /dev/sdb1 C root --root /etc/fstab",
        "ovs-cluster-configure --node a=10.0.0.1 --add b=10.0.0.2",
    ],
)
def test_malformed_words(shell: Shell, line: str) -> None:
    answer = shell(line)
    assert (answer.status, answer.out) == (2, "")
    assert "Usage: " in answer.err and "Traceback" not in answer.err


@pytest.mark.parametrize("line", ["ovstools", "ovstools services", "ovstools repositories"])
def test_a_group_alone_says_which_commands_there_are(shell: Shell, line: str) -> None:
    answer = shell(line)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith(f"Usage: {line} ") and "\nCommands:\n" in answer.err


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "error, status",
    [
        (OvsError("what"), 1),
        (UsageError("what"), 2),
        (RefusedError("what"), 4),
        (BusyError("what"), 5),
        (PartialError("what"), 6),
    ],
)
def test_each_error_has_its_status(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine, error: OvsError, status: int
) -> None:
    assert run_function(capsys, machine, raising(error)) == Answer(status, "", "ovstools: what\n")


def test_an_error_says_what_evidence_and_way_out(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine
) -> None:
    error = RefusedError("it is so", "seen here", "and there", hint="do this\nthen that")
    answer = run_function(capsys, machine, raising(error), "-q")
    assert answer.err.splitlines() == [
        "ovstools: it is so",
        "  seen here",
        "  and there",
        "  hint: do this",
        "        then that",
    ]


def test_an_error_in_json(capsys: pytest.CaptureFixture[str], machine: FakeMachine) -> None:
    error = RefusedError("it is so", "seen here", hint="do this")
    answer = run_function(capsys, machine, raising(error), "--json")
    assert answer.json == {
        "error": "it is so",
        "evidence": ["seen here"],
        "hint": "do this",
        "status": 4,
    }
    assert answer.err.startswith("ovstools: it is so\n")


@pytest.mark.parametrize("error", [RefusedError("what"), ZeroDivisionError("what")])
def test_a_traceback_only_when_asked_for(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine, error: Exception
) -> None:
    assert "Traceback" not in run_function(capsys, machine, raising(error)).err
    assert "Traceback" in run_function(capsys, machine, raising(error), "--debug").err


def test_a_fault_of_ours(capsys: pytest.CaptureFixture[str], machine: FakeMachine) -> None:
    answer = run_function(capsys, machine, raising(ZeroDivisionError("oops")), "--json")
    assert (answer.status, answer.json["error"]) == (1, "internal error: ZeroDivisionError: oops")
    assert "hint: run it again with --debug" in answer.err


@pytest.mark.parametrize(
    "error, said",
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/sys/kernel/debug/o2hb"),
            "ovstools: /sys/kernel/debug/o2hb: Permission denied\n  hint: run it as root\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "ovstools: the answer: No space left on device\n",
        ),
    ],
)
def test_a_fault_of_the_machine_s(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine, error: OSError, said: str
) -> None:
    assert run_function(capsys, machine, raising(error)) == Answer(1, "", said)


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_interrupted(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine, error: BaseException
) -> None:
    answer = run_function(capsys, machine, raising(error))
    assert (answer.status, answer.out) == (130, "")
    assert "run the same command again" in answer.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ended_by_a_signal(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine, number: signal.Signals
) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # nohup may have begun the tests
    try:
        answer = run_function(capsys, machine, lambda: signal.raise_signal(number))
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert answer == Answer(128 + number, "", f"ovstools: ended by signal {int(number)}\n")


def test_a_signal_while_a_step_is_done_frees_the_lock(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine
) -> None:
    machine.before["lsblk"] = lambda: signal.raise_signal(signal.SIGTERM)
    shell = Shell(machine, capsys)
    assert shell("ovs-makerepo /dev/sdb1 0 local --format").status == 143
    del machine.before["lsblk"]
    assert shell("ovs-makerepo /dev/sdb1 0 local --format").status == 0


def test_nohup_stays_in_force(capsys: pytest.CaptureFixture[str], machine: FakeMachine) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        answer = run_function(capsys, machine, lambda: signal.raise_signal(signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert answer.status == 0


def test_a_reader_that_has_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: FakeMachine
) -> None:
    """`ovstools ... | head -1`: no traceback, and nothing at exit either."""
    descriptor = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)

    class Closed:
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

        def flush(self) -> None:
            """Have nothing to flush."""

        def isatty(self) -> bool:
            return False

        def fileno(self) -> int:
            return descriptor

    monkeypatch.setattr(sys, "stdout", Closed())
    command = click.command("trial")(lambda: click.echo("x"))
    assert main.run(command, "ovs-trial", []) == 128 + signal.SIGPIPE
    assert os.path.sameopenfile(descriptor, os.open(os.devnull, os.O_WRONLY))
    os.close(descriptor)


# ---------------------------------------------------------------- common options


@pytest.mark.parametrize(
    "words",
    [
        "--dry-run --json cluster-configure",
        "--dry-run cluster-configure --json",
        "--json cluster-configure --dry-run",
        "cluster-configure --dry-run --json",
    ],
)
def test_common_options_before_and_after_the_name(shell: Shell, words: str) -> None:
    answer = shell(f"ovstools {words}")
    assert answer.status == 0, answer.err
    assert answer.json["dry_run"] is True and len(answer.json["steps"]) > 1


@pytest.mark.parametrize(
    "words, level",
    [((), 0), (("-q",), -1), (("-v",), 1), (("-vv",), 2), (("--debug",), 2), (("-q", "-v"), 1)],
)
def test_how_much_to_say(words: tuple[str, ...], level: int) -> None:
    found = []
    command = click.command("trial")(common()(lambda: found.append(perform.choices().level)))
    assert main.run(command, "ovs-trial", words) == 0
    assert found == [level]


def test_options_after_the_name_leave_those_before_alone(shell: Shell) -> None:
    found: list[Choices] = []

    @click.group("outer")
    @common()
    def outer() -> None:
        pass

    @outer.command("inner")
    @common()
    def inner() -> None:
        found.append(perform.choices())

    assert main.run(outer, "outer", ["--lock-wait", "0", "-v", "inner", "--json"]) == 0
    assert (found[0].lock_wait, found[0].verbose, found[0].json) == (0.0, 1, True)
    assert main.run(outer, "outer", ["--lock-wait", "5", "inner", "--lock-wait", "7"]) == 0
    assert found[1].lock_wait == 7


@pytest.mark.parametrize("root", ["/", "//", "."])
def test_root_means_files_only_whatever_folder_it_is(root: str) -> None:
    """`--root "$image/"` with an unset variable must not touch the running machine."""
    found: list[Host] = []
    command = click.command("trial")(
        common()(lambda: found.append(perform.make_host(perform.choices())))
    )
    assert main.run(command, "ovs-trial", ["--root", root]) == 0
    assert found[0].offline and found[0].root == Path(root).resolve()


# ---------------------------------------------------------------- perform


def test_a_change(capsys: pytest.CaptureFixture[str], machine: FakeMachine) -> None:
    answer = run_function(capsys, machine, lambda: perform.change(lambda host: PLAN))
    assert (answer.status, answer.out) == (0, "made\n")
    assert (machine.root / "srv/x").is_dir()
    assert machine.said.getvalue().splitlines() == [
        "ovstools: a notice",
        "ovstools: make the folder",
    ]


def test_a_dry_run_prints_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine
) -> None:
    machine.is_root = False  # anybody may ask
    function = lambda: perform.change(lambda host: PLAN)  # noqa: E731
    answer = run_function(capsys, machine, function, "--dry-run")
    assert (answer.status, answer.out) == (0, "# make the folder\nmkdir -p -m 755 /srv/x\n")
    assert not (machine.root / "srv").exists()
    assert not (machine.root / "run").exists(), "not even the lock is taken"
    answer = run_function(capsys, machine, function, "--dry-run", "--json")
    assert answer.json == {
        "dry_run": True,
        "steps": [{"title": "make the folder", "change": "mkdir -p -m 755 /srv/x"}],
        "notices": ["a notice"],
        "status": 0,
    }


def test_a_dry_run_of_nothing(capsys: pytest.CaptureFixture[str], machine: FakeMachine) -> None:
    function = lambda: perform.change(lambda host: Plan())  # noqa: E731
    assert run_function(capsys, machine, function, "--dry-run").out == "# nothing to do\n"


def test_only_root_changes_this_machine(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine, tmp_path: Path
) -> None:
    machine.is_root = False
    function = lambda: perform.change(lambda host: PLAN)  # noqa: E731
    answer = run_function(capsys, machine, function)
    assert (answer.status, answer.out) == (4, "")
    assert "needs root" in answer.err and "sudo" in answer.err
    assert not (machine.root / "srv").exists()
    assert run_function(capsys, machine, function, "--root", str(tmp_path)).status == 0


@contextlib.contextmanager
def locked(machine: FakeMachine) -> Iterator[None]:
    """Let another ovstools be at work."""
    with lock.held(machine.root / "run/ovs/ovstools.lock", "ovs-offlinerepo X", 0, Clock()):
        yield


def test_busy(shell: Shell, machine: FakeMachine) -> None:
    with locked(machine):
        answer = shell("ovs-cluster-configure")
        assert (answer.status, answer.out) == (5, "")
        assert f"pid {os.getpid()}, ovs-offlinerepo X" in answer.err
        assert shell("ovs-cluster-configure --dry-run").status == 0
    assert machine.commands == []
    assert shell("ovs-cluster-configure").status == 0


@pytest.mark.parametrize(
    "words, limits, waited_s",
    [
        ("", Limits(), 0),
        ("--lock-wait 3", Limits(), 3),
        ("", Limits(lock_wait_s=4), 4),
        ("--lock-wait 0", Limits(lock_wait_s=4), 0),
    ],
)
def test_how_long_it_waits_for_another(
    shell: Shell, machine: FakeMachine, words: str, limits: Limits, waited_s: float
) -> None:
    shell.settings = Settings(limits=limits)
    with locked(machine):
        assert shell(f"ovs-cluster-configure {words}").status == 5
    assert machine.clock.now == pytest.approx(1000 + waited_s, abs=0.2)


def test_the_lock_says_our_words(capsys: pytest.CaptureFixture[str], machine: FakeMachine) -> None:
    def function() -> int:
        def make_plan(host: Host) -> Plan:
            assert machine.read("/run/ovs/ovstools.lock") == f"{os.getpid()} ovs-trial --json\n"
            return PLAN

        return perform.change(make_plan)

    assert run_function(capsys, machine, function, "--json").json == {"made": True, "status": 0}


def test_what_is_idle_needs_no_lock(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine
) -> None:
    """systemd starts a unit for the ovstools that holds the lock."""
    idle = Plan((), Report(("so already",)), ("a notice",))

    def function() -> int:
        return perform.change(lambda host: idle, lambda host: True)

    with locked(machine):
        answer = run_function(capsys, machine, function)
        assert (answer.status, answer.out) == (0, "so already\n")
        busy = run_function(capsys, machine, lambda: perform.change(lambda h: PLAN, lambda h: True))
        assert busy.status == 5, "it was not idle after all"
    assert "a notice" in machine.said.getvalue()


def test_looks_again_while_the_plan_says_so(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine
) -> None:
    plans = [replace(PLAN, look_again=True), replace(PLAN, look_again=True), PLAN]

    def function() -> int:
        return perform.change(lambda host: plans.pop(0))

    assert run_function(capsys, machine, function).out == "made\n"
    assert plans == []


@pytest.mark.parametrize(
    "first, status",
    [(replace(PLAN, look_again=True), ExitStatus.TOOL_FAILED), (Plan(look_again=True), 4)],
)
def test_a_refusal_after_a_change_is_none(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine, first: Plan, status: int
) -> None:
    plans = [first]

    def make_plan(host: Host) -> Plan:
        if plans:
            return plans.pop()
        raise RefusedError("no")

    assert run_function(capsys, machine, lambda: perform.change(make_plan)).status == status


def test_the_report_after_the_plan_counts(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine
) -> None:
    plan = replace(PLAN, report_after=lambda host: Report((host.kind("/srv/x"),), {}, 3))
    answer = run_function(capsys, machine, lambda: perform.change(lambda host: plan))
    assert (answer.status, answer.out) == (3, "directory\n")


def test_answers(capsys: pytest.CaptureFixture[str], machine: FakeMachine) -> None:
    table = Table(("NAME", "STATE"), (("vmserver1", "alive"), ("x", "")))
    report = Report(("a line",), {"a": [1]}, ExitStatus.UNHEALTHY, table)
    function = lambda: perform.look(lambda host: report)  # noqa: E731
    answer = run_function(capsys, machine, function)
    assert answer.status == 3
    assert answer.out == "NAME       STATE\nvmserver1  alive\nx\na line\n"
    assert run_function(capsys, machine, function, "--json").json == {"a": [1], "status": 3}


# ---------------------------------------------------------------- questions


class Terminal:
    """A stream that a person sits at."""

    def __init__(self, is_tty: bool = True) -> None:
        self.is_tty = is_tty

    def isatty(self) -> bool:
        """Say so."""
        return self.is_tty

    def write(self, text: str) -> int:
        """Swallow it."""
        return len(text)

    def flush(self) -> None:
        """Have nothing to flush."""


@pytest.mark.parametrize(
    "words, stdin, stderr, said, answer",
    [
        ((), True, True, True, True),
        ((), True, True, False, False),
        ((), False, True, True, False),
        ((), True, False, True, False),
        (("--dry-run",), True, True, True, False),
    ],
)
def test_asks_a_person_only(
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    stdin: bool,
    stderr: bool,
    said: bool,
    answer: bool,
) -> None:
    found = []
    monkeypatch.setattr(sys, "stdin", Terminal(stdin))
    monkeypatch.setattr(sys, "stderr", Terminal(stderr))
    monkeypatch.setattr(click, "confirm", lambda question, **settings: said)
    command = click.command("trial")(common()(lambda: found.append(perform.ask("really?"))))
    assert main.run(command, "ovs-trial", words) == 0
    assert found == [answer]


# ---------------------------------------------------------------- entry points


@pytest.mark.parametrize(
    "entry, name",
    [
        (main.ovstools, "ovstools"),
        (main.ovs_makerepo, "ovs-makerepo"),
        (main.ovs_offlinerepo, "ovs-offlinerepo"),
        (main.ovs_cluster_configure, "ovs-cluster-configure"),
        (main.ovs_cluster_check, "ovs-cluster-check"),
        (main.ovs_hb_ctl, "ovs-hb-ctl"),
    ],
)
def test_entry_points(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    entry: Callable[[], None],
    name: str,
) -> None:
    monkeypatch.setattr(sys, "argv", [f"/usr/lib/ovs/{name}", "--help"])
    with pytest.raises(SystemExit) as caught:
        entry()
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"Usage: {name} ")


def test_the_machine_without_root_is_this_one(tmp_path: Path) -> None:
    here = perform.make_host(Choices())
    assert (here.root, here.offline) == (Path("/"), False)
    image = perform.make_host(Choices(root=str(tmp_path)))
    assert (image.root, image.offline) == (tmp_path, True)
