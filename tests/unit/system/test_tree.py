"""Copies of files with their attributes and holes, and their comparison, in real folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ovstools.system import tree, tree_compare
from ovstools.system.tree import Entry

HOLE = 1 << 20


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a folder with one of each kind."""
    old = tmp_path / "old"
    (old / "running_pool/web1").mkdir(parents=True)
    (old / "lost+found").mkdir()
    image = old / "running_pool/web1/system.img"
    with image.open("wb") as file:
        file.write(b"begin")
        file.seek(8 * HOLE)
        file.write(b"end")
        file.truncate(16 * HOLE)
    image.chmod(0o640)
    os.utime(image, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    (old / "empty").write_text("")
    (old / "all hole").touch()
    os.truncate(old / "all hole", 3 * HOLE)
    (old / "link").symlink_to("running_pool/nowhere")
    os.mkfifo(old / "fifo", 0o600)
    return old


def entry(top: Path, path: str) -> Entry:
    return next(each for each in tree.walk(top) if each.path == path)


def copied(old: Path, path: str) -> tuple[Entry, Path]:
    """Copy one thing, and return it with its copy."""
    target = old.parent / "copy"
    found, counted = entry(old, path), list[int]()
    tree.copy(old / path, found, target, old.parent / "part", counted.append)
    assert not (old.parent / "part").exists()
    assert sum(counted) <= found.used_bytes + tree.CHUNK
    return found, target


def test_walk(old: Path) -> None:
    paths = [each.path for each in tree.walk(old, {"lost+found"})]
    image = "running_pool/web1/system.img"
    names = ["all hole", "empty", "fifo", "link", "running_pool", "running_pool/web1", image]
    assert paths == names
    assert "lost+found" in [each.path for each in tree.walk(old)]


@pytest.mark.parametrize(
    "path", ["running_pool/web1/system.img", "empty", "all hole", "link", "fifo"]
)
def test_a_copy_is_like_its_original(old: Path, path: str) -> None:
    found, copy = copied(old, path)
    assert tree_compare.difference(old / path, found, copy, lambda n: None) == ""
    assert tree.looks_same(found, copy)
    assert os.lstat(copy).st_mtime_ns == found.status.st_mtime_ns
    if found.is_file:
        assert copy.read_bytes() == (old / path).read_bytes()
        assert os.lstat(copy).st_blocks <= found.status.st_blocks + 16, "holes are filled"


def test_a_part_of_a_killed_run_is_in_nobodys_way(old: Path) -> None:
    (old.parent / "part").write_text("half a file")
    _, copy = copied(old, "empty")
    assert copy.read_text() == ""


def test_extended_attributes(old: Path) -> None:
    path = old / "empty"
    try:
        os.setxattr(path, "user.note", b"kept")
    except OSError:
        pytest.skip("no extended attributes here")
    _, copy = copied(old, "empty")
    assert os.getxattr(copy, "user.note") == b"kept"
    assert tree_compare.lost_attributes(path, copy) == ()
    os.removexattr(copy, "user.note")
    assert tree_compare.lost_attributes(path, copy) == ("user.note",)


def replace_by_folder(copy: Path) -> None:
    copy.unlink()
    copy.mkdir()


@pytest.mark.parametrize(
    "damage, words",
    [
        (Path.unlink, "it is missing"),
        (replace_by_folder, "it is something else"),
        (lambda copy: copy.chmod(0o600), "mode 600 instead of 640"),
        (lambda copy: os.truncate(copy, 5), "5 bytes instead of 16777216"),
        (lambda copy: os.utime(copy, (1, 1)), "another time of last change"),
        (lambda copy: put(copy, 0, b"B"), "other content behind byte 0"),
        (lambda copy: put(copy, 12 * HOLE, b"x"), f"other content behind byte {12 * HOLE}"),
    ],
    ids=["missing", "folder", "mode", "size", "time", "begin", "hole"],
)
def test_every_difference_is_seen(old: Path, damage: Callable[[Path], object], words: str) -> None:
    path = "running_pool/web1/system.img"
    found, copy = copied(old, path)
    damage(copy)
    assert tree_compare.difference(old / path, found, copy, lambda n: None) == words


def put(path: Path, offset: int, data: bytes) -> None:
    """Change bytes behind the back of the file's time."""
    before = os.stat(path)
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_link_that_leads_elsewhere(old: Path) -> None:
    found, copy = copied(old, "link")
    copy.unlink()
    copy.symlink_to("/etc/passwd")
    words = tree_compare.difference(old / "link", found, copy, lambda n: None)
    assert words == "it leads elsewhere"
