from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import UsageError
from ovstools.model.repositories import (
    Repository,
    RepositoryList,
    format_line,
    parse_line,
)

A, B = "A" * 32, "B" * 32
TEXT = (
    "# kept\n"
    f"@{A} /dev/mapper/ovs\n"
    "\n"
    f"{B.lower()}  server:/export   \n"
    "  # kept too\n"
    "- /dev/disk/by-id/new\n"
    "what is this\n"
)
ROOT = Repository(A, "/dev/mapper/ovs", True)
EXPORT = Repository(B, "server:/export")
NEW = Repository(None, "/dev/disk/by-id/new")


def test_read() -> None:
    listed = RepositoryList.parse(TEXT)
    assert listed.repositories == (ROOT, EXPORT, NEW)
    assert listed.cluster_root == ROOT
    assert listed.by_uuid("bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb") == EXPORT
    assert listed.by_uuid("C" * 32) is None
    assert listed.by_source("/dev/disk/by-id/new") == NEW
    assert listed.by_source("/dev/disk/by-id/ne") is None
    assert listed.unknown == ((7, "what is this"),)
    assert RepositoryList.parse("").cluster_root is None


@pytest.mark.parametrize(
    "line",
    [
        A,
        f"{A} /dev/sdb1 more",
        f"{A[1:]} /dev/sdb1",
        f"@ {A} /dev/sdb1",
        f"@@{A} /dev/sdb1",
        f"{A} /dev/sdb1\r",
        f"{A} /dev/sd\x1bb1",
        "/dev/sdb1 -",
    ],
)
def test_odd_lines_are_reported(line: str) -> None:
    assert RepositoryList.parse(line).unknown == ((1, line),)
    assert RepositoryList.parse(line).repositories == ()


def test_created_empty_it_gets_a_header() -> None:
    listed = RepositoryList.parse("").with_repository(ROOT)
    lines = str(listed).splitlines()
    assert lines[-1] == f"@{A} /dev/mapper/ovs"
    assert len(lines) > 1
    assert all(line.startswith("# ") for line in lines[:-1])
    assert str(listed).endswith("\n")
    assert listed.unknown == ()


@pytest.mark.parametrize(
    ("repository", "old", "new"),
    [
        (ROOT, "", ""),
        (EXPORT, "", ""),
        (NEW, "", ""),
        (Repository(A, "/dev/sdc", True), f"@{A} /dev/mapper/ovs", f"@{A} /dev/sdc"),
        (Repository(A, "/dev/mapper/ovs"), f"@{A}", A),
        (Repository("C" * 32, NEW.source), "- /dev", f"{'C' * 32} /dev"),
        (Repository(None, EXPORT.source), f"{B.lower()}  server:/export   ", "- server:/export"),
        (Repository("C" * 32, "x:/y"), "this\n", f"this\n{'C' * 32} x:/y\n"),
        (Repository("C" * 32, EXPORT.source), "this\n", f"this\n{'C' * 32} {EXPORT.source}\n"),
        (Repository(A, NEW.source, True), f"{ROOT.source}", NEW.source),
    ],
)
def test_only_the_meant_line_changes(repository: Repository, old: str, new: str) -> None:
    expected = TEXT.replace(old, new) if old else TEXT
    if repository.source == NEW.source and repository.uuid == A:
        expected = expected.replace("- /dev/disk/by-id/new\n", "")  # now known: no second line
    listed = RepositoryList.parse(TEXT).with_repository(repository)
    assert str(listed) == expected
    assert repository in listed.repositories
    assert listed.with_repository(repository) is listed


def test_remove() -> None:
    listed = RepositoryList.parse(TEXT)
    assert str(listed.without(A.lower())) == TEXT.replace(f"@{A} /dev/mapper/ovs\n", "")
    assert listed.without("C" * 32) is listed
    assert str(listed.without_source(NEW.source)) == TEXT.replace("- /dev/disk/by-id/new\n", "")
    assert listed.without_source("/dev/nothing") is listed


def test_add_below_a_line_without_newline() -> None:
    listed = RepositoryList.parse(f"{A} /dev/sdb1").with_repository(EXPORT)
    assert str(listed) == f"{A} /dev/sdb1\n{B} server:/export\n"


@pytest.mark.parametrize(("uuid", "source"), [(A, ""), ("A", "/dev/sdb"), ("", "/dev/sdb")])
def test_nonsense_is_not_written(uuid: str, source: str) -> None:
    with pytest.raises(UsageError):
        format_line(Repository(uuid, source))


@given(st.text())
def test_every_text_survives(text: str) -> None:
    listed = RepositoryList.parse(text)
    assert str(listed) == text


printable = st.text(
    st.characters(blacklist_categories=["Cs"]).filter(lambda c: c.isprintable()), min_size=1
)


@given(st.none() | st.uuids().map(lambda u: u.hex.upper()), printable, st.booleans())
def test_format_and_parse_are_a_pair(uuid: str | None, source: str, root: bool) -> None:
    repository = Repository(uuid, source, root)
    assert parse_line(format_line(repository)) == repository
    assert len(format_line(repository).split(" ")) == 2
