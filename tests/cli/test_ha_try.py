"""`ovstools ha-try`, with one server that is a session of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ovstools.cli import main
from ovstools.errors import RefusedError
from ovstools.ha.driver.guest_desk import GuestDesk
from ovstools.ha.driver.loop import Loop
from ovstools.ha.forms.guest_file import GuestFile
from ovstools.ha.report import Power
from ovstools.ha.trial import control, layout, power
from ovstools.ha.trial.bare_process import BareProcesses
from ovstools.ha.trial.layout import Trial
from ovstools.system.clock import Clock
from tests.cli.conftest import Shell

pytestmark = pytest.mark.processes

PROGRAM = Path(__file__).resolve().parents[2] / "bin" / "ovstools"
LIMIT_S = 60.0


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a try's folder with a short path; whatever has power at the end loses it."""
    monkeypatch.setattr("sys.argv", [str(PROGRAM)])
    with tempfile.TemporaryDirectory(prefix="ovs-", dir="/tmp") as name:
        path = Path(name) / "t r y"  # a blank, as a user may have one
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


def daemons_of(trial: Trial) -> set[int]:
    """Return the keeper and the agent of a server."""
    found = set()
    for pid in power.members(trial, "vmserver1"):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words[-2:-1] == [b"keeper"] or words[-3:-1] == [b"agent", b"vmserver1"]:
                found.add(pid)
    return found


def test_a_servers_life(folder: Path) -> None:
    found = ovstools(folder, "start", "--servers", "1", "--guests", "1", "--dead", "1")
    assert found.exit_code == 0, found.output
    trial = layout.load(folder)
    assert trial == Trial(folder, ("vmserver1",), 1.0)
    assert f"ha-try --dir '{folder}' env vmserver1" in found.output
    until(lambda: (folder / "running_pool" / "guest1.data").exists())
    again = ovstools(folder, "power-on", "vmserver1")
    assert (again.exit_code, again.output) == (0, "vmserver1 is already on\n")
    first = power.owner(trial, "vmserver1")
    assert first is not None
    before = power.session(first)
    every = power.members(trial, "vmserver1")
    assert len(every) >= 4, "it itself, keeper, agent and guest"
    lived_on = set(before) & set(power.session(first))  # others begin and end meanwhile
    assert len(lived_on) >= 4 and lived_on <= set(every)
    assert os.getpid() not in every
    env = ovstools(folder, "env", "vmserver1").output
    assert f"export OVSTOOLS_PATHS__POOL='{folder}/pool'" in env
    cut = ovstools(folder, "power-off", "vmserver1")
    assert cut.output == "the power of vmserver1 is cut\n"
    assert power.members(trial, "vmserver1") == power.session(first) == []
    assert ovstools(folder, "power-off", "vmserver1").output == "vmserver1 is already off\n"
    assert ovstools(folder, "stop").exit_code == 0
    assert not folder.exists()


def test_events_go_to_the_program_that_was_named(folder: Path, tmp_path: Path) -> None:
    program, told = tmp_path / "program", tmp_path / "told"
    program.write_text(f"#!/bin/sh\ncat >>{told}\n")
    program.chmod(0o755)
    words = ("start", "--servers", "1", "--guests", "0", "--dead", "1", "--notify", str(program))
    assert ovstools(folder, *words).exit_code == 0
    until(lambda: told.exists() and told.read_text().endswith("\n"))
    first = json.loads(told.read_text().splitlines()[0])
    assert (first["node"], first["event"]) == ("vmserver1", "master")


def test_what_outlives_its_first_process_is_found(folder: Path) -> None:
    ovstools(folder, "start", "--servers", "1", "--guests", "1", "--dead", "1")
    trial = layout.load(folder)
    until(lambda: (folder / "running_pool" / "guest1.data").exists())
    first = power.owner(trial, "vmserver1")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: power.owner(trial, "vmserver1") is None)
    daemons = daemons_of(trial)
    assert len(daemons) == 2, "keeper and agent live on"
    for words in (("power-on", "vmserver1"), ("start",)):
        refused = ovstools(folder, *words).exception
        assert isinstance(refused, RefusedError) and "live on" in refused.what
        assert refused.hint == f"ovstools ha-try --dir '{folder}' power-off vmserver1"
        assert daemons_of(trial) == daemons, "nothing was started or ended"
    cut = ovstools(folder, "power-off", "vmserver1")
    assert cut.output == "the power of vmserver1 is cut\n"
    assert power.members(trial, "vmserver1") == []


