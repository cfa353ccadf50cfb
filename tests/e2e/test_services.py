"""The three services on a real systemd: what stops what, what refuses, and a shutdown's order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e import journey, pools
from tests.e2e.test_keeper import DRIVER, PYTHON, show
from tests.lab.lab import Lab
from tests.lab.server import Server

pytestmark = pytest.mark.lab(scope="module", begin=(pools.ocfs2_root,))

UNITS = ("ovsrepositories", "ovs-locks", "ovs-agent")
NODE_LOCK = "node-vmserver1.example.com"


def drive(server: Server, *words: str) -> Any:
    """Run the driver of the keeper's tests."""
    return json.loads(server.run(PYTHON, "/root/driver.py", *words, timeout_s=120).stdout)


def pids(server: Server) -> list[str]:
    """Return the main processes of keeper and agent."""
    return [show(server, unit, "MainPID") for unit in UNITS[1:]]


def wait_for_names(server: Server, *names: str) -> None:
    """Wait until the keeper holds exactly these."""
    words = " ".join(names)
    show_names = "import json, sys; print(*json.load(sys.stdin))"
    line = f"{PYTHON} /root/driver.py names | {PYTHON} -c '{show_names}'"
    server.wait_until(f'test "$({line})" = "{words}"', timeout_s=120)


def test_install_units_starts_all_three(lab: Lab) -> None:
    one = lab.servers[0]
    one.write("/root/driver.py", DRIVER)
    one.run("ovstools", "install-units", timeout_s=300)
    for unit in UNITS:
        one.wait_until(f"systemctl is-active {unit}", timeout_s=120)
        assert show(one, unit, "UnitFileState") == "enabled"
    one.run(
        "systemd-analyze",
        "--man=no",
        "verify",
        *(f"/etc/systemd/system/{u}.service" for u in UNITS),
    )
    wait_for_names(one, NODE_LOCK)
    rows = {row["name"]: row for row in one.run("ovstools", "services", "status", "--json").json()[
        "services"]}  # fmt: skip
    assert list(rows) == ["o2cb", "ocfs2", *UNITS]
    assert rows["ovs-locks"]["is"] == "locks held: 1 of servers, 0 of guests"


def test_an_upgrade_replaces_files_and_stops_nothing(lab: Lab) -> None:
    one = lab.servers[0]
    before = pids(one)
    assert one.run("ovstools", "install-units", "--json").json()["changed"] is False
    files = " ".join(f"/etc/systemd/system/{unit}.service" for unit in UNITS[1:])
    one.sh(f"sed -i 's/^RestartSec=.*/RestartSec=7s/' {files}")
    one.sh("systemctl daemon-reload")
    one.run("ovstools", "install-units", timeout_s=120)
    assert show(one, "ovs-agent", "RestartUSec") == "1s"
    assert show(one, "ovs-locks", "RestartUSec") == "100ms"
    assert pids(one) == before


def test_the_agent_comes_and_goes_and_its_lock_stays(lab: Lab) -> None:
    one = lab.servers[0]
    keeper, agent = pids(one)
    one.run("systemctl", "reload", "ovs-agent")
    assert pids(one) == [keeper, agent]
    one.run("systemctl", "kill", "--signal=KILL", "ovs-agent")
    one.wait_until(f"test $(systemctl show -P MainPID ovs-agent) != {agent} &&"
                   " systemctl is-active ovs-agent", timeout_s=120)  # fmt: skip
    assert drive(one, "names") == {NODE_LOCK: "held"}
    one.run("systemctl", "stop", "ovs-agent", timeout_s=120)
    assert drive(one, "names") == {NODE_LOCK: "held"}
    assert pids(one)[0] == keeper
    assert journey.mounted_device(one) == journey.DEVICE


def test_guests_forbid_everything(lab: Lab) -> None:
    """The agent is stopped: it would let go of the lock of a guest that no hypervisor has."""
    one = lab.servers[0]
    assert drive(one, "hold", "guest-web1")["result"] == "Granted"
    before = pids(one)
    for line in (
        "ovstools services stop",
        "ovstools services stop --drain",
        "ovstools services stop --stop-guests",
        "ovstools repositories stop",
        "ovs-offlinerepo /OVS",
        "ovstools install-units --remove",
    ):
        outcome = one.sh(line, status=4)
        assert "guest web1: its lock is held here" in outcome.stderr, line
    one.wait_until("test $(systemctl show -P RefuseManualStop ovsrepositories) = yes")
    for unit in ("ovsrepositories", "ovs-locks", "ocfs2", "o2cb"):
        assert one.run("systemctl", "stop", unit, status=None).status != 0, unit
    assert pids(one) == before and journey.mounted_device(one) == journey.DEVICE
    assert drive(one, "names") == {"guest-web1": "held", NODE_LOCK: "held"}


