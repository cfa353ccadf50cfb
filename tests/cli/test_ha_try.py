"""`ovstools ha-try`, with one server that is a session of this machine."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ovstools.cli import main
from ovstools.ha.driver.guest_desk import GuestDesk
from ovstools.ha.driver.loop import Loop
from ovstools.ha.forms.guest_file import GuestFile
from ovstools.ha.report import Power
from ovstools.ha.trial import control, layout, power
from ovstools.ha.trial.bare_process import BareProcesses
from ovstools.system.clock import Clock

pytestmark = pytest.mark.processes

PROGRAM = Path(__file__).resolve().parents[2] / "bin" / "ovstools"
LIMIT_S = 60.0


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a try's folder with a short path; whatever has power at the end loses it."""
    monkeypatch.setattr("sys.argv", [str(PROGRAM)])
    with tempfile.TemporaryDirectory(prefix="ovs-", dir="/tmp") as name:
        path = Path(name) / "t"
        yield path
        if (path / layout.MARKER).exists():
            control.stop(layout.load(path), Clock())


def ovstools(folder: Path, *words: str) -> Result:
    """Run ovstools ha-try in this process."""
    return CliRunner().invoke(main.group, ["ha-try", "--dir", str(folder), *words])


def until(happens: Callable[[], Any]) -> None:
    end = time.monotonic() + LIMIT_S
    while not happens():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def test_a_servers_life(folder: Path) -> None:
    found = ovstools(folder, "start", "--servers", "1", "--guests", "1", "--dead", "1")
    assert found.exit_code == 0, found.output
    trial = layout.load(folder)
    assert (trial.nodes, trial.dead_s) == (("vmserver1",), 1.0)
    assert f"ha-try --dir {folder} env vmserver1" in found.output
    until(lambda: (folder / "running_pool" / "guest1.data").exists())
    again = ovstools(folder, "power-on", "vmserver1")
    assert (again.exit_code, again.output) == (0, "vmserver1 is already on\n")
    first = power.owner(trial, "vmserver1")
    assert first is not None
    assert len(power.session(first)) >= 4, "it itself, keeper, agent and guest"
    env = ovstools(folder, "env", "vmserver1").output
    assert f"export OVSTOOLS_PATHS__POOL={folder}/pool" in env
    cut = ovstools(folder, "power-off", "vmserver1")
    assert cut.output == "the power of vmserver1 is cut\n"
    assert power.session(first) == []
    assert ovstools(folder, "power-off", "vmserver1").output == "vmserver1 is already off\n"
    assert ovstools(folder, "stop").exit_code == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    "words", [("power-off", "nobody"), ("power-on", "nobody"), ("env", "../x")]
)
def test_an_unknown_server_is_refused(folder: Path, words: tuple[str, ...]) -> None:
    layout.make(folder, ("vmserver1",), 1.0)
    found = CliRunner().invoke(main.group, ["ha-try", "--dir", str(folder), *words])
    assert "there is no server" in str(found.exception or found.output)


def test_a_folder_of_somebody_else_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "precious").touch()
    found = ovstools(folder, "start")
    assert "no folder of ha-try" in str(found.exception or found.output)
    assert os.listdir(folder) == ["precious"]
    assert "there is no try" in str(ovstools(folder, "stop").exception)


class Desk:
    """The hypervisor of a try, told by a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = Loop(Clock())
        self.desk = GuestDesk(
            self.loop, [BareProcesses(folder, "one")], str(folder), lambda: None, lambda text: None
        )
        self.desk.begin()

    def tell(self, guest: GuestFile, verb: str, *words: Any) -> tuple[bool, Any]:
        ended: list[tuple[bool, Any]] = []
        self.loop.start(self.desk.tell(guest, verb, *words), ended.append)
        self.wait(lambda: ended)
        return ended[0]

    def wait(self, happens: Callable[[], Any]) -> None:
        end = time.monotonic() + LIMIT_S
        while not happens():
            assert time.monotonic() < end, "it never happened"
            self.loop.run_once()

    def power(self, name: str) -> Power | None:
        return (self.desk.guests({name}) or {}).get(name)


def guest(folder: Path, *command: str) -> GuestFile:
    definition = folder / "definition"
    definition.write_text(json.dumps({"command": list(command)}))
    return GuestFile("web", "", "process", str(definition), "started", "one")


def test_the_life_of_a_plain_process(folder: Path) -> None:
    folder.mkdir()
    desk = Desk(folder)
    web = guest(folder, "/bin/sleep", "1000")
    assert desk.tell(web, "start") == (True, "")
    assert desk.power("web") is Power.RUNNING
    assert desk.tell(web, "forget") == (False, "web runs")
    assert desk.tell(web, "suspend")[0]
    desk.wait(lambda: desk.power("web") is Power.PAUSED)
    assert desk.tell(web, "resume")[0]
    desk.wait(lambda: desk.power("web") is Power.RUNNING)
    assert desk.tell(web, "migrate", "two") == (False, "a process cannot be migrated")
    assert desk.tell(web, "stop", 5.0)[0]
    assert desk.power("web") is Power.SHUT_DOWN
    assert desk.tell(web, "forget")[0]
    assert desk.power("web") is None


@pytest.mark.parametrize(
    ("command", "power"),
    [(("/bin/true",), Power.SHUT_DOWN), (("/bin/false",), Power.CRASHED),
     (("/no/such/program",), Power.CRASHED)],
)  # fmt: skip
def test_how_a_process_ended(folder: Path, command: tuple[str, ...], power: Power) -> None:
    folder.mkdir()
    desk = Desk(folder)
    desk.tell(guest(folder, *command), "start")
    desk.wait(lambda: desk.power("web") is power)


def test_a_definition_without_a_command_does_not_start(folder: Path) -> None:
    folder.mkdir()
    ok, why = Desk(folder).tell(guest(folder), "start")
    assert not ok
    assert "expected `command: [WORD, ...]`" in why
