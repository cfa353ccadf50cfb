"""Plain processes as guests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovstools.ha.hypervisors.process import Process
from ovstools.ha.hypervisors.process_definition import ProcessDefinition, parse_process
from ovstools.ha.hypervisors.protocol import TIMED_OUT, Outcome, Unknown
from ovstools.ha.report import Power
from ovstools.model.command import Command, Result
from ovstools.system import guest_units, head, systemd
from tests.unit.ha.hypervisors.talk import NAP, OK, Expected, StillClock, Vm, converse, failed
from tests.unit.model.captured import captured

GUEST = Vm("p1", "", "/OVS/running_pool/p1/process.yaml")
UNIT = "ovs-guest-p1.service"
YAML = "command: [/OVS/running_pool/p1/beat, $HOME, 7]\nenv: {A: b}\ncwd: /tmp\n"
READ = (head.read(GUEST.definition), Result(0, YAML))


def shown(case: str) -> Expected:
    """Expect a look, with a captured answer."""
    return guest_units.show(), Result(0, captured("systemctl", f"guests-{case}") if case else "")


RUNNING, FROZEN, DONE, CRASHED, STOPPED, NOBODY = map(
    shown, ("two", "suspended", "off", "crashed", "destroyed", "")
)
RUN = guest_units.run(
    UNIT, "Guest p1", ("/OVS/running_pool/p1/beat", "$HOME", "7"), {"A": "b"}, "/tmp", 10
)
CLEAR = guest_units.clear(UNIT)
END = (systemd.stop(UNIT, 30), OK)


@pytest.mark.parametrize(
    "look, power",
    [
        (RUNNING, Power.RUNNING),
        (FROZEN, Power.PAUSED),
        (DONE, Power.SHUT_DOWN),
        (CRASHED, Power.CRASHED),
        (STOPPED, Power.DESTROYED),
    ],
)
def test_look(look: Expected, power: Power) -> None:
    assert converse(Process().look(), [look])["p1"] is power


def test_processes_that_do_not_die_are_here() -> None:
    text = captured("systemctl", "guests-crashed").replace("[not set]", "2")
    found = converse(Process().look(), [(guest_units.show(), Result(0, text))])
    assert found == {"p1": Power.STUCK}


@pytest.mark.parametrize(
    "result", [failed("Failed to connect to bus"), Result(0, "Id=x\n"), Result(TIMED_OUT)]
)
def test_anything_odd_is_unknown(result: Result) -> None:
    assert isinstance(converse(Process().look(), [(guest_units.show(), result)]), Unknown)


def test_quiet_while_the_kernel_shows_the_same_groups(tmp_path: Path) -> None:
    process = Process(cgroups=tmp_path / "machine.slice")
    (tmp_path / "cgroup.controllers").touch()
    assert not process.is_quiet(), "never asked"
    converse(process.look(), [NOBODY])
    assert process.is_quiet()
    group = tmp_path / "machine.slice" / UNIT
    group.mkdir(parents=True)
    assert not process.is_quiet(), "a group without its file is just being made, or removed"
    (group / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    assert not process.is_quiet()
    converse(process.look(), [RUNNING])
    assert process.is_quiet()
    (group / "cgroup.events").write_text("populated 0\nfrozen 0\n")
    assert not process.is_quiet()


def test_never_quiet_without_an_answer_or_with_the_old_control_groups(tmp_path: Path) -> None:
    process = Process(cgroups=tmp_path / "machine.slice")
    converse(process.look(), [NOBODY])
    assert not process.is_quiet()
    (tmp_path / "cgroup.controllers").touch()
    converse(process.look(), [(guest_units.show(), Result(1))])
    assert not process.is_quiet()


def test_what_happens_while_systemd_answers_is_asked_about_again(tmp_path: Path) -> None:
    process = Process(cgroups=tmp_path / "machine.slice")
    (tmp_path / "cgroup.controllers").touch()
    steps = process.look()
    next(steps)
    group = tmp_path / "machine.slice" / UNIT
    group.mkdir(parents=True)
    (group / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    with pytest.raises(StopIteration):
        steps.send(Result(0))
    assert not process.is_quiet()


def test_start() -> None:
    script = [READ, NOBODY, NOBODY, (RUN, OK)]
    assert converse(Process().start(GUEST), script) == Outcome(True)


def test_start_makes_room_first() -> None:
    script = [READ, CRASHED, CRASHED, END, (CLEAR, OK), NOBODY, (RUN, OK)]
    assert converse(Process().start(GUEST), script) == Outcome(True)


def test_what_runs_is_started() -> None:
    assert converse(Process().start(GUEST), [READ, RUNNING]).ok
    assert not converse(Process().start(GUEST), [READ, FROZEN, FROZEN]).ok


def test_a_program_that_is_missing() -> None:
    script = [READ, NOBODY, NOBODY, (RUN, failed("Failed to find executable x\n"))]
    assert converse(Process().start(GUEST), script) == Outcome(False, "Failed to find executable x")


def test_a_definition_that_is_none() -> None:
    script = [(head.read(GUEST.definition), Result(0, "hello"))]
    outcome = converse(Process().start(GUEST), script)
    assert outcome.text.startswith("/OVS/running_pool/p1/process.yaml: expected keys")
    script = [(head.read(GUEST.definition), failed("head: cannot open"))]
    assert converse(Process().start(GUEST), script) == Outcome(False, "head: cannot open")


STOP = (guest_units.stop(UNIT), OK)
KILL = (guest_units.kill(UNIT), OK)


def test_stop() -> None:
    script = [RUNNING, STOP, RUNNING, NAP, STOPPED]
    assert converse(Process(StillClock()).stop(GUEST, 60), script) == Outcome(True)


def test_stop_kills() -> None:
    script = [RUNNING, STOP, RUNNING, KILL, RUNNING, NAP, STOPPED]
    assert converse(Process(StillClock()).stop(GUEST, 0), script) == Outcome(True)


def test_a_frozen_one_is_thawed_before() -> None:
    script = [FROZEN, (guest_units.thaw(UNIT), OK), STOP, STOPPED]
    assert converse(Process(StillClock()).stop(GUEST, 60), script) == Outcome(True)


@pytest.mark.parametrize("look", [NOBODY, DONE, CRASHED])
def test_what_is_off_is_stopped(look: Expected) -> None:
    assert converse(Process(StillClock()).stop(GUEST, 60), [look]) == Outcome(True)


def test_who_does_not_end_is_not_stopped() -> None:
    clock = StillClock()
    script = [RUNNING, STOP, RUNNING, KILL, RUNNING, NAP, RUNNING, NAP, RUNNING, NAP, RUNNING, NAP]
    script += [RUNNING, NAP, RUNNING]
    assert not converse(Process(clock).stop(GUEST, 0), script, clock).ok
    blind = (guest_units.show(), Result(1))
    script = [RUNNING, STOP, blind, KILL, blind, NAP, blind, NAP, blind, NAP, blind, NAP, blind]
    outcome = converse(Process(clock).stop(GUEST, 0), [*script, NAP, blind], clock)
    assert outcome == Outcome(False, "exit status 1")


def test_forget() -> None:
    assert converse(Process().forget(GUEST), [NOBODY]) == Outcome(True)
    assert converse(Process().forget(GUEST), [RUNNING]) == Outcome(False, "p1 is still here")
    script = [CRASHED, END, (CLEAR, OK), NOBODY]
    assert converse(Process().forget(GUEST), script) == Outcome(True)


def test_forget_who_ended_well() -> None:
    script = [DONE, END, (CLEAR, OK), NOBODY]
    assert converse(Process().forget(GUEST), script) == Outcome(True)
    script = [DONE, END, (CLEAR, failed("no")), STOPPED]
    assert converse(Process().forget(GUEST), script) == Outcome(False, "no")


def test_suspend_and_resume() -> None:
    assert converse(Process().suspend(GUEST), [(guest_units.freeze(UNIT), OK)]).ok
    no = failed("Unit does not support freezing")
    assert not converse(Process().suspend(GUEST), [(guest_units.freeze(UNIT), no)]).ok
    assert converse(Process().resume(GUEST), [(guest_units.thaw(UNIT), OK)]).ok


def test_processes_stay() -> None:
    process = Process()
    assert not converse(process.migrate(GUEST, "vmserver2"), []).ok
    assert (process.name, process.can_migrate, process.events()) == ("process", False, None)
    assert process.look_every_s > 0


def test_definition() -> None:
    assert parse_process(YAML) == ProcessDefinition(
        ("/OVS/running_pool/p1/beat", "$HOME", "7"), {"A": "b"}, "/tmp"
    )
    assert parse_process("command: [true-ish]") == ProcessDefinition(("true-ish",))


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "expected keys"),
        ("- command", "expected keys"),
        ("command: [", "while parsing"),
        ("command: sleep 5", "command: expected a list"),
        ("command: []", "command: expected a list"),
        ("command: [yes]", "command: expected a word, found True; put it in quotes"),
        ("command: [[a]]", "command: expected a word"),
        ("command: ['']", "command: a word is empty"),
        ('command: ["a\\0b"]', "command: expected a word"),
        ("command: [a]\ncommands: 1", "unknown key 'commands'"),
        ("command: [a]\ncwd: tmp", "cwd: expected an absolute path"),
        ("command: [a]\ncwd: [a]", "cwd: expected an absolute path"),
        ("command: [a]\nenv: [a]", "env: expected names"),
        ("command: [a]\nenv: {1: a}", "env: 1 is no variable's name"),
        ("command: [a]\nenv: {A-B: a}", "env: 'A-B' is no variable's name"),
        ("command: [a]\nenv: {A: }", "env A: expected a word"),
    ],
)
def test_odd_definitions(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_process(text)
    assert reason in str(caught.value)


def test_a_dollar_is_a_dollar() -> None:
    """Systemd expands variables in the words of a unit's program."""
    assert isinstance(RUN, Command)
    assert RUN.argv[-3:] == ("/OVS/running_pool/p1/beat", "$$HOME", "7")
