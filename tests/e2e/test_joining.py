"""Servers joining and leaving a running pool: each way, and with some of them away."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.e2e import journey
from tests.lab.lab import Lab
from tests.lab.outcome import Outcome
from tests.lab.server import Server

COPY, CONF, RECORD = "/OVS/.ovs/config.json", "/etc/ocfs2/cluster.conf", "/etc/ovs/pool-config"
NODES = "/sys/kernel/config/cluster/ocfs2/node"
MAKE = f'/usr/lib/ovs/ovs-makerepo {journey.DEVICE} C "cluster root"'
PROPAGATE = "/usr/lib/ovs/ovs-cluster-check --master --alter-fstab --propagate"
NOBODY = "vmserver5.example.com=192.168.100.104"
GONE = "vmserver5.example.com"


def pool_of_three(lab: Lab) -> None:
    """Give three servers a pool and let them log in on each other; the fourth is a stranger."""
    typist = journey.Typist()
    *members, newcomer = lab.servers
    line = f"ovs-cluster-configure {journey.node_options(members)} --timing {journey.TIMING}"
    typist.together(lab, members, line)
    master, *others = members
    typist.type(master, f"{MAKE} --format --journal-size 16M")
    typist.together(lab, others, MAKE)
    for server in (*members, *members[:2]):
        server.run("ovstools", "ssh-setup")
    let_in(master, newcomer)


def let_in(master: Server, newcomer: Server) -> None:
    """Do by hand what ssh-copy-id does: the newcomer lets the master's root in."""
    master.sh("test -e /root/.ssh/id_ed25519 || ssh-keygen -q -t ed25519 -N '' "
              "-f /root/.ssh/id_ed25519")  # fmt: skip
    own = newcomer.sh("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub").stdout.strip()
    master.sh(f"echo '{newcomer.name} {own}' >> /root/.ssh/known_hosts")
    key = master.read("/root/.ssh/id_ed25519.pub").strip()
    newcomer.sh(f"echo '{key}' >> /root/.ssh/authorized_keys")


pytestmark = pytest.mark.lab(scope="module", servers=4, begin=(pool_of_three,))


def numbers(server: Server) -> dict[str, int]:
    """Return the nodes that a server's kernel has."""
    lines = server.sh(f"grep -H . {NODES}/*/num").stdout.splitlines()
    return {line.split("/")[-2]: int(line.rpartition(":")[2]) for line in lines}


def generation(server: Server) -> str:
    """Return the line with the generation that a server took last."""
    return server.sh(f"grep ^generation= {RECORD}").stdout.strip()


def rows(outcome: Outcome) -> dict[str, Any]:
    """Return what became of each server, by name."""
    data = outcome.json()
    return {each["name"]: each for each in data.get("propagated", data)["servers"]}


def boot_of(server: Server) -> str:
    """Return what changes with each boot."""
    return server.read("/proc/sys/kernel/random/boot_id")


def test_a_newcomer_joins_while_one_server_is_off(lab: Lab) -> None:
    """It is told to all that run, without an outage; the one that is off is named."""
    one, two, three, four = lab.servers
    refused = four.sh(MAKE, status=4)
    assert f"ovs-cluster-configure --add {four.name}={four.address} --all" in refused.stderr
    two.run("ovstools", "install-units", "--no-enable")
    two.sh("systemctl enable ovsrepositories.service")
    boots = {server: boot_of(server) for server in (one, three)}
    two.cut_power()
    journey.wait_for_live_nodes(one, 0, 2, timeout_s=60)
    one.sh("mkdir -p /OVS/.ovs && sync -f /OVS", timeout_s=60)  # its locks are recovered
    line = f"ovs-cluster-configure --add {four.name}={four.address} --all --json"
    answer = one.sh(line, status=6, timeout_s=120)
    assert answer.json()["failed"] == [two.name]
    assert rows(answer)[two.name]["problem"].startswith("cannot be reached")
    for server in (one, three, four):
        assert numbers(server) == {each.name: n for n, each in enumerate(lab.servers)}
        assert generation(server) == "generation=1"
    four.sh(MAKE, timeout_s=180)
    journey.wait_for_live_nodes(four, 0, 2, 3, timeout_s=60)
    four.sh("echo new > /OVS/from-four && sync -f /OVS")
    assert three.read("/OVS/from-four") == "new\n"
    assert {server: boot_of(server) for server in boots} == boots, "nobody was fenced"


def test_the_one_that_was_off_comes_back_with_the_newer_files(lab: Lab) -> None:
    """By itself, at its boot, before it mounts: nobody types anything there."""
    one, two, _, four = lab.servers
    two.power_on()
    two.wait_until("grep -q ' /OVS ' /proc/self/mountinfo", timeout_s=120)
    assert numbers(two)[four.name] == 3
    assert generation(two) == "generation=1"
    said = two.sh("journalctl -u ovsrepositories -b -o cat").stdout
    assert "the pool has a newer configuration, generation 1" in said
    assert said.index(f"node 3, {four.name}") < said.index("at /OVS")
    journey.wait_for_live_nodes(one, 0, 1, 2, 3, timeout_s=60)
    assert len(journey.listed(two)) == 1


