"""The operator's commands for real: three servers' agents carry out what they ask for."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ovstools.ha.forms.guest_file import GuestFile, parse_guest
from ovstools.ha.orders import Phase
from ovstools.ha.trial import control
from tests.ha_try.pool import LIMIT_S, PROGRAM, Pool

pytestmark = pytest.mark.slow

ONE, TWO, THREE = "vmserver1", "vmserver2", "vmserver3"


@dataclass(frozen=True)
class Answer:
    """What a command line left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one JSON document on standard output."""
        return json.loads(self.out)


class Operator:
    """Somebody at the shells of the pool's servers."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def __call__(self, line: str, node: str = ONE, **variables: str) -> Answer:
        """Run `ovstools LINE` on a server."""
        done = subprocess.run(
            self.words(line), env=self.environment(node, variables), text=True,
            capture_output=True, timeout=2 * LIMIT_S, check=False,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout, done.stderr)

    def begin(self, line: str, node: str = ONE) -> subprocess.Popen[str]:
        """Start it, and do not wait."""
        return subprocess.Popen(
            self.words(line), env=self.environment(node, {}), text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def words(self, line: str) -> list[str]:
        """Return the words of a command line."""
        return [sys.executable, str(PROGRAM), *shlex.split(line)]

    def environment(self, node: str, variables: Mapping[str, str]) -> dict[str, str]:
        """Return what makes a command be one of a server."""
        found = {**os.environ, **variables}
        for text in control.environment(self.pool.trial, node):
            name, _, value = text.removeprefix("export ").partition("=")
            found[name] = value
        return found

    def definition(self, name: str) -> Path:
        """Write a process guest's definition."""
        path = self.pool.trial.definitions / f"{name}.yaml"
        path.write_text(json.dumps({"command": ["/bin/sleep", "100000"]}))
        return path

    def add(self, name: str, *values: str) -> None:
        """Bring a small guest under HA, off."""
        done = self(f"vm add {name} {self.definition(name)} --in-place")
        assert done.status == 0, done
        values = (*values, "mem_mb=64", "stop_s=2", "max_restart=0", "max_relocate=0")
        assert self(f"vm set {name} {' '.join(map(shlex.quote, values))}").status == 0

    def file(self, name: str) -> GuestFile:
        """Return a guest's file."""
        data = (self.pool.trial.pool / f"guests/{name}.yaml").read_bytes()
        found = parse_guest(data, name)
        assert isinstance(found, GuestFile), found
        return found

    def off(self, *names: str) -> None:
        """Leave nothing behind for the next test."""
        for name in names:
            assert self(f"vm stop {name}").status == 0
            assert self(f"vm remove {name}").status == 0


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    """Return an operator of three servers that the tests of this module share."""
    pool = Pool(Path(tempfile.mkdtemp(prefix="ovs-try-", dir="/tmp")))
    try:
        pool.wait(lambda: pool.orders().master if _has_orders(pool) else None, "a master")
        yield Operator(pool)
    finally:
        pool.stop()


def _has_orders(pool: Pool) -> bool:
    return (pool.trial.pool / "orders.json").exists()


# ---------------------------------------------------------------- a guest's life


def test_a_guests_life(operator: Operator) -> None:
    operator.add("web")
    assert operator.file("web").mark is None and operator.file("web").state == "stopped"
    assert operator.pool.running("web") == {}
    again = operator(f"vm add web {operator.definition('web')} --in-place")
    assert (again.status, again.json if again.out.startswith("{") else again.out) == (
        0, f"web is already under HA: {operator.definition('web')}\n",
    )  # fmt: skip
    started = operator("vm start web", TWO)
    assert (started.status, started.out) == (0, "web runs on vmserver1\n"), started
    assert list(operator.pool.running("web")) == [ONE], "it runs as the command returns"
    moved = operator("vm migrate web vmserver2 --json", THREE)
    assert moved.json == {"guest": "web", "node": TWO, "changed": True, "status": 0}
    assert list(operator.pool.running("web")) == [TWO]
    assert operator("vm migrate web vmserver2").out == "web already runs on vmserver2\n"
    assert operator("vm relocate web vmserver3").status == 0
    assert list(operator.pool.running("web")) == [THREE]
    refused = operator("vm remove web")
    assert refused.status == 4 and "it is in memory on vmserver3" in refused.err
    assert operator("vm stop web").out == "web is off\n"
    assert operator.pool.running("web") == {}
    assert operator("vm remove web").status == 0
    assert not (operator.pool.trial.pool / "guests/web.yaml").exists()
    assert (operator.pool.trial.pool / "locks/guest-web").exists(), "lock files stay for ever"
    assert list((operator.pool.trial.pool / "requests").iterdir()) == [], "answered, and removed"


def test_a_start_that_fails_says_why_and_the_way_out(operator: Operator) -> None:
    operator.add("broken")
    path = operator.definition("broken")
    path.write_text("command: 7\n")  # as if it was spoiled since: every start fails
    failed = operator("vm start broken")
    assert failed.status == 1, failed
    assert "broken is error" in failed.err and "gave up after" in failed.err
    shown = operator("vm show broken --json").json
    assert shown["state"] == "error" and "ovstools vm start broken" in shown["way_out"]
    assert operator("status").status == 3
    operator.definition("broken")
    assert operator("vm start broken").status == 0, "the way out is one"
    operator.off("broken")
    assert operator("status").status == 0


def test_a_start_without_room_does_not_wait_for_ever(operator: Operator) -> None:
    operator.add("huge")
    assert operator("vm set huge mem_mb=900000").status == 0
    begun = time.monotonic()
    failed = operator("vm start huge")
    assert failed.status == 1 and "no room for 900000 MB" in failed.err
    assert time.monotonic() - begun < 40
    operator.off("huge")


def test_a_clone_is_another_guest(operator: Operator) -> None:
    operator.add("web")
    assert operator("vm start web").status == 0
    refused = operator("vm clone web copy")
    assert refused.status == 4 and "must be off to be cloned" in refused.err
    assert operator("vm stop web").status == 0
    assert operator("pool set utility=vmserver2").status == 0
    elsewhere = operator("vm clone web copy")
    assert elsewhere.status == 4
    assert "on vmserver2: ovstools vm clone web copy" in elsewhere.err
    assert operator("vm clone web copy", TWO).status == 0
    assert operator("vm clone web copy", TWO).status == 4, "there is such a guest now"
    assert operator("pool set utility=").status == 0
    copy = operator.file("copy")
    assert (copy.state, copy.mark, copy.mem_mb, copy.home) == ("stopped", None, 64, TWO)
    assert operator("vm start copy").status == 0
    assert list(operator.pool.running("copy")) == [TWO]
    operator.off("copy", "web")


# ---------------------------------------------------------------- the pool


def test_maintenance_waits_until_the_guests_have_left(operator: Operator) -> None:
    operator.add("web", "home=vmserver3")
    operator.add("stays", "home=vmserver3", "policy=manual", "preferred_servers=vmserver3")
    assert operator("vm start web").status == operator("vm start stays").status == 0
    assert [list(operator.pool.running(guest)) for guest in ("web", "stays")] == [[THREE]] * 2
    drained = operator("pool maintenance on vmserver3")
    assert drained.status == 0, drained
    assert "stays stays: " in drained.err and "policy manual" in drained.err
    assert list(operator.pool.running("web")) != [THREE]
    assert list(operator.pool.running("stays")) == [THREE]
    assert operator("pool maintenance on vmserver3").out == "vmserver3 was already in maintenance\n"
    states = {each["name"]: each["state"] for each in operator("status --json").json["servers"]}
    assert states == {ONE: "online", TWO: "online", THREE: "maintenance"}
    refused = operator("vm migrate web vmserver3")
    assert refused.status == 4 and "vmserver3 is in maintenance" in refused.err
    assert operator("pool maintenance off vmserver3").status == 0
    operator.pool.settled("web", THREE)
    operator.off("web", "stays")


def test_ha_off_stops_decisions_and_says_so(operator: Operator) -> None:
    operator.add("web")
    off = operator("pool ha off")
    assert off.status == 0 and "o2cb goes on" in off.err
    for line in ("vm start web", "vm stop web", "vm migrate web vmserver2"):
        refused = operator(line)
        assert refused.status == 4 and "HA is off for the pool" in refused.err, line
        assert "ovstools pool ha on" in refused.err
    assert operator.file("web").state == "stopped"
    listed = operator("vm list --json").json["guests"]
    assert [(each["ha"], each["missing_switches"]) for each in listed] == [(False, ["pool"])]
    assert operator("pool ha on").status == 0
    assert operator("pool ha on").out == "HA was already on\n"
    operator.off("web")


def test_the_role_goes_to_the_server_that_is_named(operator: Operator) -> None:
    before = operator("pool master --json").json
    other = next(node for node in (ONE, TWO, THREE) if node != before["master"])
    assert operator(f"pool master {other}").out == f"{other} is the master\n"
    after = operator("pool master --json", THREE).json
    assert after["master"] == other and after["epoch"] > before["epoch"]
    assert operator(f"pool master {other}").out == f"{other} was already the master\n"
    assert operator("pool master nobody").status == 4


def test_what_is_exported_can_be_brought_back(operator: Operator, tmp_path: Path) -> None:
    operator.add("web", "priority=7")
    assert operator("pool set max_starts=3").status == 0
    document = tmp_path / "pool.json"
    document.write_text(operator("pool export").out)
    assert operator("pool import " + str(document)).out == "already so\n"
    assert operator("pool set max_starts=").status == 0
    assert operator("vm remove web").status == 0
    done = operator(f"pool import {document}")
    assert (done.status, done.out) == (0, "changed: guests/web.yaml pool.yaml\n")
    assert operator.file("web").priority == 7
    assert operator("pool show --json").json["policy"]["max_starts"] == 3
    assert operator("vm remove web").status == 0
    assert operator("pool set max_starts=").status == 0


# ---------------------------------------------------------------- at once, and killed


def test_commands_on_all_servers_at_once_lose_nothing(operator: Operator) -> None:
    operator.add("web")
    keys = {"priority": 5, "cpu": 2.0, "max_restart": 4, "failback": False, "mem_mb": 128,
            "stop_s": 3.0}  # fmt: skip
    nodes = (ONE, TWO, THREE)
    running = [
        operator.begin(f"vm set web {key}={value} --lock-wait 60", nodes[number % 3])
        for number, (key, value) in enumerate(keys.items())
    ]
    for process in running:
        _, said = process.communicate(timeout=2 * LIMIT_S)
        assert process.returncode == 0, said
    assert {key: getattr(operator.file("web"), key) for key in keys} == keys
    operator.off("web")


@pytest.mark.parametrize("after_s", [0.3, 0.6, 1.2, 2.5])
def test_killed_at_any_moment_the_same_command_finishes(operator: Operator, after_s: float) -> None:
    path = operator.definition("killed")
    process = operator.begin(f"vm add killed {path} --in-place")
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    file = operator.pool.trial.pool / "guests/killed.yaml"
    if file.exists():
        assert (operator.file("killed").mark is None) == (
            operator.file("killed").state != "ignored"
        )
    done = operator(f"vm add killed {path} --in-place")
    assert done.status == 0, done
    assert (operator.file("killed").mark, operator.file("killed").state) == (None, "stopped")
    assert operator("vm remove killed").status == 0


# ---------------------------------------------------------------- refusals


def test_two_guests_never_share_an_image(operator: Operator, tmp_path: Path) -> None:
    image = tmp_path / "shared.img"
    image.touch()
    for name in ("one", "two"):
        disk = f"<disk type='file'><source file='{image}'/></disk>"
        uuid = "11111111-2222-3333-4444-55555555555" + str(len(name + "x" * (name == "two")))
        (tmp_path / f"{name}.xml").write_text(
            f"<domain type='kvm'><name>{name}</name><uuid>{uuid}</uuid>"
            f"<memory unit='MiB'>64</memory><devices>{disk}</devices></domain>"
        )
    outside = operator(f"vm add one {tmp_path}/one.xml")
    assert outside.status == 4 and "is in no repository" in outside.err
    assert operator(f"vm add one {tmp_path}/one.xml --in-place").status == 0
    before = operator("pool export").json["files"]
    refused = operator(f"vm add two {tmp_path}/two.xml --in-place")
    assert refused.status == 4, refused
    assert f"one uses {image} too" in refused.err
    assert operator("pool export").json["files"] == before, "nothing was changed"
    assert operator("vm remove one").status == 0


def test_what_is_wrong_is_said_and_changes_nothing(operator: Operator) -> None:
    operator.add("web")
    before = operator("pool export").json["files"]
    for line, status, said in (
        ("vm set web prio=1", 2, "known: after cpu"),
        ("vm set web priority=high", 2, "priority=high: expected"),
        ("vm set web home=vmserver9", 4, "there is no server vmserver9"),
        ("vm set nobody priority=1", 4, "there is no guest nobody under HA"),
        ("vm start nobody", 4, "there is no guest nobody under HA"),
        ("vm add web2 /nowhere --in-place", 4, "/nowhere"),
        ("vm add .. /nowhere", 2, "the name of a guest"),
        ("vm history --since soon", 2, "is no time"),
        ("pool set ha=off", 2, "ovstools pool ha on|off"),
        ("pool import /nowhere", 4, "/nowhere: No such file or directory"),
        ("why vmserver9", 4, "servers: vmserver1 vmserver2 vmserver3"),
        ("what-if --fail vmserver9", 4, "there is no server vmserver9"),
    ):
        done = operator(line)
        assert done.status == status and said in done.err, (line, done)
    assert operator("vm set web priority=1 --dry-run").status == 0
    assert operator("vm start web --dry-run").status == 0
    assert operator("pool export").json["files"] == before
    operator.off("web")


# ---------------------------------------------------------------- a server's death, seen


def test_a_failover_is_seen_and_told(operator: Operator) -> None:
    operator.add("web", "home=vmserver3")
    assert operator("vm start web").status == 0
    future = operator("what-if --fail vmserver3 --json").json
    assert future["holds"] and [each["from"] for each in future["failures"][0]["guests"]] == [THREE]
    operator.pool.power_off(THREE)
    operator.pool.settled("web", ONE, TWO)
    operator.pool.wait(
        lambda: operator.pool.orders().entries["web"].phase is Phase.RUNNING, "the master knows"
    )
    seen = operator("status --json")
    assert seen.status == 3
    states = {each["name"]: each["state"] for each in seen.json["servers"]}
    assert states[THREE] == "dead" and seen.json["guests"][0]["state"] == "running"
    why = operator("why vmserver3").out
    assert "vmserver3 is dead" in why and "proof of its death" in why and "way out: " in why
    told = operator("vm history web --json").json["failovers"]
    assert len(told) == 1 and (told[0]["from"], told[0]["guest"]) == (THREE, "web")
    names = [part["name"] for part in told[0]["parts"]]
    assert names[:4] == ["silent", "node lock", "read", "order"] and names[-1] == "start"
    assert told[0]["own_s"] == pytest.approx(
        sum(part["seconds"] for part in told[0]["parts"] if part["ours"]), abs=0.01
    )
    # nothing on a server that is gone: it has no agent that says who is alive
    alone = operator("status", THREE)
    assert "its agent does not run" in alone.out
    operator.pool.power_on(THREE)
    operator.pool.wait(lambda: operator("status").status == 0, "all is well again")
    operator.off("web")
