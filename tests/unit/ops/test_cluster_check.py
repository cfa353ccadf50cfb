from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ovstools.checks.registry import CODES
from ovstools.errors import ExitStatus, RefusedError, UsageError
from ovstools.model.pool_config import fingerprint
from ovstools.model.timing import DEFAULT, FAST
from ovstools.ops import check_timing, cluster_check
from ovstools.ops.cluster_check import Request
from ovstools.ops.plan import Report, apply
from ovstools.system.talk import Talk
from tests.fakes.machine import FakeMachine
from tests.fakes.pool import make_healthy

LIVE = "/sys/kernel/debug/o2hb/livenodes"
PANIC = "/proc/sys/kernel/panic"


def look(machine: FakeMachine, quiet: bool = False, **words: object) -> Report:
    """Run the check as the command line does; it changes nothing and starts no program."""
    host = machine.host()
    if quiet:
        host = replace(host, talk=Talk(-1, machine.said))
    report = cluster_check.look(host, Request(**words))  # type: ignore[arg-type]
    assert machine.commands == []
    return report


def test_healthy_table_says_what_is_good(machine: FakeMachine) -> None:
    make_healthy(machine)
    report = look(machine)
    assert report.status == ExitStatus.OK
    assert report.table is not None
    assert {row[0] for row in report.table.rows} == {"OK"}
    assert ("OK", "alive", "3 of 3 servers") in report.table.rows
    assert report.lines == (
        "",
        "vmserver1.example.com: healthy, 3 of 3 servers alive, cluster root /OVS on /dev/sdb1",
    )


def test_unhealthy_table_gives_evidence_and_way_out(machine: FakeMachine) -> None:
    make_healthy(machine)
    machine.write(LIVE, "0 1\n")
    machine.write("/etc/default/o2cb", machine.read("/etc/default/o2cb").replace("=31", "=61"))
    report = look(machine)
    assert report.status == ExitStatus.UNHEALTHY
    assert report.table is not None
    assert "bold red" in report.table.styles
    assert len(report.table.styles) == len(report.table.rows)
    assert report.lines == (
        "",
        "o2cb-timing-differs: the kernel's timing is not the one that is set",
        "  O2CB_HEARTBEAT_THRESHOLD is 31 in the kernel, 61 is set",
        "  hint: ovstools services stop; ovs-cluster-configure; ovstools services start",
        "",
        "peer-dead: vmserver3.example.com (node 2) is not alive",
        "  hint: on vmserver3.example.com: ovs-cluster-check",
        "",
        "vmserver1.example.com: unhealthy (1 error, 1 warning), 2 of 3 servers alive, "
        "cluster root /OVS on /dev/sdb1",
    )


@pytest.mark.parametrize(
    ("strict", "status"), [(False, ExitStatus.OK), (True, ExitStatus.UNHEALTHY)]
)
def test_strict_counts_warnings(machine: FakeMachine, strict: bool, status: ExitStatus) -> None:
    make_healthy(machine)
    machine.write(PANIC, "0\n")
    assert look(machine, strict=strict).status == status


@pytest.mark.parametrize("form", ["table", "plain"])
@pytest.mark.parametrize("panic", ["30\n", "0\n"])
def test_quiet_is_silent_when_healthy(machine: FakeMachine, form: str, panic: str) -> None:
    make_healthy(machine)
    machine.write(PANIC, panic)
    report = look(machine, quiet=True, form=form)
    assert (report.lines, report.table, report.status) == ((), None, ExitStatus.OK)


def test_quiet_shows_what_is_wrong_alone(machine: FakeMachine) -> None:
    make_healthy(machine)
    machine.write(PANIC, "0\n")
    report = look(machine, quiet=True, strict=True)
    assert report.table is not None
    assert [row[1] for row in report.table.rows] == ["panic"]


def test_plain_lines_have_three_fields(machine: FakeMachine) -> None:
    make_healthy(machine)
    machine.write(LIVE, "0 1\n")
    report = look(machine, form="plain")
    assert report.table is None
    assert [line.split("\t") for line in report.lines] == [
        ["peer-dead", "warning", "vmserver3.example.com (node 2) is not alive"],
        [
            "healthy",
            "ok",
            "vmserver1.example.com: healthy (1 warning), 2 of 3 servers alive, "
            "cluster root /OVS on /dev/sdb1",
        ],
    ]


