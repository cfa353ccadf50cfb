from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.model.lines import Lines


@given(st.text())
def test_every_text_survives(text: str) -> None:
    assert str(Lines.split(text)) == text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", "x\n"),
        ("a", "a\nx\n"),
        ("a\n", "a\nx\n"),
        ("a\n\n", "a\n\nx\n"),
        ("a\r\n", "a\r\nx\n"),
    ],
)
def test_append_ends_with_a_newline(text: str, after: str) -> None:
    assert str(Lines.split(text).append("x")) == after


def test_edits_touch_one_line() -> None:
    lines = Lines.split("a\nb\nc")
    assert str(lines.replace(1, "B")) == "a\nB\nc"
    assert str(lines.insert(1, ["x", "y"])) == "a\nx\ny\nb\nc"
    assert str(lines.insert(3, ["x"])) == "a\nb\nc\nx\n"
    assert str(lines.drop({0, 2})) == "b"
    assert str(lines.drop({0, 1, 2})) == ""
