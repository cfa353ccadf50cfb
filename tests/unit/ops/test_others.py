"""What another server's ovstools answered over ssh, and what its silence means."""

from __future__ import annotations

import pytest

from ovstools.model.command import Result
from ovstools.ops import others
from ovstools.system.program import TIMED_OUT

#: status, stdout, stderr; and what must be in the problem and in the hint
CASES = {
    "an answer": (Result(0, '{"changed": true}'), "", ""),
    "unhealthy is an answer": (Result(3, '{"healthy": false}'), "", ""),
    "off": (
        Result(255, "", "ssh: connect to host b port 22: Connection timed out\n"),
        "cannot be reached: ssh: connect to host b",
        "run this command again",
    ),
    "no key of ours": (
        Result(255, "", "root@b: Permission denied (publickey).\n"),
        "Permission denied",
        "ssh-copy-id root@b",
    ),
    "a host key that nobody knows": (
        Result(255, "", "No ED25519 host key is known\nHost key verification failed.\n"),
        "Host key verification failed",
        "accept it once by hand: ssh root@b",
    ),
    "no ovstools there": (
        Result(127, "", "env: 'ovstools': No such file or directory\n"),
        "'ovstools'",
        "install ovstools there",
    ),
    "an older one there": (
        Result(2, "Error: No such command", "Usage: ovstools"),
        "did not answer as expected",
        "same version",
    ),
    "too slow": (Result(TIMED_OUT, "", "ssh did not end within 240 s"), "no answer in time", ""),
    "refused": (
        Result(4, '{"error": "another cluster", "evidence": ["ocfs3"], "hint": "look"}'),
        "another cluster; ocfs3",
        "look",
    ),
    "a list": (Result(0, "[]"), "did not answer as expected", ""),
    "killed": (Result(137, "", ""), "exit status 137", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_an_answer(case: str) -> None:
    result, problem, hint = CASES[case]
    found = others.read("b", result)
    assert bool(found.problem) == bool(problem)
    assert problem in found.problem and hint in found.hint


def test_lines_name_each_with_its_way_out() -> None:
    answers = [others.read("b", CASES["refused"][0]), others.read("c", CASES["an answer"][0])]
    assert others.failed(answers) == ("b",)
    assert others.problem_lines(answers, "not propagated") == (
        "b: not propagated: another cluster; ocfs3",
        "  hint: look",
    )