@pytest.mark.parametrize(
    ("live", "strict", "status", "word"),
    [
        ("0 1 2", False, 0, "OK"),
        ("0 1", False, 1, "WARNING"),
        ("0 1", True, 2, "CRITICAL"),
        ("0 1 2 9", False, 2, "CRITICAL"),
    ],
)
def test_nagios(machine: FakeMachine, live: str, strict: bool, status: int, word: str) -> None:
    make_healthy(machine)
    machine.write(LIVE, f"{live}\n")
    report = look(machine, form="nagios", strict=strict)
    assert report.status == status
    first = report.lines[0]
    assert first.startswith(f"OVS {word} - vmserver1.example.com: ")
    assert first.count("|") == 1
    alive = min(len(live.split()), 3)
    assert first.endswith(f"alive={alive};;;0;3")


def test_nagios_that_cannot_look_is_unknown(machine: FakeMachine) -> None:
    make_healthy(machine)
    (machine.root / "etc/ovs/repositories").write_bytes(b"\xff\xfe")
    report = look(machine, form="nagios")
    assert report.status == 3
    assert report.lines[0].startswith("OVS UNKNOWN - ")
    with pytest.raises(RefusedError):
        look(machine)


def test_json_keys_are_stable(machine: FakeMachine) -> None:
    make_healthy(machine)
    machine.write(LIVE, "0 1\n")
    data = look(machine).data
    assert {key: data[key] for key in data if key not in ("findings", "checks", "nodes")} == {
        "server": "vmserver1.example.com",
        "healthy": True,
        "summary": "vmserver1.example.com: healthy (1 warning), 2 of 3 servers alive, "
        "cluster root /OVS on /dev/sdb1",
        "master": False,
        "servers": [],
        "generation": None,
        "fingerprint": fingerprint(machine.cluster_conf().cluster, DEFAULT),
        "cluster": "ocfs2",
        "node_number": 0,
        "live_nodes": [0, 1],
        "connected_nodes": [1, 2],
        "cluster_root": {"mountpoint": "/OVS", "source": "/dev/sdb1"},
    }
    assert data["findings"] == [
        {
            "code": "peer-dead",
            "severity": "warning",
            "text": "vmserver3.example.com (node 2) is not alive",
            "evidence": [],
            "hint": "on vmserver3.example.com: ovs-cluster-check",
        }
    ]
    assert data["nodes"][2] == {
        "name": "vmserver3.example.com",
        "number": 2,
        "ip_address": "192.168.100.102",
        "alive": False,
        "connected": True,
    }
    assert {"name": "master", "status": "skipped", "found": ""} in data["checks"]


def test_nothing_set_up_names_the_first_command(machine: FakeMachine) -> None:
    report = look(machine)
    assert report.status == ExitStatus.UNHEALTHY
    assert any("ovs-cluster-configure" in line for line in report.lines)
    assert [finding["code"] for finding in report.data["findings"]] == ["not-configured"]


# ------------------------------------------------------------ --alter-fstab


def test_alter_fstab_then_check(machine: FakeMachine) -> None:
    uuid = make_healthy(machine)
    machine.write("/etc/ovs/repositories", "")
    machine.write("/etc/fstab", "/dev/vda / ext4\n/dev/sdb1 /OVS ocfs2 _netdev 0 0\n")
    host = machine.host()
    plan = cluster_check.plan(host, Request(master=True, alter_fstab=True))
    apply(plan, host)
    assert plan.report_after is not None
    report = plan.report_after(host)
    assert report.status == ExitStatus.OK
    assert report.data["healthy"] is True
    assert report.data["alter_fstab"]["moved"][0]["uuid"] == uuid
    assert "moved from /etc/fstab to /etc/ovs/repositories:" in report.lines
    assert report.lines[-1].startswith("vmserver1.example.com: healthy, 3 of 3 servers alive")


def test_alter_fstab_before_there_is_a_pool_is_no_fault(machine: FakeMachine) -> None:
    machine.write("/etc/fstab", "/dev/sdz1 /OVS ocfs2 _netdev 0 0\n")
    host = machine.host()
    plan = cluster_check.plan(host, Request(alter_fstab=True))
    apply(plan, host)
    assert plan.report_after is not None
    report = plan.report_after(host)
    assert report.status == ExitStatus.OK
    assert report.data["healthy"] is None
    assert report.lines[-1].startswith("not checked: this server is in no pool yet")


