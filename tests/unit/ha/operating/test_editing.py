"""Operator files under locks/config; waits that end; a pool file system that does not answer."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from ovstools.errors import BusyError, OvsError, RefusedError, ToolError
from ovstools.ha.operating import edits, local_state, members
from ovstools.ha.operating.edits import PoolEdit, locked
from ovstools.ha.operating.members import Members
from ovstools.ha.operating.pool_view import PoolView
from ovstools.ha.operating.session import PoolHangs, Session, begin
from ovstools.ha.operating.waiting import Progress, until
from ovstools.ha.operating.work import Check, Stage, Step, apply
from ovstools.ha.pool_files import replace_file
from ovstools.ha.pool_place import PoolPlace
from tests.fakes.ha_pool import HaMachine, HaPool

pytestmark = pytest.mark.processes  # the pool file system is read in children


@pytest.fixture
def pool(tmp_path: Path) -> HaPool:
    """Return a pool under HA, seen from vmserver1."""
    root = tmp_path / "vmserver1"
    root.mkdir()
    return HaPool(HaMachine(root))


@pytest.fixture
def here(pool: HaPool) -> Session:
    """Return vmserver1's way to it."""
    return begin(pool.machine.host(settings=pool.settings))


def hanging(pool: HaPool) -> Session:
    """Return a way to a pool file system that does not answer: no child is as fast as 0 s."""
    host = pool.machine.host(settings=pool.settings)
    place = PoolPlace(str(pool.folder), pool.folder.stat().st_dev)
    return Session(host, place, members.find(host), limit_s=0.0)


def test_the_lock_is_held_for_the_whole_pool(here: Session, pool: HaPool) -> None:
    with locked(here, 0), (pool.folder / "locks/config").open("rb") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with (
            pytest.raises(BusyError, match="another ovstools"),
            locked(begin(pool.machine.host(settings=pool.settings)), 0),
        ):
            pass
    with (pool.folder / "locks/config").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_that_changed_since_is_not_written(here: Session, pool: HaPool) -> None:
    path = pool.folder / "rules.yaml"
    change = PoolEdit(str(pool.folder), "rules.yaml", None, "format: 1\n")
    with locked(here, 0):
        path.write_text("somebody else\n")
        with pytest.raises(RefusedError, match="changed by somebody else"):
            change.apply(here)
        assert path.read_text() == "somebody else\n"
        PoolEdit(str(pool.folder), "rules.yaml", "somebody else\n", None).apply(here)
        assert not path.exists()
        change.apply(here)
    assert path.read_text() == "format: 1\n"


def test_nothing_is_edited_without_the_lock(here: Session, pool: HaPool) -> None:
    with pytest.raises(AssertionError, match="locks/config"):
        PoolEdit(str(pool.folder), "rules.yaml", None, "x").apply(here)


def test_what_hangs_is_one_clear_error(pool: HaPool) -> None:
    away = hanging(pool)
    with pytest.raises(PoolHangs) as caught:
        away.view()
    assert caught.value.status == 4
    assert "does not answer" in caught.value.what and "ovstools status" in caught.value.hint
    with pytest.raises(PoolHangs), edits.locked(away, 0):
        pass


def test_a_write_that_is_not_confirmed_is_no_refusal(here: Session, pool: HaPool) -> None:
    job = replace_file(here.io, "rules.yaml", b"x\n", 0.0)
    with pytest.raises(ToolError, match="is written, perhaps not") as caught:
        here.written("rules.yaml", job)
    assert caught.value.status == 1, "4 would say that nothing was changed"


def test_a_folder_that_cannot_be_listed_is_not_empty(here: Session, pool: HaPool) -> None:
    pool.guest("web")
    (pool.folder / "guests").rename(pool.folder / "guests.away")
    (pool.folder / "guests").symlink_to(pool.folder / "guests.away")
    with pytest.raises(RefusedError, match="cannot read the pool file system"):
        here.view()


# ---------------------------------------------------------------- waiting


def test_a_wait_says_each_new_text_once_and_ends(here: Session, pool: HaPool) -> None:
    texts = iter(["one", "one", "two", "two"])

    def look(view: PoolView) -> Progress:
        text = next(texts, "")
        return Progress(not text, text)

    until(here, look, 9.0)
    assert pool.machine.said.getvalue() == "ovstools: one\novstools: two\n"


def test_a_wait_goes_on_while_storage_does_not_answer(pool: HaPool) -> None:
    away = hanging(pool)
    with pytest.raises(ToolError, match="does not answer"):
        until(away, lambda view: Progress(True, ""), 5.0)
    assert pool.machine.clock.now == pytest.approx(1005, abs=0.5), "to its own deadline"


def test_what_is_stuck_ends_a_wait(here: Session, pool: HaPool) -> None:
    with pytest.raises(ToolError, match="no room") as caught:
        until(here, lambda view: Progress(False, "no room", "make some", True), 300.0)
    assert caught.value.hint == "make some" and pool.machine.clock.now < 1020


# ---------------------------------------------------------------- stages


def failing(error: OvsError) -> Check:
    """Return a step that fails."""

    def check(session: Session) -> None:
        raise error

    return Check("is it so?", check)


def test_a_refusal_after_a_change_is_none(here: Session, pool: HaPool) -> None:
    change = PoolEdit(str(pool.folder), "rules.yaml", None, "format: 1\n")
    steps = (Step("write", change), Step("look", failing(RefusedError("no"))))
    with locked(here, 0), pytest.raises(ToolError, match="look: no") as caught:
        apply(Stage(steps, edits=True), here, [])
    assert "done before: write" in caught.value.evidence
    with pytest.raises(RefusedError, match="no"):
        apply(Stage(steps[1:]), here, [])


# ---------------------------------------------------------------- who is there


def test_servers_are_named_in_full_or_up_to_the_dot() -> None:
    numbers = {"vm1.example.com": 0, "vm2.example.com": 1, "vm2.example.org": 2}
    found = Members("vm1.example.com", numbers, None, 62.0)
    assert found.named("vm1") == found.named("vm1.example.com") == "vm1.example.com"
    with pytest.raises(RefusedError, match="there is no server vm2 in the pool"):
        found.named("vm2")


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"node": 1}', '{"node": "a", "locks": 7}'])
def test_an_odd_local_state_is_none(pool: HaPool, text: str) -> None:
    pool.machine.write("/run/ovs/agent.json", text)
    assert local_state.read(pool.machine.host(settings=pool.settings)) is None


def test_a_lock_that_is_waited_for_is_no_running_agent(pool: HaPool) -> None:
    host = pool.machine.host(settings=pool.settings)
    found = local_state.read(host)
    assert found is not None and found.is_running
    inode = (pool.machine.root / "run/ovs/agent.lock").stat().st_ino
    for line in (f"1: -> FLOCK ADVISORY WRITE 1 00:00:{inode} 0 EOF",
                 f"1: POSIX ADVISORY WRITE 1 00:00:{inode} 0 EOF",
                 f"1: FLOCK ADVISORY WRITE 1 00:00:{inode}1 0 EOF"):  # fmt: skip
        pool.machine.write("/proc/locks", line + "\n")
        found = local_state.read(host)
        assert found is not None and not found.is_running, line
