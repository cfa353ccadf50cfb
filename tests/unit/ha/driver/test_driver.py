"""The driver with real children and keeper: what the agent decides is what happens."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from ovstools.ha.actions import ClearMark
from ovstools.ha.driver.sight import FULL
from ovstools.ha.forms.event import parse_events
from ovstools.ha.forms.orders import parse_orders
from ovstools.ha.forms.report import Sheet, parse_report
from ovstools.ha.orders import Orders, Phase
from ovstools.ha.report import POWER_OFF, Power
from ovstools.ha.wishes import After, Mark
from ovstools.model.owner_record import GuestState, OwnerRecord, parse_record
from tests.unit.ha.driver.rig import Rig

pytestmark = pytest.mark.processes

WEB = "web"


def orders(rig: Rig) -> Orders:
    found = parse_orders((rig.pool / "orders.json").read_bytes())
    assert isinstance(found, Orders)
    return found


def sheet(rig: Rig) -> Sheet:
    found = parse_report((rig.pool / "nodes" / "one.json").read_bytes(), "one")
    assert isinstance(found, Sheet)
    return found


def record(rig: Rig) -> OwnerRecord:
    found = parse_record((rig.pool / "locks" / f"guest-{WEB}").read_bytes())
    assert isinstance(found, OwnerRecord)
    return found


def events(rig: Rig) -> list[str]:
    path = rig.pool / "events" / "one.jsonl"
    return [e.event for e in parse_events(path.read_bytes())] if path.exists() else []


def phase(rig: Rig) -> Phase | None:
    entry = orders(rig).entries.get(WEB) if (rig.pool / "orders.json").exists() else None
    return entry.phase if entry else None


def running(rig: Rig) -> None:
    rig.add(WEB)
    rig.run(lambda: phase(rig) is Phase.RUNNING, "it runs")


def test_a_guest_is_started_and_everything_says_so(rig: Rig) -> None:
    running(rig)
    assert rig.hypervisor.told == [("start", WEB)]
    rig.run(lambda: record(rig).state is GuestState.RUNNING)
    assert (record(rig).owner, record(rig).boot_id, record(rig).order) == ("one", "boot-1", (1, 1))
    assert rig.driver.locks.kept == {"node-one", f"guest-{WEB}"}
    rig.run(lambda: sheet(rig).report.guests[WEB].locked)
    rig.run(lambda: {"certificate", "started"} <= set(events(rig)))
    state = json.loads((rig.folder / "agent.json").read_text())
    assert state["locks"] == [f"guest-{WEB}", "node-one"]
    assert state["trouble"] is None
    assert list(json.loads((rig.folder / "guests.json").read_text())["guests"]) == [WEB]


def test_the_sequence_number_rises_with_every_beat_and_life(rig: Rig) -> None:
    rig.run(lambda: (rig.pool / "nodes" / "one.json").exists())
    first = sheet(rig).sequence
    rig.run(lambda: sheet(rig).sequence > first, "a beat without any change")
    last = sheet(rig)
    rig.close()
    rig.start()
    rig.run(lambda: sheet(rig).incarnation == "life-2")
    assert sheet(rig).sequence > last.sequence


def test_a_crash_is_recorded_and_counted(rig: Rig) -> None:
    running(rig)
    rig.hypervisor.table[WEB] = Power.CRASHED
    rig.run(lambda: ("forget", WEB) in rig.hypervisor.told, "forgotten once its end is known")
    rig.run(lambda: phase(rig) is Phase.WAITING, "it is to be started in place, after a pause")
    assert orders(rig).entries[WEB].restarts == 1


def test_an_operators_stop_ends_in_a_free_lock(rig: Rig) -> None:
    running(rig)
    rig.add(WEB, state="stopped", stop_s=3.0)
    rig.run(lambda: phase(rig) is Phase.OFF)
    assert ("stop", WEB, 3.0) in rig.hypervisor.told
    assert record(rig).state is GuestState.STOPPED
    assert rig.driver.locks.kept == {"node-one"}


def test_another_life_finds_its_guest_and_touches_nothing(rig: Rig) -> None:
    running(rig)
    rig.close()
    rig.start()
    rig.run(lambda: sheet(rig).incarnation == "life-2" and sheet(rig).report.guests)
    rig.run(lambda: orders(rig).epoch == 2, "it became master again")
    assert rig.hypervisor.told == [("start", WEB)]


def test_unknown_is_not_absent(rig: Rig) -> None:
    running(rig)
    rig.hypervisor.unknown = "libvirtd starts"
    rig.run(lambda: any("starts: which guests run here is not known" in s for s in rig.said))
    waited: list[bool] = []
    rig.driver.loop.after(0.5, lambda: waited.append(True))
    rig.run(lambda: waited)
    assert sheet(rig).report.guests[WEB].power is Power.RUNNING
    assert phase(rig) is Phase.RUNNING


def test_a_pool_file_system_that_goes_takes_the_role_and_no_guest(rig: Rig) -> None:
    running(rig)
    away = rig.folder / "away"
    rig.pool.rename(away)
    rig.run(lambda: not rig.driver.locks.held, "the master's lock is given up")
    assert rig.driver.sight.files() is None
    assert f"guest-{WEB}" in rig.driver.locks.kept
    assert json.loads((rig.folder / "agent.json").read_text())["trouble"]
    away.rename(rig.pool)
    rig.run(lambda: orders(rig).epoch == 2, "sight and role are back")
    assert rig.hypervisor.told == [("start", WEB)]


def test_a_full_pool_file_system_is_loss_of_sight_until_there_is_room(rig: Rig) -> None:
    """Rule 5: what is read well, and written in place, does not give the role back."""
    running(rig)
    (rig.pool / "reserve").touch()
    rig.io.is_full = True
    rig.run(lambda: not rig.driver.locks.held, "the master's lock is given up")
    assert rig.driver.sight.trouble == FULL
    end: list[bool] = []
    rig.driver.loop.after(1.0, lambda: end.append(True))
    rig.run(lambda: end or rig.driver.locks.held)
    assert not rig.driver.locks.held, "not even for a moment"
    assert orders(rig).epoch == 1 and f"guest-{WEB}" in rig.driver.locks.kept
    assert json.loads((rig.folder / "agent.json").read_text())["trouble"] == FULL
    assert not (rig.pool / "reserve").exists()
    assert len([line for line in rig.said if "make room there" in line]) == 1
    rig.io.is_full = False
    rig.run(lambda: orders(rig).epoch == 2, "sight and role are back")
    assert rig.hypervisor.told == [("start", WEB)]


def test_nobody_becomes_the_master_of_a_full_pool(rig: Rig) -> None:
    rig.io.is_full = True
    rig.run(lambda: rig.driver.sight.is_full)
    seen: list[int] = []
    rig.driver.loop.after(0.5, lambda: seen.append(1))
    rig.run(lambda: seen)
    assert not (rig.pool / "locks/master").exists() or not rig.driver.agent.leading.epoch


@pytest.mark.parametrize(
    ("name", "text"),
    [("pool.yaml", b"format: 99\n"), ("orders.json", b"{"), ("guests/x.yaml", b"format: 99\n")],
)
def test_what_cannot_be_used_makes_it_passive(rig: Rig, name: str, text: bytes) -> None:
    running(rig)
    new = rig.pool / ".new"
    new.write_bytes(text)
    new.replace(rig.pool / name)
    rig.run(lambda: rig.driver.sight.trouble)
    assert name in str(rig.driver.sight.trouble)
    assert rig.hypervisor.table == {WEB: Power.RUNNING}


def test_a_guests_file_that_is_broken_concerns_that_guest_alone(rig: Rig) -> None:
    running(rig)
    rig.add("other")
    rig.run(lambda: rig.hypervisor.table.get("other") is Power.RUNNING)
    (rig.pool / "guests" / f"{WEB}.yaml").write_text("state: [")
    rig.add("third")
    rig.run(lambda: rig.hypervisor.table.get("third") is Power.RUNNING)
    rig.run(lambda: phase(rig) is Phase.IGNORED)
    assert rig.hypervisor.table[WEB] is Power.RUNNING


def test_a_start_that_fails_is_answered_with_its_reason(rig: Rig) -> None:
    rig.hypervisor.fails = {"start"}
    rig.add(WEB, max_restart=0, max_relocate=0)
    rig.run(lambda: phase(rig) is Phase.ERROR)
    assert "cannot start" in orders(rig).entries[WEB].reason
    assert rig.driver.locks.kept == {"node-one"}


def test_a_server_that_shuts_down_stops_its_guests_and_leaves(rig: Rig) -> None:
    running(rig)
    rig.driver.stopping = POWER_OFF
    rig.driver.due()
    rig.run(lambda: rig.driver.has_left)
    assert rig.hypervisor.told[-2:] == [("stop", WEB, 60.0), ("forget", WEB)]
    assert record(rig).state is GuestState.STOPPED


def test_each_event_is_told_to_the_operators_program(folder: Path, rig: Rig) -> None:
    heard = folder / "heard"
    program = folder / "tell"
    program.write_text(f"#!/bin/sh\ncat >>{heard}\n")
    program.chmod(0o700)
    rig.close()
    rig.notify = str(program)
    rig.start()
    running(rig)
    rig.run(lambda: heard.exists() and "started" in heard.read_text())
    told: list[Any] = [json.loads(line) for line in heard.read_text().splitlines()]
    assert [each["guest"] for each in told if each["event"] == "started"] == [WEB]


def test_a_guest_whose_definition_is_not_here_waits(rig: Rig) -> None:
    rig.definition.unlink()
    rig.add("absent", definition=str(rig.definition))
    rig.run(lambda: "absent" in rig.driver.probing.lacking)
    assert rig.driver.probing.lacking == {"absent": str(rig.definition)}
    rig.run(lambda: (rig.pool / "nodes" / "one.json").exists(), "its first report")
    rig.run(lambda: sheet(rig).report.lacking)


def test_a_guest_comes_after_one_that_answers(rig: Rig) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        wait = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        rig.add(WEB)
        rig.add("later", after=(After(WEB, wait, 30.0),))
        rig.run(lambda: WEB in rig.hypervisor.table)
        rig.run(lambda: (e := orders(rig).entries.get("later")) and WEB in e.reason)
        assert "later" not in rig.hypervisor.table
        listener.listen()
        rig.run(lambda: rig.hypervisor.table.get("later") is Power.RUNNING)
    assert f"{WEB} {wait}" in sheet(rig).report.answering


def test_a_mark_of_a_dead_writer_is_cleared(rig: Rig) -> None:
    rig.add(WEB, state="stopped", mark=Mark("backup", "one"))
    rig.run(lambda: rig.driver.sight.files())
    results: list[object] = []
    for guest in (WEB, "nobody"):
        rig.driver.loop.start(rig.driver.hands.task(ClearMark(guest)), results.append)
    rig.run(lambda: len(results) == 2)
    assert sorted(map(str, results)) == [
        "(False, 'guests/nobody.yaml cannot be changed')", "(True, None)"
    ]  # fmt: skip
    rig.run(lambda: rig.driver.sight.guests()[WEB].mark is None)
