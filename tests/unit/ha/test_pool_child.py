"""What a child does, in this process: locks and files below a folder's descriptor."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovstools.ha import pool_child_files as files
from ovstools.ha import pool_child_locks as locks
from ovstools.system import descriptors

#: names are relative to a descriptor, which the quarantine cannot follow
pytestmark = pytest.mark.processes

NAME = "locks/guest-vm1"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "locks").mkdir()
    opened = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield opened
    os.close(opened)


def content(memory: int) -> bytes:
    data = files.content(memory)
    os.close(memory)
    return data


def test_lock_write_verify(folder: int, tmp_path: Path) -> None:
    said, (held, memory) = locks.lock(folder, [NAME, "try"], [])
    assert said == ["granted"] and content(memory) == b""
    assert locks.lock(folder, [NAME, "try"], []) == (["denied"], [])
    block = files.in_memory(b"x" * 512)
    assert locks.write(folder, [NAME], [held, block]) == (["ok"], [])
    assert (tmp_path / NAME).read_bytes() == b"x" * 512
    assert locks.verify(folder, [NAME], [held]) == (["ok"], [])
    fcntl.flock(held, fcntl.LOCK_UN)
    with pytest.raises(OSError, match="not locked by us"):
        locks.write(folder, [NAME], [held, block])
    descriptors.close_all([held, block])


def test_longer_file_is_cut_to_the_block(folder: int, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"y" * 900)
    _, (held, memory) = locks.lock(folder, [NAME, "wait"], [])
    assert len(content(memory)) == 513  # enough to see that it is no block
    block = files.in_memory(b"x" * 512)
    locks.write(folder, [NAME], [held, block])
    assert (tmp_path / NAME).stat().st_size == 512
    descriptors.close_all([held, block])


def test_replaced_under_the_holder(folder: int, tmp_path: Path) -> None:
    _, (held, memory) = locks.lock(folder, [NAME, "try"], [])
    (tmp_path / NAME).unlink()
    with pytest.raises(OSError) as caught:
        locks.verify(folder, [NAME], [held])
    assert caught.value.errno == errno.ESTALE
    descriptors.close_all([held, memory])


def test_files(folder: int, tmp_path: Path) -> None:
    data = files.in_memory(b"one\n")
    assert files.replace(folder, ["a.json", "640"], [data]) == (["ok"], [])
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640
    assert files.append(folder, ["log", "7", "2"], [data]) == (["ok"], [])
    files.append(folder, ["log", "7", "2"], [data])
    assert (tmp_path / "log.1").read_bytes() == (tmp_path / "log").read_bytes() == b"one\n"
    said, (memory,) = files.read(folder, ["100", "a.json", "none", "locks"], [])
    assert said[:3] == ["ok", "4", "missing"] and said[3].startswith("failed ")
    assert content(memory) == b"one\n"
    said, (memory,) = files.read(folder, ["3", "a.json"], [])
    assert said[1].startswith(f"failed {errno.EFBIG}") and content(memory) == b""
    _, (memory,) = files.list_names(folder, ["."], [])
    assert content(memory) == b"a.json\0locks\0log\0log.1"
    for _ in range(2):
        assert files.remove(folder, ["a.json"], []) == (["ok"], [])
    with pytest.raises(IsADirectoryError):
        files.replace(folder, ["locks", "600"], [data])
    assert not list(tmp_path.glob(".*"))
    os.close(data)
