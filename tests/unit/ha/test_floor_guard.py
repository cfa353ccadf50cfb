"""The drop-ins that keep the storage's units from being stopped below guests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovstools.ha.floor_guard import NAME, RETRY_S, TEXT, FloorGuard


class Machine:
    """A clock and a systemctl that end as the test says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.started = 0
        self.status: int | None = 0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def start(self) -> int:
        self.started += 1
        return self.started

    def ended(self, pid: int) -> int | None:
        return self.status


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def guard(tmp_path: Path, machine: Machine, said: list[str]) -> FloorGuard:
    return FloorGuard(tmp_path, machine, said.append, machine.start, machine.ended)  # type: ignore[arg-type]


def present(tmp_path: Path) -> set[str]:
    return {path.parent.name for path in tmp_path.glob(f"*.d/{NAME}") if path.read_text() == TEXT}


ALL = {"o2cb.service.d", "ocfs2.service.d", "ovsrepositories.service.d"}


def test_comes_with_the_first_guest_and_goes_with_the_last(
    guard: FloorGuard, machine: Machine, tmp_path: Path
) -> None:
    guard.want(True)
    assert present(tmp_path) == ALL and machine.started == 1
    assert guard.due_s() is not None
    guard.want(True)
    assert guard.due_s() is None and machine.started == 1
    guard.want(False)
    assert present(tmp_path) == set() and machine.started == 2


def test_one_reload_at_a_time_and_the_last_word_wins(
    guard: FloorGuard, machine: Machine, tmp_path: Path
) -> None:
    machine.status = None
    guard.want(True)
    guard.want(False)
    guard.want(True)
    guard.want(False)
    assert machine.started == 1 and present(tmp_path) == ALL
    machine.status = 0
    guard.want(False)
    assert machine.started == 2 and present(tmp_path) == set()


def test_a_start_reloads_once_for_a_run_that_was_killed_between(
    guard: FloorGuard, machine: Machine, tmp_path: Path
) -> None:
    for name in ALL:
        (tmp_path / name).mkdir()
        (tmp_path / name / NAME).write_text(TEXT)
    guard.want(True)
    assert machine.started == 1


def test_tries_again_after_a_failure(
    guard: FloorGuard, machine: Machine, said: list[str], tmp_path: Path
) -> None:
    machine.status = 1
    guard.want(True)
    guard.want(True)
    assert machine.started == 1 and "ended with 1" in said[-1]
    assert guard.due_s() == RETRY_S
    machine.now += RETRY_S
    machine.status = 0
    guard.want(True)
    guard.want(True)
    assert machine.started == 2 and "guarded" in said[-1]


def test_survives_a_folder_that_cannot_be_made(
    guard: FloorGuard, machine: Machine, said: list[str], tmp_path: Path
) -> None:
    (tmp_path / "o2cb.service.d").write_text("in the way")
    guard.want(True)
    assert machine.started == 0 and said and guard.due_s() == RETRY_S


def test_leaves_other_drop_ins_alone(guard: FloorGuard, tmp_path: Path) -> None:
    (tmp_path / "o2cb.service.d").mkdir()
    (tmp_path / "o2cb.service.d" / "admin.conf").touch()
    guard.want(True)
    guard.want(True)
    guard.want(False)
    assert (tmp_path / "o2cb.service.d" / "admin.conf").exists()
