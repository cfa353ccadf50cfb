from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import ParseError, UsageError
from ovstools.model.ovsrepo import OvsRepo, format_ovsrepo, parse_ovsrepo

A, B = "A" * 32, "B" * 32
TEXT = f"UUID={A}\nDESCRIPTION=cluster root\nSHARED=C\nVERSION=1\nHEARTBEAT_UUID={B}\n"


def test_read_and_write() -> None:
    repo = OvsRepo(A, "cluster root", "C", heartbeat_uuid=B)
    assert parse_ovsrepo(TEXT) == repo
    assert format_ovsrepo(repo) == TEXT


@pytest.mark.parametrize(
    ("text", "repo"),
    [
        (f"UUID={A}\nSHARED=1\n", OvsRepo(A, "", "1")),
        (f"# made by hand\n\nSHARED=0\nUUID={A.lower()}", OvsRepo(A, "", "0")),
        (f"UUID={A}\nSHARED=1\nDESCRIPTION= a=b ", OvsRepo(A, " a=b ", "1")),
        (
            f"UUID={A}\nSHARED=1\nVERSION=2\nCOLOUR=red\n",
            OvsRepo(A, "", "1", version=2, others=(("COLOUR", "red"),)),
        ),
    ],
)
def test_tolerant(text: str, repo: OvsRepo) -> None:
    assert parse_ovsrepo(text) == repo
    assert parse_ovsrepo(format_ovsrepo(repo)) == repo


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        (f"UUID={A}\n", 1),
        ("SHARED=1\n", 1),
        ("UUID=\nSHARED=1\n", 1),
        (f"SHARED=1\nUUID={A[1:]}\n", 2),
        (f"UUID={A}\nSHARED=2\n", 2),
        (f"UUID={A}\nSHARED=1\nVERSION=one\n", 3),
        (f"UUID={A}\nSHARED=1\nVERSION=0\n", 3),
        (f"UUID={A}\nSHARED=1\nHEARTBEAT_UUID=x\n", 3),
        (f"UUID={A}\nSHARED=1\nhello\n", 3),
        (f"UUID={A}\nSHARED=1\nUUID={B}\n", 3),
        (f"UUID={A}\nSHARED=1\nDESCRIPTION=\x1b[31m\n", 3),
        (f"UUID={A}\r\nSHARED=1\r\n", 1),
    ],
)
def test_refused(text: str, line: int) -> None:
    with pytest.raises(ParseError, match=rf"^/OVS/\.ovsrepo:{line}: "):
        parse_ovsrepo(text, "/OVS/.ovsrepo")


@pytest.mark.parametrize(("description", "shared"), [("a\nUUID=x", "1"), ("a", "2"), ("a", "")])
def test_nonsense_is_not_made(description: str, shared: str) -> None:
    with pytest.raises(UsageError):
        OvsRepo(A, description, shared)


uuids = st.uuids().map(lambda uuid: uuid.hex.upper())
printable = st.text(st.characters(blacklist_categories=["Cs"]).filter(str.isprintable))


@given(uuids, printable, st.sampled_from("C10"), st.integers(1, 9), st.none() | uuids)
def test_format_and_parse_are_a_pair(
    uuid: str, description: str, shared: str, version: int, heartbeat: str | None
) -> None:
    repo = OvsRepo(uuid, description, shared, version, heartbeat)
    assert parse_ovsrepo(format_ovsrepo(repo)) == repo


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_ovsrepo(text)
