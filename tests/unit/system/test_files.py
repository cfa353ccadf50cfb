"""Writing files: whole or not at all, whoever owns them, whatever goes wrong."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ovstools.errors import RefusedError, ToolError
from ovstools.system import files

TROUBLES = {
    errno.ENOSPC: "make room: df -h",
    errno.EDQUOT: "raise the quota",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "run it as root",
    errno.EPERM: "lsattr",
    errno.EIO: "",
}
#: the system calls on the way of a new text to its name
STATIONS = ("fsync", "fchmod")


def fail_with(number: int) -> Callable[..., None]:
    def fail(*words: object, **names: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "repositories"
    path.write_text("old\n")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------- read_text


def test_reads_line_ends_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\r\nb\xc3\xa9")
    assert files.read_text(tmp_path / "a") == "a\r\nb\u00e9"


@pytest.mark.parametrize("name", ["missing", "file/below"])
def test_nothing_there_is_no_text(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    assert files.read_text(tmp_path / name) is None


def test_refuses_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfe")
    with pytest.raises(RefusedError, match=r"a is not UTF-8 text"):
        files.read_text(tmp_path / "a")
    with pytest.raises(RefusedError, match=r"cannot read .*: Is a directory"):
        files.read_text(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(RefusedError, match=r"cannot read .*loop: Too many levels"):
        files.read_text(tmp_path / "loop")


# ---------------------------------------------------------------- replace


def test_replaces(file: Path) -> None:
    before = file.stat().st_ino
    files.replace(file, "new\n", "old\n")
    assert file.read_text() == "new\n"
    assert file.stat().st_ino != before, "another file took the name"
    assert names(file.parent) == ["repositories"]


def test_a_reader_of_the_old_text_reads_on(file: Path) -> None:
    with file.open() as reader:
        files.replace(file, "new\n", "old\n")
        assert reader.read() == "old\n"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_keeps_the_mode(file: Path, mode: int) -> None:
    file.chmod(mode)
    files.replace(file, "new\n", "old\n", mode=0o644)
    assert stat.S_IMODE(file.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_keeps_the_owner_and_with_it_the_set_uid_bit(file: Path) -> None:
    os.chown(file, 65534, 65533)
    file.chmod(0o4750)
    files.replace(file, "new\n", "old\n")
    found = file.stat()
    assert (found.st_uid, found.st_gid) == (65534, 65533)
    assert stat.S_IMODE(found.st_mode) == 0o4750


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_has_the_mode_that_was_asked_for(tmp_path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        files.replace(tmp_path / "etc" / "ovs" / "a", "text\n", None, mode=0o640)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "etc/ovs/a").stat().st_mode) == 0o640
    for folder in ("etc", "etc/ovs"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o755


def test_nobody_else_can_read_it_before_it_is_done(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.chmod(0o600)
    seen = []

    def rename(self: Path, target: Path) -> None:
        seen.append(stat.S_IMODE(self.stat().st_mode))
        os.rename(self, target)

    monkeypatch.setattr(Path, "replace", rename)
    files.replace(file, "new\n", "old\n")
    assert seen == [0o600]


def test_a_symbolic_link_stays_and_its_target_changes(tmp_path: Path, file: Path) -> None:
    (tmp_path / "etc").mkdir()
    link = tmp_path / "etc" / "link"
    link.symlink_to("../repositories")
    files.replace(link, "new\n", "old\n")
    assert os.readlink(link) == "../repositories"
    assert file.read_text() == "new\n"
    assert names(tmp_path / "etc") == ["link"]


@pytest.mark.parametrize("before", [None, "", "old", "other\n"])
def test_refuses_a_file_that_somebody_changed(file: Path, before: str | None) -> None:
    with pytest.raises(RefusedError, match="changed by somebody else"):
        files.replace(file, "new\n", before)
    assert file.read_text() == "old\n"
    assert names(file.parent) == ["repositories"]


def test_refuses_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="changed by somebody else"):
        files.replace(tmp_path / "gone", "new\n", "old\n")
    assert names(tmp_path) == []


@pytest.mark.parametrize("call", [*STATIONS, "rename"])
@pytest.mark.parametrize("number", TROUBLES)
def test_trouble_leaves_the_old_text_and_nothing_else(
    file: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    if call == "rename":
        monkeypatch.setattr(Path, "replace", fail_with(number))
    else:
        monkeypatch.setattr(os, call, fail_with(number))
    with pytest.raises(RefusedError) as caught:
        files.replace(file, "new\n", "old\n")
    assert str(file) in caught.value.what and os.strerror(number) in caught.value.what
    assert TROUBLES[number] in caught.value.hint
    assert file.read_text() == "old\n"
    assert names(file.parent) == ["repositories"]


def test_an_interruption_leaves_the_old_text_and_nothing_else(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.replace(file, "new\n", "old\n")
    assert file.read_text() == "old\n"
    assert names(file.parent) == ["repositories"]


@pytest.mark.parametrize("below", ["x", "x/y"])
def test_a_file_holds_no_files(file: Path, below: str) -> None:
    with pytest.raises(RefusedError, match=r"cannot write .*: Not a directory"):
        files.replace(file / below, "x", None)


def test_text_and_folder_are_on_the_storage(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[object] = []

    def fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        synced.append((kind, file.read_text()))

    monkeypatch.setattr(os, "fsync", fsync)
    files.replace(file, "new\n", "old\n")
    assert synced == [("file", "old\n"), ("folder", "new\n")]


def test_a_folder_that_cannot_be_synced_is_no_refusal(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is another by then: exit status 4 would say that nothing was changed."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    number = errno.EIO
    with pytest.raises(ToolError, match="may be lost with the power"):
        files.replace(file, "new\n", "old\n")
    assert file.read_text() == "new\n"
    number = errno.EINVAL  # a file system that cannot do it
    files.replace(file, "newer\n", "new\n")


# ---------------------------------------------------------------- the SELinux label


def test_keeps_the_selinux_label(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    monkeypatch.setattr(os, "getxattr", lambda path, name: f"label of {path}".encode())
    monkeypatch.setattr(os, "setxattr", lambda fd, name, value: kept.append((name, value)))
    files.replace(file, "new\n", "old\n")
    assert kept == [("security.selinux", f"label of {file}".encode())]


def test_does_without_selinux(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getxattr", fail_with(errno.ENODATA))
    files.replace(file, "new\n", "old\n")
    assert file.read_text() == "new\n"


# ---------------------------------------------------------------- publish


def test_publishes_once(tmp_path: Path) -> None:
    path = tmp_path / ".ovsrepo"
    assert files.publish(path, "first\n", 0o640) is True
    assert files.publish(path, "second\n") is False
    assert path.read_text() == "first\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_nlink == 1
    assert names(tmp_path) == [".ovsrepo"]


def test_publishes_though_nfs_lost_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(source: Path, target: Path) -> None:
        real(source, target)
        raise FileExistsError(errno.EEXIST, "the repeated request")

    monkeypatch.setattr(os, "link", link)
    assert files.publish(tmp_path / "a", "mine\n") is True
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_publishes_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", fail_with(number))
    with pytest.raises(RefusedError, match=r"cannot write .*a: "):
        files.publish(tmp_path / "a", "x")
    assert names(tmp_path) == []


def test_publishes_nowhere_without_a_folder(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="No such file or directory"):
        files.publish(tmp_path / "missing" / "a", "x")


# ---------------------------------------------------------------- remove


def test_removes_what_was_read(file: Path) -> None:
    with pytest.raises(RefusedError, match="changed by somebody else"):
        files.remove(file, "other\n")
    assert file.exists()
    files.remove(file, "old\n")
    assert not file.exists()


def test_says_why_it_cannot_remove(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "unlink", fail_with(errno.EROFS))
    with pytest.raises(RefusedError, match="Read-only file system"):
        files.remove(file, "old\n")


# ---------------------------------------------------------------- folders


def test_makes_folders_durably(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[object] = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    files.make_folder(tmp_path / "a" / "b" / "c", 0o700)
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert stat.S_IMODE((tmp_path / "a/b").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "a/b/c").stat().st_mode) == 0o700


def test_leaves_a_folder_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(0o700)
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link"):
        files.make_folder(tmp_path / name, 0o777)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_a_file_is_no_folder(file: Path) -> None:
    for path in (file, file / "below"):
        with pytest.raises(NotADirectoryError):
            files.make_folder(path)


# ---------------------------------------------------------------- probe


def test_probe_leaves_nothing(tmp_path: Path) -> None:
    files.probe(tmp_path)
    files.probe(tmp_path / "not" / "there" / "yet")
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_probe_fills_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "fsync", fail_with(number))
    with pytest.raises(RefusedError) as caught:
        files.probe(tmp_path)
    assert TROUBLES[number] in caught.value.hint
    assert names(tmp_path) == []


def test_probe_finds_a_folder_that_takes_no_files(file: Path) -> None:
    for folder in (file, file / "below"):
        with pytest.raises(RefusedError, match=r"cannot write .*: Not a directory"):
            files.probe(folder)
