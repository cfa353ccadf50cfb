"""The agent as a service: what systemd and signals say to it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ovstools.errors import BusyError, RefusedError
from ovstools.ha import agent_run
from ovstools.ha.agent_run import Service, shutdown_of, watchdog_s
from ovstools.ha.driver.place import Place
from ovstools.ha.pool_place import Missing
from ovstools.ha.report import POWER_OFF, REBOOT
from ovstools.model.command import Command
from ovstools.system import lock, notify
from tests.fakes.machine import FakeMachine
from tests.unit.ha.driver.conftest import folder, rig
from tests.unit.ha.driver.rig import Rig

__all__ = ["folder", "rig"]

JOBS = "  12 {} start waiting\n  13 ovs-agent.service stop running\n"


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ("", None),
        ("No jobs running.\n", None),
        ("1 ovs-agent.service restart running\n", None),
        ("1 reboot.target stop waiting\n", None),
        (JOBS.format("reboot.target"), REBOOT),
        (JOBS.format("kexec.target"), REBOOT),
        (JOBS.format("poweroff.target"), POWER_OFF),
        (JOBS.format("halt.target"), POWER_OFF),
    ],
)
def test_how_the_system_shuts_down(jobs: str, expected: str | None) -> None:
    assert shutdown_of(jobs) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "x"}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
    ],
)
def test_the_watchdogs_period(environ: Mapping[str, str], expected: float | None) -> None:
    assert watchdog_s(environ) == expected


@pytest.fixture
def restored() -> Iterator[None]:
    """Give the signals back that the service took."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def systemd(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Return systemd's end of the notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(folder / "notify"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        yield listener


def heard(systemd: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(systemd.recv(4096).decode().split("\n")[0])
        except BlockingIOError:
            return found


def waiting(said: list[str], then: Callable[[Service], None]) -> Service:
    """Return a service that finds no pool, and on which something happens a little later."""
    service = Service(
        lambda: Missing("no cluster root", "makerepo"), said.append, notify.notifier(os.environ)
    )
    service.loop.after(0.1, lambda: then(service))
    return service


@pytest.mark.processes
@pytest.mark.parametrize(
    ("number", "anew"), [(signal.SIGTERM, False), (signal.SIGINT, False), (signal.SIGHUP, True)]
)
def test_without_a_pool_it_is_ready_and_waits(
    restored: None, systemd: socket.socket, number: int, anew: bool
) -> None:
    said: list[str] = []
    service = waiting(said, lambda service: os.kill(os.getpid(), number))
    assert service.run() is anew
    found = heard(systemd)
    assert found[0] == "READY=1"
    assert "WATCHDOG=1" in found
    assert said[0] == "waits: no cluster root (makerepo)"


@pytest.mark.processes
def test_it_begins_when_there_is_a_pool_and_ends_without_touching_guests(
    restored: None, rig: Rig
) -> None:
    rig.close()
    service = Service(lambda: rig.place, rig.said.append, None)
    rig.add("web")

    def look() -> None:
        if rig.hypervisor.told:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            service.loop.after(0.05, look)

    service.loop.after(0.05, look)
    assert service.run() is False
    assert rig.hypervisor.told == [("start", "web")]
    assert "guests and their locks stay" in rig.said[-1]


@pytest.mark.processes
def test_a_shutdown_drains_and_then_leaves(
    restored: None, systemd: socket.socket, rig: Rig
) -> None:
    rig.close()
    service = Service(lambda: rig.place, rig.said.append, notify.notifier(os.environ))
    rig.add("web")

    def look() -> None:
        if rig.hypervisor.told:
            service._told_why(POWER_OFF)
        else:
            service.loop.after(0.05, look)

    service.loop.after(0.05, look)
    assert service.run() is False
    assert [verb for verb, *_ in rig.hypervisor.told] == ["start", "stop", "forget"]
    assert any(each.startswith("EXTEND_TIMEOUT_USEC=") for each in heard(systemd))


@pytest.mark.processes
def test_systemd_is_asked_until_it_answers(
    restored: None, systemd: socket.socket, rig: Rig, folder: Path
) -> None:
    """One that was too busy to say that it shuts down left guests to be stopped without a word."""
    rig.close()
    service = Service(lambda: rig.place, rig.said.append, notify.notifier(os.environ))
    first = f"rm {folder}/busy 2>/dev/null && exit 1"
    (folder / "busy").touch()
    service.jobs = Command(("sh", "-c", f"{first}; echo 1 poweroff.target start waiting"))
    service.loop.after(0.2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert service.run() is False
    assert "this server shuts down (power-off): its guests are moved or stopped" in rig.said


@pytest.mark.processes
def test_another_pool_file_system_is_begun_with_anew(rig: Rig) -> None:
    moved: Place = replace(rig.place, io=type(rig.io)("/elsewhere"))
    service = Service(lambda: moved, rig.said.append, None)
    service.driver = rig.driver
    service._search("")
    assert service.wants_reload


def test_one_agent_a_server_and_none_below_another_root(machine: FakeMachine) -> None:
    host = machine.host()
    folder = host.path("/run/ovs")
    folder.mkdir(parents=True)
    held = lock.held(folder / "agent.lock", "cluster-check --daemon", 0, host.clock)
    with held, pytest.raises(BusyError):
        agent_run.run(host)
    with pytest.raises(RefusedError, match="--root"):
        agent_run.run(machine.host(offline=True))


@pytest.mark.processes
def test_anew_is_another_program_and_frees_what_is_ours_alone(restored: None, rig: Rig) -> None:
    rig.run(lambda: "master" in rig.driver.locks.held)
    calls: list[list[str]] = []
    service = Service(lambda: rig.place, rig.said.append, None)
    service.driver = rig.driver
    service.wants_reload = True
    assert service.run() is True
    rig.driver.loop.after(0.0, lambda: None)
    assert rig.driver.locks.held == frozenset()
    assert rig.driver.locks.kept == {"node-one"}
    agent_run.serve(lambda: Missing("no pool", "make one"), hang_up, calls.append)
    assert calls == [sys.argv]


def hang_up(text: str) -> None:
    """Answer whatever is said with SIGHUP."""
    os.kill(os.getpid(), signal.SIGHUP)
