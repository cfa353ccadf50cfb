"""Edits of operator files: only the lines that they mean to, proven by reading again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import RefusedError
from ovstools.ha.forms.edit import with_changes
from ovstools.ha.forms.yaml_form import decoded

TEXT = """\
# head
format: 1
a:
- x   # c
- y
# tail
b: |
  foo
  bar

c:   # what
  - p
  - {q: r}

d:
e: 'x'  # com
f: [a,
  b] # com
g: plain
  multi
h: {i: [j]}
k:
  l: m   # n
  o:
# a comment at the end
"p q": true # com
"""


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({"a": ["z", "1234"]}, "- x   # c\n- y\n", "- z\n- '1234'\n"),
        ({"a": []}, "a:\n- x   # c\n- y\n", "a: []\n"),
        ({"a": None}, "a:\n- x   # c\n- y\n", ""),
        ({"b": "q"}, "b: |\n  foo\n  bar\n", "b: q\n"),
        ({"b": None}, "b: |\n  foo\n  bar\n", ""),
        ({"c": ["p"]}, "  - p\n  - {q: r}\n", "  - p\n"),
        ({"c": [{"q": "r"}, "p"]}, "  - p\n  - {q: r}\n", "  - {q: r}\n  - p\n"),
        ({"d": 5}, "d:\n", "d: 5\n"),
        ({"d": "a: b # c"}, "d:\n", "d: 'a: b # c'\n"),
        ({"e": "it's"}, "e: 'x'  # com\n", "e: 'it''s'  # com\n"),
        ({"e": None}, "e: 'x'  # com\n", ""),
        ({"f": ["a"]}, "f: [a,\n  b] # com\n", "f: [a] # com\n"),
        ({"g": 2.5}, "g: plain\n  multi\n", "g: 2.5\n"),
        ({"h": {"i": "s"}}, "h: {i: [j]}\n", "h: {i: s}\n"),
        ({"k": {"l": "m"}}, "k:\n  l: m   # n\n  o:\n", "k: {l: m}\n"),
        ({"p q": False}, '"p q": true # com\n', '"p q": off # com\n'),
        ({"p q": None}, '"p q": true # com\n', ""),
        ({"new": True}, '"p q": true # com\n', '"p q": true # com\nnew: on\n'),
        ({"e": "z", "d": 1}, "d:\ne: 'x'  # com\n", "d: 1\ne: z  # com\n"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["unix", "dos", "bom"])
def test_only_the_lines_of_a_key_change(changes: Any, old: str, new: str, kind: str) -> None:
    def as_kind(text: str) -> str:
        return text.replace("\n", "\r\n") if kind == "dos" else text

    mark = "\ufeff" if kind == "bom" else ""
    assert old in TEXT
    edited = with_changes(mark + as_kind(TEXT), changes)
    assert edited == mark + as_kind(TEXT.replace(old, new, 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"a": ["x", "y"], "f": ["a", "b"], "h": {"i": ["j"]}, "e": "x", "p q": True, "format": 1},
        {"absent": None, "d": None},
        {"c": ["p", {"q": "r"}], "g": "plain multi", "b": "foo\nbar\n"},
    ],
)  # fmt: skip
def test_what_is_so_already_is_left_alone(changes: dict[str, Any]) -> None:
    assert with_changes(TEXT, changes) == TEXT


@pytest.mark.parametrize(
    ("text", "changes", "edited"),
    [
        ("", {"a": 1}, "a: 1\n"),
        ("# x", {"a": 1}, "# x\na: 1\n"),
        ("a: 1", {"a": 2}, "a: 2"),
        ("a: 1", {"b": 2}, "a: 1\nb: 2\n"),
        ("a: 1", {"a": None}, ""),
        ("{a: 1}", {"a": 2}, "{a: 2}"),
        ("? a\n: 1\n", {"a": 2}, "? a\n: 2\n"),
        ("---\na: 1\n", {"a": [1, True]}, "---\na: [1, on]\n"),
        ("a: &x 1\n", {"a": 2}, "a: 2\n"),
    ],
)  # fmt: skip
def test_odd_files(text: str, changes: dict[str, Any], edited: str) -> None:
    assert with_changes(text, changes) == edited


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("{a: 1}", {"b": 2}, "b cannot be changed line by line"),
        ("{a: 1, b: 2}", {"a": None}, "a cannot be changed line by line"),
        ("a: 1\n...\n", {"b": 2}, "b cannot be changed line by line"),
        ("- a\n", {"a": 2}, "it cannot be edited: there are no keys and values"),
        ("a: [\n", {"a": 2}, "it cannot be edited: line 2: expected YAML"),
        ("a: 1\na: 2\n", {"a": 2}, "it cannot be edited: line 2: expected every key once"),
        ("a: \udcff\n", {"a": 2}, "it cannot be edited: expected UTF-8 text"),
    ],
)
def test_what_cannot_be_edited_is_refused(text: str, changes: Any, expected: str) -> None:
    with pytest.raises(RefusedError) as caught:
        with_changes(text, changes)
    assert caught.value.what.startswith(expected)
    assert caught.value.hint


VALUES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.integers(-99, 99),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d", "f", "k", "new"]), st.none() | VALUES))
def test_all_else_means_the_same(changes: dict[str, Any]) -> None:
    """Whatever is written, a second time it is there already, and no other key has changed."""
    edited = with_changes(TEXT, changes)
    assert with_changes(edited, changes) == edited
    before, now = decoded(TEXT.encode()), decoded(edited.encode())
    assert {k: v for k, v in now.items() if k not in changes} == {
        k: v for k, v in before.items() if k not in changes
    }