def test_a_keeper_that_hangs_is_no_keeper_without_guests(lab: Lab) -> None:
    one = lab.servers[0]
    one.sh("systemctl kill --signal=STOP ovs-locks")
    outcome = one.sh("ovstools services stop", status=None, timeout_s=120)
    assert outcome.status == 1 and "the keeper did not answer" in outcome.stderr
    one.sh("systemctl kill --signal=CONT ovs-locks")
    assert journey.mounted_device(one) == journey.DEVICE


def test_without_guests_services_stop_goes_all_the_way(lab: Lab) -> None:
    one, two, _ = lab.servers
    drive(one, "drop", "guest-web1")
    one.run("systemctl", "start", "ovs-agent")
    wait_for_names(one, NODE_LOCK)
    refused = one.run("ovstools", "repositories", "stop", status=4)
    assert "ovs-agent.service runs" in refused.stderr
    keeper = pids(one)[0]
    one.run("ovstools", "services", "stop", timeout_s=400)
    assert journey.mounted_device(one) is None
    assert not one.exists("/sys/kernel/config/cluster/ocfs2")
    assert drive(one, "names") == {} and pids(one) == [keeper, "0"]
    journey.wait_for_live_nodes(two, 1, 2)
    assert one.run("ovstools", "services", "status", status=3).stdout
    one.run("ovstools", "services", "stop")
    one.run("ovstools", "services", "start", timeout_s=400)
    wait_for_names(one, NODE_LOCK)
    assert pids(one)[0] == keeper
    assert one.run("ovstools", "services", "status").status == 0


def test_an_upgraded_keeper_keeps_the_lock(lab: Lab) -> None:
    one = lab.servers[0]
    keeper = pids(one)[0]
    one.run("systemctl", "kill", "ovs-locks")
    one.wait_until(f"test $(systemctl show -P MainPID ovs-locks) != {keeper} &&"
                   " systemctl is-active ovs-locks", timeout_s=120)  # fmt: skip
    assert drive(one, "names") == {NODE_LOCK: "held"}


#: each unit's end leaves a line on the disk
WITNESS = "[Service]\nExecStopPost=+/bin/sh -c 'echo %p >> /root/stopped'\n"
AGENT, *BELOW = ("ovs-agent", "ovs-locks", "ovsrepositories", "o2cb")
#: in the place of a guest of libvirt: a scope of that name, which takes its time to end
SCOPE = "machine-qemu\\x2d1\\x2dweb1.scope"
GUEST = "trap 'sleep 3; echo guest >> /root/stopped; exit' TERM; while :; do sleep 1; done"


def test_a_planned_shutdown_is_no_death_and_a_boot_brings_all_back(lab: Lab) -> None:
    one, two, _ = lab.servers
    for unit in (AGENT, *BELOW):
        one.write(f"/run/systemd/system/{unit}.service.d/witness.conf", WITNESS)
    one.sh("mkdir -p /var/log/journal; journalctl --flush; systemctl daemon-reload")
    one.start("systemd-run", "--scope", f"--unit={SCOPE}", "--slice=machine.slice",
              "bash", "-c", GUEST)  # fmt: skip
    one.wait_until(f"systemctl is-active '{SCOPE}'")
    two.sh("dmesg --clear")
    one.shutdown(timeout_s=180)
    # gone with a beat or two, not after the heartbeat limit of 14 s
    journey.wait_for_live_nodes(two, 1, 2, timeout_s=5)
    slots = two.sh(f"debugfs.ocfs2 -R slotmap {journey.DEVICE}").lines[1:]
    assert sorted(int(line.split()[1]) for line in slots) == [1, 2], "its slot is released"
    said = two.sh("dmesg").stdout
    assert "evicted" not in said and "recovery" not in said.lower(), said
    one.power_on()
    assert one.read("/root/stopped").split() == [AGENT, "guest", *BELOW]
    said = one.sh("journalctl --boot=-1 --identifier=systemd --no-pager").stdout
    assert "Stopping ovs-agent" in said and "ordering cycle" not in said
    for unit in UNITS:
        one.wait_until(f"systemctl is-active {unit}", timeout_s=120)
    wait_for_names(one, NODE_LOCK)
    assert journey.mounted_device(one) == journey.DEVICE
    for server in (one, two):
        journey.wait_for_live_nodes(server, 0, 1, 2)
    assert one.sh("systemctl is-failed '*'", status=None).stdout.count("failed") == 0


def test_remove_leaves_what_runs(lab: Lab) -> None:
    one = lab.servers[0]
    keeper = pids(one)[0]
    one.run("ovstools", "install-units", "--remove", timeout_s=300)
    assert journey.mounted_device(one) == journey.DEVICE
    assert show(one, "ovs-agent", "ActiveState") == "inactive"
    assert one.sh(f"kill -0 {keeper}; echo $?").stdout == "0\n"
    assert drive(one, "names") == {NODE_LOCK: "held"}
    one.run("ovstools", "install-units", timeout_s=300)
    wait_for_names(one, NODE_LOCK)
    assert pids(one)[0] == keeper
