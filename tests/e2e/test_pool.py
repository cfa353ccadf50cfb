"""The journey: a pool on a shared disk, from blank servers to a power cut and back."""

from __future__ import annotations

import pytest

from tests.e2e import journey
from tests.e2e.journey import Typist
from tests.lab.lab import Lab

pytestmark = pytest.mark.lab(scope="module")


def test_configure_brings_the_cluster_online_on_every_server(lab: Lab, typist: Typist) -> None:
    outcomes = journey.configure(lab, typist)
    for server, outcome in zip(lab.servers, outcomes):
        base = "/sys/kernel/config/cluster/ocfs2"
        assert server.sh(f"cat {base}/node/*/num").stdout == "0\n1\n2\n"
        assert server.read(f"{base}/heartbeat/dead_threshold") == "7\n"
        assert server.read(f"{base}/node/{server.name}/local") == "1\n"
        assert "O2CB_ENABLED=true\n" in server.read("/etc/default/o2cb")
        assert "online" in outcome.stdout
    texts = {server.read("/etc/ocfs2/cluster.conf") for server in lab.servers}
    assert len(texts) == 1


def test_configure_again_changes_nothing(lab: Lab, typist: Typist) -> None:
    files = "/etc/ocfs2/cluster.conf /etc/default/o2cb"
    before = lab.servers[0].sh(f"stat -c '%i %Y' {files}; systemctl show -p InvocationID o2cb")
    journey.configure(lab, typist)
    after = lab.servers[0].sh(f"stat -c '%i %Y' {files}; systemctl show -p InvocationID o2cb")
    assert after.stdout == before.stdout


def test_makerepo_formats_once_and_the_others_join(lab: Lab, typist: Typist) -> None:
    journey.make_cluster_root(lab, typist)
    (uuid,) = {journey.root_uuid(server) for server in lab.servers}
    for server in lab.servers:
        assert journey.mounted_device(server) == journey.DEVICE
        assert journey.region_is_active(server, uuid)
        assert journey.live_nodes(server) == {0, 1, 2}
        assert "/dev/disk/by-id/wwn-" in journey.listed(server)[0]
    names = set(lab.servers[2].sh("ls -A /OVS").lines)
    assert names >= {"iso_pool", "publish_pool", "seed_pool", "sharedDisk", "running_pool"}
    assert "DESCRIPTION=cluster root\n" in lab.servers[1].read("/OVS/.ovsrepo")


def test_makerepo_again_changes_nothing(lab: Lab, typist: Typist) -> None:
    one = lab.servers[0]
    before = one.sh("stat -c '%i %Y' /etc/ovs/repositories /OVS/.ovsrepo; cat /proc/mounts")
    outcome = typist.type(one, f'ovs-makerepo {journey.DEVICE} C "cluster root"')
    after = one.sh("stat -c '%i %Y' /etc/ovs/repositories /OVS/.ovsrepo; cat /proc/mounts")
    assert "already mounted at /OVS" in outcome.stdout
    assert after.stdout == before.stdout


def test_a_second_cluster_root_is_refused_on_every_server(lab: Lab) -> None:
    """Also where another server would be the one to format: it is not waited for."""
    for server in lab.servers:
        line = 'ovs-makerepo /dev/sdc C "another" --format'
        outcome = server.sh(line, status=4, timeout_s=120)
        assert "a cluster root already" in outcome.stderr, outcome.describe()
        assert journey.mounted_device(server) == journey.DEVICE
        assert len(journey.listed(server)) == 1
    assert lab.servers[1].sh("blkid -p /dev/sdc", status=2).stdout == "", "it is blank as before"


def test_what_one_server_writes_another_reads(lab: Lab) -> None:
    one, _, three = lab.servers
    one.write("/OVS/seed_pool/from-one", "one\n")
    assert three.read("/OVS/seed_pool/from-one") == "one\n"
    three.sh("echo three >> /OVS/seed_pool/from-one")
    assert one.read("/OVS/seed_pool/from-one") == "one\nthree\n"


