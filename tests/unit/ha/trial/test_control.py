"""What a start asks for, held against the try that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovstools.errors import RefusedError, UsageError
from ovstools.ha.trial.control import Wanted, environment, plan
from ovstools.ha.trial.layout import Trial

FOLDER = Path("/tmp/ovs t")
NODES = ("vmserver1", "vmserver2", "vmserver3")
THERE = Trial(FOLDER, NODES, 4.0)


@pytest.mark.parametrize(
    ("wanted", "trial"),
    [
        (Wanted(), Trial(FOLDER, NODES, 4.0, 4)),
        (Wanted(1, 0, 1.0), Trial(FOLDER, NODES[:1], 1.0, 0)),
        (Wanted(2, 7, 120.0, "/bin/true"), Trial(FOLDER, NODES[:2], 120.0, 7, "/bin/true")),
    ],
)
def test_a_first_start(wanted: Wanted, trial: Trial) -> None:
    assert plan(None, FOLDER, wanted) == trial


@pytest.mark.parametrize(
    ("there", "wanted", "guests"),
    [
        (THERE, Wanted(), 0),
        (THERE, Wanted(3, None, 4.0), 0),
        (THERE, Wanted(guests=6), 6),
        # killed before all guests were made: the same start goes on
        (Trial(FOLDER, NODES, 4.0, 5), Wanted(), 5),
    ],
)
def test_what_is_there_stays(there: Trial, wanted: Wanted, guests: int) -> None:
    assert plan(there, FOLDER, wanted) == Trial(FOLDER, NODES, 4.0, guests)


@pytest.mark.parametrize(
    ("wanted", "evidence"),
    [
        (Wanted(servers=2), "--servers: it has 3, asked for was 2"),
        (Wanted(servers=4), "--servers: it has 3, asked for was 4"),
        (Wanted(dead_s=5.0), "--dead: it has 4.0, asked for was 5.0"),
        (Wanted(notify="/bin/true"), "--notify: it has none, asked for was /bin/true"),
    ],
)
def test_another_one_is_refused(wanted: Wanted, evidence: str) -> None:
    with pytest.raises(RefusedError) as refused:
        plan(THERE, FOLDER, wanted)
    assert refused.value.evidence == (evidence,)
    assert refused.value.hint.endswith("ovstools ha-try --dir '/tmp/ovs t' stop")


@pytest.mark.parametrize("dead_s", [float("nan"), float("inf"), -1.0, 0.0, 0.99, 120.1])
def test_seconds_that_are_none(dead_s: float) -> None:
    for there in (None, THERE):
        with pytest.raises(UsageError, match="1 to 120 seconds"):
            plan(there, FOLDER, Wanted(dead_s=dead_s))


@pytest.mark.parametrize("program", ["", "true", "/no/such", "/tmp", "/etc/passwd"])
def test_what_cannot_be_run_is_not_told(program: str) -> None:
    with pytest.raises(RefusedError, match="is no program"):
        plan(None, FOLDER, Wanted(notify=program))


def test_a_shell_reads_the_lines(tmp_path: Path) -> None:
    assert environment(THERE, "vmserver2") == (
        "export OVSTOOLS_PATHS__RUN='/tmp/ovs t/vmserver2/run'",
        "export OVSTOOLS_PATHS__POOL='/tmp/ovs t/pool'",
    )