@pytest.mark.parametrize("form", ["plain", "nagios"])
def test_alter_fstab_in_other_forms(machine: FakeMachine, form: str) -> None:
    make_healthy(machine)
    host = machine.host()
    plan = cluster_check.plan(host, Request(alter_fstab=True, form=form))
    assert plan.steps == () and plan.report_after is not None
    report = plan.report_after(host)
    first = "nothing to move: " if form == "plain" else "OVS OK - "
    assert report.lines[0].startswith(first)
    assert len(report.lines) == 2


# ------------------------------------------------------------ words


def test_propagate_without_master_is_malformed(machine: FakeMachine) -> None:
    with pytest.raises(UsageError, match="--propagate goes with --master"):
        look(machine, propagate=True)


@pytest.mark.parametrize(
    "words",
    [
        {"list_checks": True, "timing": True},
        {"explain": "peer-dead", "timing": True},
        {"timing": True, "alter_fstab": True},
        {"timing": True, "propagate": True, "master": True},
    ],
)
def test_two_questions_at_once_are_malformed(machine: FakeMachine, words: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="goes without"):
        look(machine, **words)


def test_list_checks(machine: FakeMachine) -> None:
    report = look(machine, list_checks=True)
    assert report.table is not None
    assert {row[0] for row in report.table.rows} == set(CODES)
    assert len(report.data["codes"]) == len(CODES)


def test_explain(machine: FakeMachine) -> None:
    report = look(machine, explain="peer-dead")
    assert report.lines == (
        "peer-dead (warning): a server of the pool is not alive",
        CODES["peer-dead"].explanation,
    )
    assert report.data["code"] == "peer-dead"


def test_explain_of_a_mistyped_code(machine: FakeMachine) -> None:
    with pytest.raises(UsageError) as caught:
        look(machine, explain="peer-deed")
    assert caught.value.evidence == ("did you mean: peer-dead",)


# ------------------------------------------------------------ --timing


@pytest.mark.parametrize(
    ("threshold", "idle_ms", "expected"),
    [
        # facts measured and derived: threshold 31 -> 60, 62, 96 and 158 s; 61 -> 120 and 122 s
        (31, 30000, (60, 30, 62, 30, 96, 158, 68)),
        (61, 60000, (120, 60, 122, 60, 186, 308, 128)),
        (7, 5000, (12, 6, 14, 5, 23, 37, 20)),
    ],
)
def test_seconds(threshold: int, idle_ms: int, expected: tuple[float, ...]) -> None:
    timing = replace(FAST, threshold=threshold, idle_ms=idle_ms)
    assert tuple(check_timing.seconds(timing).values()) == expected


def test_timing_says_where_it_is_from(machine: FakeMachine) -> None:
    assert look(machine, timing=True).data["origin"] == "set in /etc/default/o2cb"
    make_healthy(machine)
    machine.write("/etc/default/o2cb", "O2CB_HEARTBEAT_THRESHOLD=61\n")
    report = look(machine, timing=True)
    assert report.data["origin"] == "in force in the kernel"
    assert report.data["dead_s"] == 62
    assert report.table is not None
    assert ("62 s", "a server that died is declared dead by the others") in report.table.rows


def test_timing_of_a_server_without_anything(machine: FakeMachine) -> None:
    (machine.root / "etc/default/o2cb").unlink()
    assert look(machine, timing=True).data["origin"] == "o2cb's default, nothing is set"


def test_without_a_heartbeat_nobody_is_counted(machine: FakeMachine) -> None:
    make_healthy(machine)
    machine.kernel.umount("/OVS")
    machine.commands.clear()
    report = look(machine)
    assert report.lines[-1] == "vmserver1.example.com: unhealthy (1 error)"
    assert "alive=" not in look(machine, form="nagios").lines[0]


def test_quiet_leaves_out_what_is_only_for_information(machine: FakeMachine) -> None:
    make_healthy(machine)
    machine.write("/usr/lib/systemd/system/sleep.target", "")
    machine.write(LIVE, "0 1 2 9\n")
    report = look(machine, quiet=True)
    assert report.table is not None
    assert [row[1] for row in report.table.rows] == ["alive"]
    assert not any("sleep-allowed" in line for line in report.lines)
    assert any("sleep-allowed" in line for line in look(machine).lines)
