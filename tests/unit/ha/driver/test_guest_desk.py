"""What an earlier life of the agent started for a guest: found while it is at work, no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovstools.ha.driver.guest_desk import ASK_AGAIN_S, JOB_VARIABLE, GuestDesk, earlier_jobs
from ovstools.ha.driver.loop import Loop
from ovstools.ha.hypervisors.protocol import Look
from ovstools.model.command import Command
from ovstools.system.clock import Clock
from ovstools.system.program import Program
from tests.unit.ha.driver.rig import Hypervisor
from tests.unit.system.test_program import wait

pytestmark = pytest.mark.processes

#: what it leaves for the guest's life, as `xl create` and a try's launcher do; the shell ends when
#: it has let go of the output, which a child that was only just forked has not
MONITOR = (
    "mkfifo {pid}.ready; ( echo >{pid}.ready; sleep 1; : ) </dev/null >/dev/null 2>&1 & "
    "echo $! >{pid}; read _ <{pid}.ready"
)


def begun(home: str, script: str) -> Program:
    """Start a shell for the guest web."""
    mark = {JOB_VARIABLE: f"{home}:web"}
    return Program(Command(("sh", "-c", script), timeout_s=20), Clock(), mark)


def test_a_command_at_work_is_found_and_only_by_its_own_home(tmp_path: Path) -> None:
    job = begun(str(tmp_path), "sleep 5; :")
    try:
        assert earlier_jobs(str(tmp_path))[job.pid] == "web"
        assert earlier_jobs(f"{tmp_path}/other") == {}
    finally:
        job.kill()


@pytest.mark.parametrize("first", ["", f"unset {JOB_VARIABLE}; "])
def test_what_it_leaves_behind_for_the_guests_life_is_no_job(tmp_path: Path, first: str) -> None:
    pid = tmp_path / "pid"
    job = begun(str(tmp_path), first + MONITOR.format(pid=pid))
    assert wait(job).status == 0
    assert Path(f"/proc/{int(pid.read_text())}/environ").read_bytes().count(b"OVS_AGENT_JOB")
    assert earlier_jobs(str(tmp_path)) == {}


class Ticking(Clock):
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class AtOnce(Hypervisor):
    """A hypervisor that answers without a program."""

    def look(self) -> Look:
        self.looks += 1
        return dict(self.table)
        yield


def test_a_quiet_hypervisor_is_asked_seldom_and_one_that_is_not_each_time() -> None:
    clock, hypervisor = Ticking(), AtOnce()
    loop = Loop(clock)
    GuestDesk(loop, (hypervisor,), "here", lambda: None, lambda text: None).begin()

    def looks(seconds: float) -> int:
        before, end = hypervisor.looks, clock.now + seconds
        while clock.now < end:
            clock.now += hypervisor.look_every_s
            loop.run_once()
        return hypervisor.looks - before

    assert looks(1) >= 15
    hypervisor.quiet = True
    assert looks(ASK_AGAIN_S - 1) == 0
    assert 2 <= looks(2 * ASK_AGAIN_S) <= 3
    hypervisor.quiet = False
    assert looks(1) >= 15
