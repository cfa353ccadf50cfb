from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.model.octal import decode, encode


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (r"a\040b", "a b"),
        (r"a\011b\012", "a\tb\n"),
        (r"a\134040b", r"a\040b"),
        (r"\043", "#"),
        (r"\303\244", "\u00e4"),
        (r"\777", r"\777"),
        (r"\04", r"\04"),
        ("\udcff", "\udcff"),
    ],
)
def test_decode(escaped: str, plain: str) -> None:
    assert decode(escaped) == plain


@given(st.text())
def test_encode_and_decode_are_a_pair(word: str) -> None:
    assert decode(encode(word)) == word
    assert not set(encode(word)) & set(" \t\n#")
