"""nodes/NODE.json: exact round trips, and whose report it is."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.ha.forms.reading import Unreadable
from ovstools.ha.forms.report import Sheet, format_report, parse_report
from ovstools.ha.report import ACCEPTED, DONE, REBOOT, Answer, Local, Power, Report

NAME = "vmserver1.example.com"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COUNTS = st.integers(0, 2**63 - 1)
SHEETS = st.builds(
    Sheet,
    st.builds(
        Report, st.just(NAME), TEXTS, st.booleans(), st.booleans(),
        st.dictionaries(TEXTS, st.builds(Local, st.sampled_from(Power), st.booleans())),
        st.dictionaries(
            st.tuples(COUNTS, COUNTS), st.builds(Answer, st.sampled_from([DONE, ACCEPTED]), TEXTS)
        ),
        st.none() | st.just(REBOOT), st.floats(0, 1e6), COUNTS, COUNTS,
        st.none() | st.frozensets(TEXTS), st.dictionaries(TEXTS, TEXTS), st.frozensets(TEXTS),
    ),
    COUNTS, TEXTS,
)  # fmt: skip
SHEET = Sheet(
    Report(NAME, "b", True, True, {"web1": Local(Power.RUNNING, True)}, {(3, 9): Answer(DONE)}),
    4, "i",
)  # fmt: skip


@given(SHEETS)
def test_what_is_written_comes_back(sheet: Sheet) -> None:
    assert parse_report(format_report(sheet), NAME) == sheet


def test_every_field_is_written() -> None:
    names = {each.name for each in fields(Report)}
    assert set(json.loads(format_report(SHEET))) == {*names, "sequence", "incarnation", "format"}


def damaged(**changes: Any) -> bytes:
    """Return a sound file with other values for some keys."""
    return json.dumps({**json.loads(format_report(SHEET)), **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"node": "b"}, f"node: expected {NAME}, found 'b'"),
        ({"node_lock": 1}, "node_lock: expected true or false, found 1"),
        ({"sequence": "4"}, "sequence: expected a whole number from 0, found '4'"),
        ({"leaving": "soon"}, "leaving: expected reboot or power-off, found 'soon'"),
        ({"mem_mb": -1}, "mem_mb: expected a whole number"),
        ({"answers": {"3": {"status": "done"}}}, "answers.3: expected EPOCH.SEQUENCE"),
        ({"answers": {"3.1": {"status": "dne"}}}, "answers.3.1.status: expected done or"),
        ({"guests": {"g": {"power": "on", "locked": True}}}, "guests.g.power: expected running or"),
        ({"guests": {"g": {"power": "running"}}}, "guests.g.locked: expected a value"),
        ({"repositories": "all"}, "repositories: expected a list, found 'all'"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], reason: str) -> None:
    read = parse_report(damaged(**changes), NAME)
    assert isinstance(read, Unreadable)
    assert reason in read.reason


def test_what_a_later_agent_tells_besides_is_passed_over() -> None:
    assert parse_report(damaged(weather="fine"), NAME) == SHEET


def test_newer_format() -> None:
    read = parse_report(damaged(format=2, node="b"), NAME)
    assert isinstance(read, Unreadable)
    assert read.is_newer


@given(st.binary(max_size=60))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(parse_report(data, NAME), Unreadable)
