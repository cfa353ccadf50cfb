"""Files of the pool, through children: whole, durable, and never below locks/."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovstools.ha import pool_files
from ovstools.ha.pool_io import Children, Done, Failed, Job, PoolIo, wait
from ovstools.model.sealed_block import Missing

pytestmark = pytest.mark.processes
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    made = Children()
    yield made
    made.close()
    while made.collect():
        pass


@pytest.fixture
def io(tmp_path: Path, children: Children) -> PoolIo:
    (tmp_path / "nodes").mkdir()
    return PoolIo(str(tmp_path), children=children)


def done(job: Job[Done]) -> None:
    assert wait(job) == Done()


def test_reads_many_in_one_request(io: PoolIo, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\0two")
    (tmp_path / "b").write_bytes(b"x" * 3_000_000)
    (tmp_path / "nodes" / "c").write_bytes(b"")
    (tmp_path / "link").symlink_to("a")
    names = ["b", "a", "gone", "nodes/c", "nodes", "link", "a/below"]
    found = wait(pool_files.read_files(io, names, LIMIT_S))
    assert isinstance(found, dict) and list(found) == names
    assert found["b"] == b"x" * 3_000_000
    assert (found["a"], found["nodes/c"]) == (b"one\0two", b"")
    assert found["gone"] == found["a/below"] == Missing()
    assert isinstance(found["nodes"], Failed) and isinstance(found["link"], Failed)


def test_replaces_by_rename(io: PoolIo, tmp_path: Path) -> None:
    path = tmp_path / "nodes" / "one.json"
    done(pool_files.replace_file(io, "nodes/one.json", b"{}", LIMIT_S))
    first = path.stat()
    done(pool_files.replace_file(io, "nodes/one.json", b"x" * 500_000, LIMIT_S, mode=0o644))
    assert path.read_bytes() == b"x" * 500_000
    assert (first.st_mode & 0o777, path.stat().st_mode & 0o777) == (0o600, 0o644)
    assert path.stat().st_ino != first.st_ino
    (tmp_path / "nodes" / ".one.json.1-2.new").touch()
    assert wait(pool_files.list_names(io, "nodes", LIMIT_S)) == ("one.json",)


def test_failed_replace_leaves_nothing(io: PoolIo, tmp_path: Path) -> None:
    (tmp_path / "nodes" / "one.json").mkdir()
    found = wait(pool_files.replace_file(io, "nodes/one.json", b"{}", LIMIT_S))
    assert isinstance(found, Failed) and found.number
    assert os.listdir(tmp_path / "nodes") == ["one.json"]


def test_appends_whole_lines(io: PoolIo, tmp_path: Path) -> None:
    done(pool_files.append_lines(io, "nodes/e", b"1\n", LIMIT_S))
    (tmp_path / "nodes" / "e").write_bytes(b"1\ncut sho")
    done(pool_files.append_lines(io, "nodes/e", b"2\n", LIMIT_S))
    assert (tmp_path / "nodes" / "e").read_bytes() == b"1\ncut sho\n2\n"


def test_rotates(io: PoolIo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_files, "EVENTS_LIMIT", 5)
    for number in range(8):
        done(pool_files.append_lines(io, "nodes/e", b"%d..\n" % number, LIMIT_S))
    kept = sorted(os.listdir(tmp_path / "nodes"))
    assert kept == ["e", "e.1", "e.2", "e.3", "e.4"]
    assert [(tmp_path / "nodes" / name).read_bytes()[:1] for name in kept] == [
        b"7", b"6", b"5", b"4", b"3"
    ]  # fmt: skip


def test_removes(io: PoolIo, tmp_path: Path) -> None:
    (tmp_path / "nodes" / "x").touch()
    done(pool_files.remove_file(io, "nodes/x", LIMIT_S))
    done(pool_files.remove_file(io, "nodes/x", LIMIT_S))
    assert os.listdir(tmp_path / "nodes") == []


def test_sweeps_what_was_left_behind_long_ago(io: PoolIo, tmp_path: Path) -> None:
    for name in (".old.1-2.new", ".young.1-2.new", ".other", "old.new"):
        (tmp_path / "nodes" / name).touch()
    os.utime(tmp_path / "nodes" / ".old.1-2.new", (0, 0))
    os.utime(tmp_path / "nodes" / "old.new", (0, 0))
    done(pool_files.sweep(io, "nodes", LIMIT_S))
    assert sorted(os.listdir(tmp_path / "nodes")) == [".other", ".young.1-2.new", "old.new"]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "nodes/../../x", "a\0b"])
def test_stays_inside(io: PoolIo, name: str) -> None:
    with pytest.raises(ValueError):
        pool_files.read_files(io, [name], LIMIT_S)
    with pytest.raises(ValueError):
        pool_files.replace_file(io, name, b"", LIMIT_S)
    with pytest.raises(ValueError):
        pool_files.remove_file(io, name, LIMIT_S)


def test_never_touches_lock_files(io: PoolIo) -> None:
    with pytest.raises(ValueError, match="never"):
        pool_files.replace_file(io, "locks/guest-a", b"", LIMIT_S)
    with pytest.raises(ValueError, match="never"):
        pool_files.append_lines(io, "locks/guest-a", b"", LIMIT_S)
    with pytest.raises(ValueError, match="never"):
        pool_files.remove_file(io, "locks/guest-a", LIMIT_S)


def test_errors_have_their_number(io: PoolIo) -> None:
    found = wait(pool_files.replace_file(io, "no/folder", b"", LIMIT_S))
    assert isinstance(found, Failed) and found.number == 2
    names = wait(pool_files.list_names(io, "no", LIMIT_S))
    assert isinstance(names, Failed)