def test_the_check_is_green_on_all_servers(lab: Lab) -> None:
    lab.on_all(lambda server: server.run("ovstools", "install-units"))
    for outcome in lab.on_all(lambda server: server.run("ovs-cluster-check", "--json")):
        answer = outcome.json()
        assert answer["healthy"] is True
        assert [f["code"] for f in answer["findings"] if f["severity"] != "info"] == []
        assert answer["live_nodes"] == [0, 1, 2]
    strict = lab.servers[0].run("ovs-cluster-check", "--strict", "--quiet")
    assert strict.stdout == ""
    for server in (lab.servers[0], lab.servers[2]):  # nothing below is about their agents
        server.run("systemctl", "stop", "ovs-agent")


def test_offlinerepo_refuses_while_a_process_uses_it(lab: Lab) -> None:
    two = lab.servers[1]
    user = two.start("sh", "-c", "cd /OVS/seed_pool && exec sleep 600")
    two.wait_until("pgrep -x sleep")
    pid = two.sh("pgrep -x sleep").stdout.strip()
    for line in ("ovs-offlinerepo /OVS", "ovstools services stop", "ovstools repositories stop"):
        outcome = two.sh(line, status=4)
        assert f"sleep (pid {pid}, " in outcome.stderr, outcome.describe()
        assert journey.mounted_device(two) == journey.DEVICE
    assert two.sh(f"kill -0 {pid}; echo $?").stdout == "0\n", "Debian's ocfs2 stop kills; ours not"
    user.kill()


def test_offlinerepo_and_start_again(lab: Lab) -> None:
    one, two, _ = lab.servers
    uuid = journey.root_uuid(two)
    refused = two.run("ovs-offlinerepo", "cluster root", status=4)
    assert "ovs-agent.service runs" in refused.stderr
    two.run("systemctl", "stop", "ovs-agent")
    two.run("ovs-offlinerepo", "cluster root")
    assert journey.mounted_device(two) is None
    assert not journey.region_is_active(two, uuid)
    journey.wait_for_live_nodes(one, 0, 2)
    assert journey.root_uuid(two) == uuid, "without -d it stays on the list"
    again = two.run("ovs-offlinerepo", uuid)
    assert "already" in again.stdout
    two.run("ovs-offlinerepo", "-d", uuid)
    assert journey.listed(two) == []
    outcome = two.sh(f'ovs-makerepo {journey.DEVICE} C "cluster root"')
    assert uuid in outcome.stdout and "mkfs" not in outcome.stderr


def test_a_power_cut_is_noticed_and_the_pool_goes_on(lab: Lab, typist: Typist) -> None:
    one, two, three = lab.servers
    cut = journey.cut_power(lab, typist, three)
    assert (cut.before, cut.after) == ({0, 1, 2}, {0, 1})
    assert one.exists("/OVS/written after the power cut")
    check = one.run("ovs-cluster-check", "--json")
    codes = [finding["code"] for finding in check.json()["findings"]]
    assert "peer-dead" in codes
    assert one.run("ovs-cluster-check", "--strict", "--quiet", status=3).status == 3
    three.power_on()
    assert journey.mounted_device(three) == journey.DEVICE
    assert three.exists("/OVS/written after the power cut")
    journey.wait_for_live_nodes(two, 0, 1, 2)


def test_a_node_is_added_to_the_running_cluster(lab: Lab) -> None:
    add = ("ovs-cluster-configure", "--add", "vmserver4.example.com=192.168.100.103")
    lab.on_all(lambda server: server.run(*add))
    for server in lab.servers:
        path = "/sys/kernel/config/cluster/ocfs2/node/vmserver4.example.com/num"
        assert server.read(path) == "3\n"
        assert journey.live_nodes(server) == {0, 1, 2}
        assert journey.mounted_device(server) == journey.DEVICE
    assert len({server.read("/etc/ocfs2/cluster.conf") for server in lab.servers}) == 1
