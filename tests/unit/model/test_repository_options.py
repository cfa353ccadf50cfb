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


def test_with_entry_changes_the_line_that_counts_and_no_other() -> None:
    uuids = ("A" * 32, "a" * 32)
    text = "# mine\n{} noatime\n\nDEFAULT ocfs2 commit=5\n{} commit=9\nodd line here\n".format(
        *uuids
    )
    options = RepositoryOptions.parse(text)
    assert options.with_entry("A" * 32, "commit=9") is options
    assert str(options.with_entry("A" * 32, "ro")) == text.replace(
        f"{'a' * 32} commit=9", f"{'A' * 32} ro"
    )
    assert str(options.with_entry("DEFAULT ocfs2", "ro")) == text.replace("commit=5", "ro")
    added = options.with_entry("/dev/a disk", "ro")
    assert str(added) == f"{text}/dev/a\\040disk ro\n"
    assert added.table["/dev/a disk"] == "ro"
