"""Whole command lines of `ovstools status`, `what-if`, `why` and `vm history`."""

from __future__ import annotations

from typing import Any

import pytest

from ovstools.cli import output
from ovstools.ha.forms.event import Event, parse_time
from ovstools.ha.operating.status import Status
from ovstools.ha.orders import Phase
from ovstools.ha.report import Local, Power
from tests.cli.conftest import Shell
from tests.fakes.ha_pool import HaPool

pytestmark = pytest.mark.processes  # the pool file system is read in children

WHEN = parse_time("2026-11-22T15:00:00.000Z")


def test_all_is_well(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", mem_mb=1024)
    pool.runs("web", "vmserver2")
    answer = at_pool("ovstools status")
    assert answer.status == 0
    assert answer.out.splitlines() == [
        "pool (no pool.yaml yet), HA on, master vmserver1 (epoch 0)",
        "",
        "SERVER     STATE   ROLE    GUESTS  MEMORY         FREE",
        "vmserver1  online  master  0       0/4096 MiB     4096 MiB",
        "vmserver2  online  -       1       1024/4096 MiB  3072 MiB",
        "vmserver3  online  -       0       0/4096 MiB     4096 MiB",
        "",
        "GUEST  STATE    SERVER     REASON",
        "web    running  vmserver2",
    ]
    data = at_pool("ovstools status --json").json
    assert (data["healthy"], data["warnings"], data["this_server"]) == (True, [], "vmserver1")


def test_what_is_to_be_looked_at_has_a_way_out(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    pool.entry("web", Phase.ERROR, reason="crashed")
    pool.guest("db", unknown=())
    pool.runs("db", "vmserver3")
    text = pool.text("guests/db.yaml") + "priorty: 9\n"
    (pool.folder / "guests/db.yaml").write_text(text)
    (pool.folder / "guests/odd.yaml").write_text("format: 1\n")
    pool.lose("vmserver2")
    pool.age_report("vmserver3", 300)
    answer = at_pool("ovstools status --json")
    assert answer.status == 3
    found = {each["about"]: each for each in answer.json["warnings"]}
    assert set(found) == {
        "web",
        "db",
        "vmserver2",
        "vmserver3",
        "guests/odd.yaml",
        "guests/db.yaml",
    }
    assert "mend it, then `ovstools vm start web`" in found["web"]["way_out"]
    assert found["db"]["text"].startswith("silent: ")
    assert found["vmserver2"]["text"].startswith("dead: ")
    assert "systemctl status ovs-agent" in found["vmserver3"]["way_out"]
    assert found["guests/db.yaml"] == {
        "about": "guests/db.yaml", "text": "keys that mean nothing: priorty",
        "way_out": "ovstools-pool-files(5) has them all", "trouble": False,
    }  # fmt: skip
    assert all(each["way_out"] for each in found.values())
    assert all(each["way_out"].count("`") % 2 == 0 for each in found.values())


def test_ha_off_is_said_and_is_no_trouble(at_pool: Shell, pool: HaPool) -> None:
    assert at_pool("ovstools pool ha off").status == 0
    answer = at_pool("ovstools status")
    assert answer.status == 0 and "HA is off for the pool (freeze)" in answer.out


@pytest.mark.parametrize(("seconds", "reads"), [(-300.0, 1), (300.0, 1), (0.0, 0)])
def test_clocks_that_differ_make_nobody_silent(
    at_pool: Shell, pool: HaPool, seconds: float, reads: int
) -> None:
    """A report whose time tells nothing is looked at twice: its number rises or not."""
    pool.age_report("vmserver3", seconds)
    begun = pool.machine.clock.now

    def rise() -> None:
        pool.report("vmserver3")
        pool.age_report("vmserver3", seconds)

    pool.after(2, rise)
    answer = at_pool("ovstools status --json")
    assert answer.status == 0, answer
    assert pool.machine.clock.now - begun == 3.0 * reads


# ---------------------------------------------------------------- without the pool


def test_a_pool_that_hangs_is_no_reason_to_hang(pool: HaPool) -> None:
    """A limit of 0 s: no child is as fast as that."""
    found = Status(pool.machine.host(settings=pool.settings), limit_s=0.0).look()
    assert found.status == 3
    text = "\n".join(map(str, found.parts))
    assert "this is what vmserver1 knows by itself" in text
    assert "live     vmserver1, vmserver2, vmserver3" in text and "holds    web" in text
    assert "does not answer" in text
    assert found.data["holds"] == ["web"] and found.data["healthy"] is False


def test_a_pool_that_is_gone(at_pool: Shell, pool: HaPool) -> None:
    pool.folder.rename(pool.folder.with_name("elsewhere"))
    answer = at_pool("ovstools status")
    assert answer.status == 3 and "this is what vmserver1 knows by itself" in answer.out
    assert at_pool("ovstools vm list").status == 4


def test_an_agent_that_has_ended_is_said(at_pool: Shell, pool: HaPool) -> None:
    pool.end_agent()
    answer = at_pool("ovstools status")
    assert answer.status == 3
    assert "vmserver1: its agent does not run" in answer.out
    assert "which servers are live cannot be seen from here" in answer.out


def test_neither_a_pool_nor_an_agent(shell: Shell) -> None:
    answer = shell("ovstools status")
    assert answer.status == 4 and "no cluster root is mounted" in answer.err


# ---------------------------------------------------------------- watching


def test_watch_prints_what_differs_until_it_is_interrupted(at_pool: Shell, pool: HaPool) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    pool.guest("web")
    pool.runs("web", "vmserver2")
    pool.after(5, lambda: pool.entry("web", Phase.STOPPING, "vmserver2"))
    pool.after(9, interrupt)
    answer = at_pool("ovstools status --watch")
    assert answer.status == 130
    assert answer.out.count("\nSERVER ") == 2, answer.out
    assert answer.out.count("web    stopping") == 1


def test_a_live_picture_replaces_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    table = (("A", "B"), (("1", "[x]"),), ("red",))
    output.show_live([["first", table], ["second", table]])
    said = capsys.readouterr().out
    assert "second" in said and "[x]" in said, "words are no markup"


# ---------------------------------------------------------------- what-if, why


def test_what_if(at_pool: Shell, pool: HaPool) -> None:
    for name, node in (("web", "vmserver1"), ("db", "vmserver2")):
        pool.guest(name, home=node)
    pool.report("vmserver1", {"web": Local(Power.RUNNING, True)})
    pool.entry("web", Phase.RUNNING, "vmserver1", boot="boot")
    pool.runs("db", "vmserver2")
    answer = at_pool("ovstools what-if")
    assert answer.status == 0 and "whichever server fails" in answer.out
    assert "vmserver3 fails: no guest runs there" in answer.out
    pool.guest("db", home="vmserver2", policy="manual", preferred_servers=(("vmserver2",),))
    answer = at_pool("ovstools what-if --json")
    assert (answer.status, answer.json["holds"]) == (3, False)
    by_server = {each["failed"][0]: each for each in answer.json["failures"]}
    (fate,) = by_server["vmserver2"]["guests"]
    assert (fate["guest"], fate["to"]) == ("db", None) and "policy manual" in fate["reason"]
    assert by_server["vmserver1"]["guests"][0]["seconds"] == pytest.approx(73, abs=1)
    both = at_pool("ovstools what-if --fail vmserver1 --fail vmserver3 --json").json["failures"]
    assert [each["failed"] for each in both] == [["vmserver1", "vmserver3"]]
    assert both[0]["guests"][0]["to"] == "vmserver2"
    assert at_pool("ovstools what-if vmserver9").status == 4


def test_what_if_says_what_it_does_not_know(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    pool.runs("web", "vmserver2")
    pool.age_report("vmserver3", 300)
    answer = at_pool("ovstools what-if")
    assert answer.status == 3 and "nobody knows of its guests: vmserver3" in answer.out, answer
    assert at_pool("ovstools what-if --json").json["unknown"] == ["vmserver3"]
    assert at_pool("ovstools what-if vmserver3").status == 0
    for node in ("vmserver1", "vmserver2"):
        pool.age_report(node, 300)
    for words in ("", "vmserver2"):
        answer = at_pool(f"ovstools what-if {words}")
        assert answer.status == 4 and "cannot be said" in answer.err, answer
        assert "vmserver2: silent" in answer.err and "systemctl status ovs-agent" in answer.err


def test_why(at_pool: Shell, pool: HaPool) -> None:
    pool.event(Event(WHEN, "vmserver1", "not live", None, "vmserver3"))
    pool.event(Event(WHEN + 1, "vmserver1", "started", "web", "order (1, 1)"))
    pool.lose("vmserver3")
    answer = at_pool("ovstools why vmserver3")
    assert answer.status == 0
    assert answer.out.startswith("vmserver3 is dead: it does not heartbeat, and vmserver1 holds")
    assert "no (live nodes: 0 1)" in answer.out
    assert "2026-11-22T15:00:00.000Z vmserver1: not live: vmserver3" in answer.out
    assert "started" not in answer.out and "way out: find out why" in answer.out
    here = at_pool("ovstools why vmserver1 --json").json
    assert here["state"] == "online"
    assert here["evidence"]["agent here"] == "runs: master in epoch 1"


def test_why_of_a_server_that_was_shut_down(at_pool: Shell, pool: HaPool) -> None:
    pool.report("vmserver3", leaving="reboot")
    pool.lose("vmserver3")
    answer = at_pool("ovstools why vmserver3")
    assert "its last word was that it shuts down (reboot)" in answer.out
    assert "way out: wait for it, or start vmserver3" in answer.out


@pytest.mark.parametrize(
    ("change", "state", "said"),
    [
        ({"node_lock": False}, "joining", "waits for its node lock"),
        ({"asked": False}, "joining", "its hypervisors have not answered yet"),
        ({"leaving": "reboot"}, "leaving", "it shuts down (reboot)"),
    ],
)
def test_why_by_its_report(
    at_pool: Shell, pool: HaPool, change: dict[str, Any], state: str, said: str
) -> None:
    pool.report("vmserver2", **change)
    answer = at_pool("ovstools why vmserver2 --json").json
    assert (answer["state"], said in answer["reason"]) == (state, True), answer


# ---------------------------------------------------------------- history


def failover(pool: HaPool) -> None:
    """Note a failover as master and new server do."""
    parts = {"silent": 62.1, "node lock": 4.0, "read": 0.5, "order": 0.02}
    text = "order (2, 9): vmserver3 is lost, start on vmserver2"
    pool.event(Event(WHEN + 70, "vmserver1", "ordered", "web", text, (), parts))
    parts = {"accepted": 0.01, "lock": 0.02, "certificate": 0.03, "record": 0.04, "issued": 0.0,
             "start": 1.5}  # fmt: skip
    pool.event(Event(WHEN + 71.7, "vmserver2", "started", "web", "order (2, 9)", (), parts))


def test_history_is_merged_and_tells_our_share(at_pool: Shell, pool: HaPool) -> None:
    pool.event(Event(WHEN + 90, "vmserver3", "master", None, "epoch 3"))
    failover(pool)
    pool.event(Event(WHEN + 1, "vmserver3", "started", "web", "order (1, 1)", (), {"start": 1.0}))
    (pool.folder / "events/vmserver3.jsonl.1").write_bytes(b"")
    data = at_pool("ovstools vm history --json").json
    assert [each["time"][14:19] for each in data["events"]] == ["00:01", "01:10", "01:11", "01:30"]
    (took,) = data["failovers"]
    assert (took["guest"], took["from"], took["to"]) == ("web", "vmserver3", "vmserver2")
    # ours: order 0.02, seen 0.1, accepted to issued 0.1; not the heartbeat, DLM, file system, start
    assert took["own_s"] == pytest.approx(0.22)
    assert took["total_s"] == pytest.approx(62.1 + 4.0 + 0.5 + 0.22 + 1.5)
    lines = at_pool("ovstools vm history web").out.splitlines()
    assert (
        "    failover of web from vmserver3 to vmserver2: 68.320 s, our own share 0.220 s" in lines
    )
    assert "      silent         62.100 s" in lines
    assert "      order           0.020 s  ours" in lines
    assert not any("master" in line for line in lines), "of that guest only"


def test_older_files_are_read_as_far_as_they_are_needed(at_pool: Shell, pool: HaPool) -> None:
    failover(pool)
    events = pool.folder / "events"
    (events / "vmserver2.jsonl").rename(events / "vmserver2.jsonl.1")
    pool.event(Event(WHEN + 99, "vmserver2", "stopped", "web", "order (2, 10)"))
    (events / "vmserver2.jsonl.2").write_text("cut shor\n")
    whole = at_pool("ovstools vm history --json").json
    assert [each["event"] for each in whole["events"]] == ["ordered", "started", "stopped"]
    assert len(whole["damage"]) == 1 and "vmserver2.jsonl.2: line 1" in whole["damage"][0]
    late = at_pool("ovstools vm history --since 2026-11-22T15:01:35Z --json").json
    assert [each["event"] for each in late["events"]] == ["stopped"] and late["damage"] == []
    assert at_pool("ovstools vm history --since 1s").out == "nothing has happened\n"
    assert at_pool("ovstools vm history web --since 1s").status == 0, "removed since, perhaps"
    for words in ("nosuch", "nosuch --since 1s"):
        answer = at_pool(f"ovstools vm history {words}")
        assert answer.status == 4 and "no guest nosuch" in answer.err, answer
    pool.guest("quiet")
    assert at_pool("ovstools vm history quiet").status == 0, "nothing has happened to it yet"


@pytest.mark.parametrize("since", ["soon", "", "5x", "2026-13-01"])
def test_history_since_what(at_pool: Shell, since: str) -> None:
    assert at_pool(f"ovstools vm history --since '{since}'").status == 2