@pytest.mark.parametrize(
    "words", [("power-off", "nobody"), ("power-on", "nobody"), ("env", "../x")]
)
def test_an_unknown_server_is_refused(folder: Path, words: tuple[str, ...]) -> None:
    layout.make(Trial(folder, ("vmserver1",), 1.0))
    found = CliRunner().invoke(main.group, ["ha-try", "--dir", str(folder), *words])
    assert "there is no server" in str(found.exception or found.output)


def test_a_folder_of_somebody_else_is_refused(folder: Path, root_shell: Shell) -> None:
    folder.mkdir()
    (folder / "precious").touch()
    for words in ("start", "stop", "power-off vmserver1", "env vmserver1"):
        found = root_shell(f"ovstools ha-try --dir '{folder}' {words}")
        assert found.status == 4 and "no folder of ha-try" in found.err, words
    assert os.listdir(folder) == ["precious"]


def test_a_stop_without_a_try_is_already_so(folder: Path, root_shell: Shell) -> None:
    gone = root_shell(f"ovstools ha-try --dir '{folder}' stop")
    assert (gone.status, gone.out) == (0, f"there is no try in {folder}\n")
    folder.mkdir()
    assert root_shell(f"ovstools ha-try --dir '{folder}' --json stop").json["changed"] is False
    assert folder.exists(), "it may be somebody's"


def test_a_stop_that_was_interrupted_goes_on(folder: Path, root_shell: Shell) -> None:
    """What says whose the folder is goes last: whatever else is left is removed."""
    layout.make(Trial(folder, ("vmserver1",), 1.0))
    shutil.rmtree(folder / "pool")
    (folder / "link").symlink_to("/tmp")
    assert root_shell(f"ovstools ha-try --dir '{folder}' stop").status == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("start --dead nan", 2, "--dead: expected 1 to 120 seconds, found nan"),
        ("start --dead inf", 2, "found inf"),
        ("start --dead 0.5", 2, "found 0.5"),
        ("start --servers 33", 2, "--servers"),
        ("start --notify no/such/program", 4, "'no/such/program' is no program"),
        ("start --notify /etc/passwd", 4, "'/etc/passwd' is no program"),
        ("env vmserver1", 4, "there is no try in"),
    ],
)
def test_what_cannot_be_makes_nothing(
    folder: Path, root_shell: Shell, words: str, status: int, said: str
) -> None:
    found = root_shell(f"ovstools ha-try --dir '{folder}' {words}")
    assert found.status == status and said in found.err, found
    assert not folder.exists()


def test_an_empty_folder_name_is_not_the_current_folder(root_shell: Shell) -> None:
    found = root_shell("ovstools ha-try --dir '' stop")
    assert found.status == 2 and "expected a folder's name" in found.err


@pytest.mark.parametrize("where", ["{0} --dir {1} {2}", "--dir {1} {0} {2}", "--dir {1} {2} {0}"])
def test_common_options_go_anywhere(folder: Path, root_shell: Shell, where: str) -> None:
    layout.make(Trial(folder, ("vmserver1",), 1.0))
    line = where.format("--json", f"'{folder}'", "env vmserver1")
    found = root_shell(f"ovstools ha-try {line}").json
    assert found["variables"]["OVSTOOLS_PATHS__POOL"] == f"{folder}/pool"
    assert found["status"] == 0


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


@pytest.mark.parametrize(
    ("words", "line"),
    [((), "bin/ovstools ha-try start"),
     (("DIR=/tmp/a  b",), "bin/ovstools ha-try --dir /tmp/a  b start")],
)  # fmt: skip
def test_make_takes_a_folder(words: tuple[str, ...], line: str) -> None:
    make = ("make", "-s", "-o", ".venv/.installed", "ha-try", "PYTHON=echo", *words)
    said = subprocess.run(
        make, cwd=PROGRAM.parents[1], env={"PATH": os.environ["PATH"]}, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert said.stdout == f"{line}\n"
