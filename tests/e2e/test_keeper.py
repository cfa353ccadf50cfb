"""Cluster locks on a real OCFS2: the keeper holds them over everything but the server's death."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import journey, pools
from tests.lab.lab import Lab
from tests.lab.server import Server

pytestmark = pytest.mark.lab(scope="module", begin=(pools.ocfs2_root,))

Record = Callable[[str, object], None]
POOL = "/OVS/.ovs"
PYTHON = "/opt/ovstools/bin/python"
#: what an agent does with locks; prints one JSON document
DRIVER = '''
"""hold | try | drop | names | watch [NAME [NUMBER]]"""
import json, os, sys, time
from ovstools.ha import locks, pool_io
from ovstools.ha.keeper_client import KeeperClient
from ovstools.model.owner_record import GuestState, OwnerRecord

POOL, LIVE = "/OVS/.ovs", "/sys/kernel/debug/o2hb/livenodes"
device = None
for line in open("/proc/self/mountinfo"):
    if line.split()[4] == "/OVS":
        device = os.makedev(*map(int, line.split()[2].split(":")))
io = pool_io.PoolIo(POOL, device=device)
keeper = KeeperClient("/run/ovs/keeper.sock", limit_s=30)
verb, name = sys.argv[1], sys.argv[-1]
answer = None
if verb == "names":
    answer = {name: state.value for name, state in keeper.names().items()}
elif verb == "drop":
    answer = str(pool_io.wait(locks.release(io, keeper.drop(name), 60)))
elif verb == "watch":
    name, number = sys.argv[2:]
    waiter = locks.take(io, name, None, blocking=True)
    dead = granted = None
    while dead is None or granted is None:
        if dead is None and number not in open(LIVE).read().split():
            dead = time.time()
        found = waiter.poll()
        if granted is None and isinstance(found, locks.Granted):
            granted = time.time()
        time.sleep(0.02)
    answer = {"dead": dead, "granted": granted, "owner": locks.record_of(found.content).owner}
else:
    begin = time.monotonic()
    found = pool_io.wait(locks.take(io, name, 60))
    answer = {"result": type(found).__name__, "took_s": round(time.monotonic() - begin, 3)}
    if verb == "hold" and isinstance(found, locks.Granted):
        if name.startswith("guest-"):
            record = OwnerRecord("uuid", "one", 0, "boot", "incarnation", GuestState.RUNNING)
            answer["written"] = str(pool_io.wait(
                locks.write_record(io, name[len("guest-"):], found.descriptor, record, 60)))
        keeper.put(name, found.descriptor)
        answer["all_s"] = round(time.monotonic() - begin, 3)
print(json.dumps(answer))
'''


def drive(server: Server, *words: str) -> Any:
    """Run the driver on a server; return its answer."""
    return json.loads(server.run(PYTHON, "/root/driver.py", *words, timeout_s=120).stdout)


def result(server: Server, name: str) -> str:
    """Try to take a lock; say Granted or Denied."""
    return str(drive(server, "try", name)["result"])


def show(server: Server, unit: str, name: str) -> str:
    """Return a property of a unit."""
    return server.run("systemctl", "show", "-P", name, unit).stdout.strip()


def test_each_server_starts_its_keeper(lab: Lab) -> None:
    def install(server: Server) -> None:
        server.write("/root/driver.py", DRIVER)
        # the keeper alone: the driver is the agent here
        server.sh(
            "ovstools install-units --no-enable; systemctl enable --now ovsrepositories ovs-locks",
            timeout_s=120,
        )

    one, two, _ = lab.servers
    lab.on_all(install, (one, two))
    one.sh(f"mkdir -m 700 -p {POOL}/locks")
    assert [drive(server, "names") for server in (one, two)] == [{}, {}]


def test_lock_survives_the_keepers_death(lab: Lab, record_property: Record) -> None:
    one, two, _ = lab.servers
    held = drive(one, "hold", "guest-vm1")
    assert held["result"] == "Granted" and held["written"] == "Done()"
    record_property("lock_and_record_s", held["took_s"])
    record_property("all_with_put_s", held["all_s"])
    assert result(two, "guest-vm1") == "Denied"
    before = show(one, "ovs-locks", "MainPID")
    for signal in ("KILL", "TERM"):
        one.sh(f"systemctl kill -s {signal} ovs-locks")
        assert result(two, "guest-vm1") == "Denied"
        one.wait_until(
            f"pid=$(systemctl show -P MainPID ovs-locks); test $pid != 0 -a $pid != {before} &&"
            " systemctl is-active ovs-locks"
        )
        before = show(one, "ovs-locks", "MainPID")
        assert result(two, "guest-vm1") == "Denied"
        assert drive(one, "names") == {"guest-vm1": "held"}
        assert show(one, "ovs-locks", "NFileDescriptorStore") == "1"
    assert "owner=one" in two.read(f"{POOL}/locks/guest-vm1")


def test_waiters_end_with_the_agent_that_waits(lab: Lab) -> None:
    """A blocked flock on OCFS2 is interrupted when the agent is killed, and never granted later."""
    one, two, _ = lab.servers
    watch = two.start(PYTHON, "/root/driver.py", "watch", "guest-vm1", "0")
    two.wait_until("grep -qs ocfs2_file_lock /proc/[0-9]*/wchan")
    two.sh("kill -9 $(pgrep -f '^[^ ]*python /root/driver.py watch')")
    two.wait_until("! pgrep -f '[p]ool_child.py'")
    watch.wait()
    assert drive(one, "drop", "guest-vm1") == "Done()"
    assert drive(one, "hold", "guest-vm1")["result"] == "Granted"


def test_nobody_pulls_the_floor_away(lab: Lab) -> None:
    one, *_ = lab.servers
    one.wait_until("test $(systemctl show -P RefuseManualStop ocfs2) = yes")
    for unit in ("ovs-locks", "o2cb", "ocfs2"):
        for verb in ("stop", "restart"):
            outcome = one.run("systemctl", verb, unit, status=None)
            assert outcome.status != 0 and "refused" in outcome.stderr
    assert journey.mounted_device(one) == journey.DEVICE
    assert show(one, "ovs-locks", "ActiveState") == "active"


def test_drop_frees_the_lock(lab: Lab) -> None:
    one, two, _ = lab.servers
    assert drive(one, "drop", "guest-vm1") == "Done()"
    assert result(two, "guest-vm1") == "Granted"
    assert drive(one, "names") == {}
    assert show(one, "ovs-locks", "NFileDescriptorStore") == "0"
    one.wait_until("test $(systemctl show -P RefuseManualStop ocfs2) = no")


def test_power_cut_frees_it_only_after_the_declaration_of_death(
    lab: Lab, record_property: Record
) -> None:
    one, two, _ = lab.servers
    drive(one, "hold", "guest-vm2")
    drive(one, "hold", "node-vmserver1")
    line = f"{PYTHON} /root/driver.py watch guest-vm2 0 > /root/watch.json"
    watch = two.start("sh", "-c", line)
    two.wait_until("pgrep -f 'driver.py watch'")
    time.sleep(3)  # the waiter waits, and both have beaten since
    assert result(two, "guest-vm2") == "Denied"
    begin = float(two.sh("date +%s.%N").stdout)
    one.cut_power()
    two.wait_until("test -s /root/watch.json", timeout_s=90)
    watch.kill()
    seen = json.loads(two.read("/root/watch.json"))
    dead_s, granted_s = seen["dead"] - begin, seen["granted"] - begin
    record_property("declared_dead_s", dead_s)
    record_property("granted_s", granted_s)
    assert seen["owner"] == "one"
    assert dead_s < granted_s
    assert 12 < dead_s < 20 and granted_s < 40
    assert result(two, "node-vmserver1") == "Granted"


def test_shutdown_is_not_held_up(lab: Lab) -> None:
    """RefuseManualStop is for people; a shutdown stops the keeper, then unmounts."""
    _, two, _ = lab.servers
    drive(two, "hold", "guest-vm2")
    two.shutdown(timeout_s=120)
