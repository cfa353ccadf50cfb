"""Whole command lines of `ovstools simulate`, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ovstools.cli import main
from ovstools.cli.commands import load_command

GOOD = """
name: power cut
nodes: [n1, n2]
guests: {web: {node: n2, state: started}}
timeline: [[100, power-off n2]]
expect: {final: {web: {node: n1, state: running}}, nodes: {n2: dead}, must: [start web n1]}
"""
WRONG = GOOD.replace("node: n1, state", "node: n2, state").replace("power cut", "wrong")


def simulate(*words: str) -> int:
    """Run a command line; return its exit status."""
    return main.run(load_command("simulate"), "simulate", words)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a scenario file that passes."""
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return path


def test_a_scenario_passes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(str(file)) == 0
    assert capsys.readouterr().out == "power cut: passed\n1 scenarios, 0 failed\n"


def test_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--json", str(file)) == 0
    answer = json.loads(capsys.readouterr().out)
    (only,) = answer["scenarios"]
    assert {key: answer[key] for key in only} == only
    assert only["final"] == {"web": {"node": "n1", "state": "running"}}
    assert only["nodes"] == {"n1": "online", "n2": "dead"}
    assert only["breaches"] == []
    kinds = {event["event"] for event in only["events"]}
    assert {"started", "certificate", "master"} <= kinds


def test_a_failed_expectation_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "both.yaml"
    both = [f"- {text.strip().replace(chr(10), chr(10) + '  ')}" for text in (GOOD, WRONG)]
    path.write_text("scenarios:\n" + "\n".join(both) + "\n")
    assert simulate(str(path)) == 3
    said = capsys.readouterr().out
    assert "power cut: passed\n" in said
    assert "wrong: FAILED\n  600.0 s: web is running on n1, expected on n2\n" in said


def test_trace_shows_events_and_decisions(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--trace", str(file)) == 0
    said = capsys.readouterr().out
    assert "* started n1 web" in said
    assert "n1: master in epoch 1: " in said


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("nodes: [n1]\nunknown: 1\n", 2),
        ("nodes: []\n", 2),
        ("nodes: [n1, n1]\n", 2),
        ("scenarios: []\n", 2),
        ("nodes: [n1]\ntimeline: [[.nan, power-off n1]]\n", 2),
        ("nodes: [n1]\ntimeline: [[.inf, power-off n1]]\n", 2),
        ("nodes: [n1]\ntiming: {threshold: .nan}\n", 2),
        ("nodes: [n1]\npolicy: {freeze_max: .nan}\n", 2),
        ("nodes: [n1]\nguests: {a: {node: n1, priority: .inf}}\n", 2),
        ("nodes: [n1]\nguests: {a: {node: n1, fault: {start_fails: .nan}}}\n", 2),
        ("nodes: [n1]\nguests: {a: {node: n1}}\ntimeline: [[1, stop a inf]]\n", 2),
        ("[", 2),
        ("nodes: [n1]\ntimeline: [[1, fly n1]]\n", 2),
        ("nodes: [n1]\ntimeline: [[1, power-on n2]]\n", 2),
        ("nodes: [n1]\nguests: {a: {node: n1, state: on}}\n", 2),
        ("nodes: [n1]\nguests: {a: {state: started}}\n", 2),
        ("nodes: [n1]\ninitial: {guest_state: {a: error on n1}}\n", 2),
        ("nodes: [n1]\nrules: [{near: [a]}]\n", 2),
        ("nodes: [n1]\nexpect: {final: {b: {state: running}}}\n", 2),
    ],
)
def test_a_scenario_that_is_not_understood_is_exit_2(
    tmp_path: Path, text: str, status: int
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    assert simulate(str(path)) == status


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 2),
        (("--random", "1", "file.yaml"), 2),
        (("--random", "0"), 2),
        (("--random", "1", "--nodes", "8..3"), 2),
        (("--random", "1", "--guests", "many"), 2),
        (("/nowhere/file.yaml",), 4),
    ],
)
def test_words(words: tuple[str, ...], status: int) -> None:
    assert simulate(*words) == status


def test_random_schedules_name_their_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--random", "2", "--seed", "cli", "--nodes", "3", "--guests", "1..4") == 0
    assert capsys.readouterr().out == "2 schedules without a breach, seed cli\n"
