from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import UsageError
from ovstools.model.shell_vars import ShellVars
from tests.unit.model.captured import captured


def test_debians_file() -> None:
    text = captured("o2cb-settings", "default")
    variables = ShellVars.parse(text)
    assert variables.get("O2CB_ENABLED") == "false"
    assert variables.get("O2CB_STACK") is None
    edited = variables.with_value("O2CB_ENABLED", "true").with_value("O2CB_STACK", "o2cb")
    assert str(edited) == text.replace("=false", "=true") + "O2CB_STACK=o2cb\n"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("A=", ""),
        ('A="1 2"', "1 2"),
        ("A='1 2'", "1 2"),
        ("A=1 # comment", "1"),
        ("A=1;B=2", "1"),
        ("A=1\r", "1"),
        ("A=a#b", "a#b"),
        ("A=a\\ b", "a b"),
        ("A=\"a\"'b'c", "abc"),
        ('A="a\\"b"', 'a"b'),
        ("  export  A=1", "1"),
        ("A=1\nA=2", "2"),
        ("A=1\n#A=2", "1"),
        ("A = 1", None),
        ("B=1", None),
        ("AA=1", None),
        ("echo A=1", None),
        ('A="1', None),
    ],
)
def test_get(line: str, value: str | None) -> None:
    assert ShellVars.parse(line).get("A") == value


@pytest.mark.parametrize(
    ("text", "value", "after"),
    [
        ("A=1 # why\nB=2\n", "3", "A=3 # why\nB=2\n"),
        ('A="1"\n', "3", 'A="3"\n'),
        ("A='1' # x", "3 4", "A='3 4' # x"),
        ('A="1"\n', "a$b", "A='a$b'\n"),
        ("export A=1\n", "x y", "export A='x y'\n"),
        ("A=1\nA=2\nB=", "3", "A=1\nA=3\nB="),
        ("# A=1", "3", "# A=1\nA=3\n"),
        ("", "", "A=\n"),
        ("A=1\n", "", "A=\n"),
        ("A=1;B=2", "3", "A=3;B=2"),
        ("A = 1\n", "3", "A = 1\nA=3\n"),
    ],
)
def test_with_value(text: str, value: str, after: str) -> None:
    edited = ShellVars.parse(text).with_value("A", value)
    assert str(edited) == after
    assert edited.get("A") == value
    assert edited.with_value("A", value) is edited


@pytest.mark.parametrize(
    ("name", "value"), [("A B", "1"), ("", "1"), ("1A", "1"), ("A", "1\n2"), ("A", "\0")]
)
def test_nonsense_is_not_written(name: str, value: str) -> None:
    with pytest.raises(UsageError):
        ShellVars.parse("").with_value(name, value)


shell_like = st.text(alphabet="AB=\"'\\ #;1\n\t", max_size=30)


@given(st.text() | shell_like)
def test_every_text_survives(text: str) -> None:
    variables = ShellVars.parse(text)
    assert str(variables) == text
    variables.get("A")


printable = st.text(st.characters(blacklist_categories=["Cs"]).filter(str.isprintable))


@given(shell_like, printable)
def test_what_is_set_is_read(text: str, value: str) -> None:
    edited = ShellVars.parse(text).with_value("A", value)
    assert edited.get("A") == value
    added = [line for line in str(edited).split("\n") if line and line not in text.split("\n")]
    assert len(added) <= 1
    fresh = str(ShellVars.parse("").with_value("A", value)).rstrip("\n")
    assert shlex.split(fresh) == [f"A={value}"]
