from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.model.repository_options import RepositoryOptions

A, B = "A" * 32, "B" * 32
TEXT = f"""# options
DEFAULT ocfs2 coherency=full
DEFAULT nfs hard,proto=tcp
{A.lower()} errors=panic
{A} noatime
DEFAULT ext4
hello
"""


@pytest.mark.parametrize(
    ("uuid", "fstype", "options"),
    [
        (A, "ocfs2", "noatime"),
        (A.lower(), "nfs", "noatime"),
        (B, "ocfs2", "coherency=full"),
        (None, "nfs", "hard,proto=tcp"),
        (B, "ext4", ""),
        (None, "", ""),
    ],
)
def test_options_for(uuid: str | None, fstype: str, options: str) -> None:
    assert RepositoryOptions.parse(TEXT).options_for(uuid, fstype) == options


def test_odd_lines_are_reported() -> None:
    assert RepositoryOptions.parse(TEXT).unknown == ((6, "DEFAULT ext4"), (7, "hello"))


@given(st.text())
def test_every_text_survives(text: str) -> None:
    options = RepositoryOptions.parse(text)
    assert str(options) == text
    assert options.options_for(A, "ocfs2") == "" or A in text.upper() or "DEFAULT" in text
