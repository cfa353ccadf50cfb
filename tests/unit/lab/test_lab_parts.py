"""The lab's parts that need no server."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.lab import LabError, bundle, cache
from tests.lab.outcome import Outcome
from tests.lab.progress import Progress
from tests.lab.settings import Identity, from_environment
from tests.lab.storage import Storage

QUIET = Progress(quiet=True)


def test_identity_follows_the_white_paper() -> None:
    second = Identity(1)
    assert (second.name, second.address) == ("vmserver2.example.com", "192.168.100.101")
    assert len({Identity(index).mac for index in range(8)}) == 8
    assert len(second.machine_id) == 32


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a b", "x" * 33])
def test_bad_instance_name_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSLAB_NAME", name or "..")
    with pytest.raises(LabError):
        from_environment()


@pytest.mark.parametrize("count", [0, 9])
def test_number_of_servers_is_limited(count: int) -> None:
    with pytest.raises(LabError):
        from_environment(count=count)


def test_added_lun_comes_last_and_shares_a_controller(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    added = storage.add(1)
    assert storage.luns[-1] == added
    assert [lun.bus for lun in storage.luns] == ["scsi1", "scsi2", "scsi2"]
    assert len({(lun.bus, lun.lun) for lun in storage.luns}) == 3
    assert added.file.stat().st_size == 1 << 20
    assert added.by_id == "/dev/disk/by-id/wwn-0x5000c500ba5e0002"


def test_only_the_shared_disk_goes_round_the_page_cache(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    shared, local = storage.luns[0].blockdev(), storage.local(Identity(0)).blockdev()
    assert shared["file"]["locking"] == "off" and shared["cache"]["direct"]
    assert "locking" not in local["file"] and not local["cache"]["direct"]


def test_digest_follows_content_and_not_times(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    before = cache.digest(tmp_path)
    os.utime(tmp_path / "a", (0, 0))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    assert cache.digest(tmp_path) == before
    (tmp_path / "a").write_text("2")
    assert cache.digest(tmp_path) != before
    assert cache.digest("ab", "c") != cache.digest("a", "bc")


def test_failed_build_leaves_nothing(tmp_path: Path) -> None:
    final = tmp_path / "key"
    with pytest.raises(ZeroDivisionError), cache.new_folder(final) as aside:
        (aside / "half").touch()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with cache.new_folder(final) as aside:
        (aside / "whole").touch()
    assert [path.name for path in final.iterdir()] == ["whole"]


def test_prune_keeps_the_last_used_and_no_half_built(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "old", "oldest")):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    (tmp_path / "new.partial-1").mkdir()
    cache.prune(tmp_path, keep=2, lately_s=0.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


def test_second_holder_of_a_lock_is_told_who_has_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with cache.locked(lock, QUIET, 0), pytest.raises(LabError, match=str(os.getpid())):
        cache.locked(lock, QUIET, 0).__enter__()
    with cache.locked(lock, QUIET, 0):
        pass


def test_checkout_without_package_has_nothing_to_install(tmp_path: Path) -> None:
    assert not bundle.is_there(tmp_path)
    (tmp_path / "src" / "ovstools").mkdir(parents=True)
    (tmp_path / "src" / "ovstools" / "__init__.py").touch()
    assert not bundle.is_there(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    assert bundle.is_there(tmp_path)


def test_snapshot_leaves_builds_and_caches_behind(tmp_path: Path) -> None:
    for name in ("build/lib", "src/ovstools/__pycache__", ".cache/lab", "tests/lab"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    with bundle.snapshot(tmp_path) as copy:
        found = sorted(str(path.relative_to(copy)) for path in copy.rglob("*"))
    assert found == ["pyproject.toml", "src", "src/ovstools"]


def test_outcome_describes_both_outputs() -> None:
    text = Outcome("false", 1, "said\n", "", 0.5).describe()
    assert "exit status 1" in text and "said" in text and "stderr: empty" in text