def test_propagate_with_a_full_disk_and_a_power_cut_in_the_middle(lab: Lab) -> None:
    one, two, three, four = lab.servers
    one.sh(f"ovs-cluster-configure --add {NOBODY}")
    three.sh("mkdir -p /root/aside && cp -p /etc/ocfs2/cluster.conf /root/aside/ && "
             "mount -t tmpfs -o size=64k none /etc/ocfs2 && cp -p /root/aside/cluster.conf "
             "/etc/ocfs2/ && ! cat /dev/zero > /etc/ocfs2/fill")  # fmt: skip
    before = three.read(CONF)
    job = one.start("sh", "-c", f"{PROPAGATE} --json")
    four.wait_until("pgrep -f [r]eceive-config", timeout_s=60, poll_s=0.05)
    four.cut_power()
    found = rows(job.wait(timeout_s=300, status=6))
    assert found[two.name]["ok"] and GONE in numbers(two)
    assert "No space left" in found[three.name]["problem"]
    assert three.read(CONF) == before, "nothing is half written"
    assert not found[four.name]["ok"] and not found[GONE]["ok"]
    three.sh("umount /etc/ocfs2")
    again = rows(one.sh(f"{PROPAGATE} --json", status=6, timeout_s=300))
    assert again[three.name]["ok"] and again[three.name]["changed"]
    assert again[two.name]["ok"] and not again[two.name]["changed"]
    assert GONE in numbers(three)


def test_a_burnt_server_is_removed_when_it_is_dead(lab: Lab) -> None:
    one, two, three, four = lab.servers
    remove = f"ovs-cluster-configure --remove {four.name}"
    one.wait_until(f"! grep -qw 3 {journey.LIVE_NODES}", timeout_s=60)
    alive = one.sh(f"ovs-cluster-configure --remove {two.name}", status=4)
    assert "is alive: it heartbeats" in alive.stderr
    one.sh(f"ovs-cluster-configure --remove {GONE}", status=6, timeout_s=120)
    one.sh(remove, timeout_s=120)
    boots = {server: boot_of(server) for server in (one, two, three)}
    for server in (one, two, three):
        assert numbers(server) == {each.name: n for n, each in enumerate((one, two, three))}
        server.sh(f"date > /OVS/from-{server.short_name} && sync -f /OVS", timeout_s=60)
    assert {server: boot_of(server) for server in boots} == boots
    checked = one.sh("ovs-cluster-check --all --json", status=None, timeout_s=120).json()
    assert [each["problem"] for each in checked["servers"]] == ["", ""]
    assert "config-differs" not in {each["code"] for each in checked["findings"]}


def test_it_cannot_come_back_with_its_old_files(lab: Lab) -> None:
    one, _, _, four = lab.servers
    four.power_on()
    refused = four.sh("ovstools services start", status=None, timeout_s=180)
    assert "was taken out of the pool" in refused.stderr and "ovstools cleanup" in refused.stderr
    assert journey.mounted_device(four) is None
    four.sh("ovstools cleanup", timeout_s=180)
    assert not four.exists(CONF)
    assert journey.live_nodes(one) == {0, 1, 2}
    known = four.sh(MAKE, status=4)
    assert "does not know this server" in known.stderr


def test_cleanup_on_one_that_runs(lab: Lab) -> None:
    one, two, three, _ = lab.servers
    three.run("ovstools", "install-units", timeout_s=300)
    three.wait_until("systemctl is-active ovs-agent", timeout_s=60)
    three.sh("ovstools cleanup --dry-run", timeout_s=120)
    assert three.exists(CONF)
    begin = time.monotonic()
    three.sh("ovstools cleanup", timeout_s=300)
    assert journey.mounted_device(three) is None and not three.exists(NODES)
    for path in (CONF, RECORD, "/etc/ovs/repositories", "/etc/ovs/ssh",
                 "/etc/systemd/system/ovs-locks.service"):  # fmt: skip
        assert not three.exists(path), path
    assert three.sh("systemctl is-active ovs-locks ovs-agent ovsrepositories o2cb",
                    status=None).stdout.split().count("active") == 0  # fmt: skip
    journey.wait_for_live_nodes(one, 0, 1, timeout_s=20)
    assert time.monotonic() - begin < 300
    again = three.sh("ovstools cleanup --json", timeout_s=120)
    assert again.json()["changed"] is False
    one.sh(f"ovs-cluster-configure --remove {three.name}", timeout_s=120)
    assert set(numbers(two)) == {one.name, two.name}


def test_the_white_papers_way_back_from_the_volume(lab: Lab) -> None:
    """--add by hand on the servers that run, then makerepo on the newcomer, and no ssh at all."""
    one, two, three, _ = lab.servers
    line = f"ovs-cluster-configure --add {three.name}={three.address}"
    for server in (one, two):
        server.sh(line, timeout_s=60)
    joined = three.sh(MAKE, timeout_s=180)
    assert f"whose configuration is on {journey.DEVICE}" in joined.stderr
    assert numbers(three) == {each.name: n for n, each in enumerate((one, two, three))}
    assert "O2CB_HEARTBEAT_THRESHOLD=7" in three.read("/etc/default/o2cb")
    journey.wait_for_live_nodes(one, 0, 1, 2, timeout_s=60)
