"""The lab itself, on its own servers: `python3 -m pytest tests/lab` (about six minutes).

One story, each test standing on the one before, with o2cb's own tools only.
"""

from __future__ import annotations

import time

import pytest

from . import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.lab(scope="module")]

LIVE_NODES = "/sys/kernel/debug/o2hb/livenodes"
MOUNT = "mkdir -p /OVS && mount -t ocfs2 /dev/sdb1 /OVS"
THRESHOLD = 7
HEARTBEAT_LIMIT_S = 2 * THRESHOLD


def beats(lab: Lab, *numbers: int) -> None:
    """Wait until the first server sees these nodes, and each had time to arm its own timer."""
    lab.servers[0].wait_until(f'test "$(xargs <{LIVE_NODES})" = "{" ".join(map(str, numbers))}"')
    time.sleep(6)


def test_servers_have_names_disks_and_each_other(lab: Lab) -> None:
    for server in lab.servers:
        assert server.run("hostname").stdout.strip() == server.name
        hosts = server.read("/etc/hosts").splitlines()
        assert hosts[0] == "127.0.0.1 localhost.localdomain localhost"
        assert hosts[1] == "192.168.100.100 vmserver1.example.com vmserver1"
        serials = server.run("lsblk", "-dnro", "NAME,SERIAL").stdout
        assert f"sda local-{server.short_name}" in serials
        assert "sdb sanlun0" in serials and "sdc sanlun1" in serials
        for lun, name in zip(lab.storage.luns, ("sdb", "sdc")):
            assert server.run("readlink", "-f", lun.by_id).stdout.strip() == f"/dev/{name}"
        server.run("ping", "-c1", "-W5", lab.servers[0].address)
        skew_s = abs(float(server.run("date", "+%s.%N").stdout) - time.time())
        assert skew_s < 2
        assert server.run("blkid", "/dev/sdc", status=2).stdout == ""


def test_words_files_jobs_and_deadlines(lab: Lab) -> None:
    server = lab.server("vmserver1")
    assert server.run("printf", "%s|", "a b", "$x", "'").stdout == "a b|$x|'|"
    assert server.sh("echo out; echo err >&2; exit 3", status=3).stderr == "err\n"
    assert server.run("printenv", "X", env={"X": "a b"}).stdout == "a b\n"
    with pytest.raises(AssertionError, match="status 1"):
        server.run("false")
    server.write("/tmp/new/file", "text\n", mode=0o600)
    assert server.read("/tmp/new/file") == "text\n"
    assert server.exists("/tmp/new/file") and not server.exists("/tmp/new/other")
    job = server.start("sh", "-c", "echo begun; sleep 1000")
    assert job.is_running()
    job.kill("TERM")
    assert job.wait(10).stdout == "begun\n"


def test_cluster_comes_online_on_all_servers(lab: Lab) -> None:
    lines = ["o2cb add-cluster ovs"]
    for number, server in enumerate(lab.servers):
        node = f"{server.short_name} --ip {server.address} --port 7777 --number {number}"
        lines.append(f"o2cb add-node ovs {node}")
    for key, value in {
        "ENABLED": "true",
        "BOOTCLUSTER": "ovs",
        "HEARTBEAT_THRESHOLD": str(THRESHOLD),
    }.items():
        lines.append(f"sed -i 's/^O2CB_{key}=.*/O2CB_{key}={value}/' /etc/default/o2cb")
    lines.append("systemctl restart o2cb")
    lab.on_all(lambda server: server.sh(" && ".join(lines)))
    for server in lab.servers:
        dead = server.sh("cat /sys/kernel/config/cluster/ovs/heartbeat/dead_threshold").stdout
        assert int(dead) == THRESHOLD


def test_two_servers_share_a_file_system(lab: Lab) -> None:
    first, second = lab.servers[:2]
    first.sh("mkfs.ocfs2 -x -b 4K -C 4K -J size=64M -N 4 -L ovs /dev/sdb1")
    first.sh(MOUNT)
    second.sh(MOUNT)
    first.write("/OVS/note", "from the first\n")
    assert second.read("/OVS/note") == "from the first\n"
    beats(lab, 0, 1)


def test_power_cut_is_seen_and_server_comes_back(lab: Lab) -> None:
    first, second = lab.servers[:2]
    begin = time.monotonic()
    second.cut_power()
    assert not second.is_on()
    first.wait_until(f'test "$(xargs <{LIVE_NODES})" = 0')
    assert abs(time.monotonic() - begin - HEARTBEAT_LIMIT_S) < 5
    second.power_on()
    second.sh(MOUNT, timeout_s=120)
    beats(lab, 0, 1)


def test_isolated_server_fences_itself(lab: Lab) -> None:
    second = lab.servers[1]
    second.isolate()
    second.wait_until_off(120)
    assert "fencing this node" in second.console()
    second.reconnect()
    second.power_on()
    second.sh(MOUNT, timeout_s=120)
    beats(lab, 0, 1)


def test_short_hang_of_storage_is_survived_and_a_long_one_fences(lab: Lab) -> None:
    second = lab.servers[1]
    second.lose_storage()
    job = second.start("dd", "if=/dev/sdb", "of=/dev/null", "bs=4096", "count=9", "iflag=direct")
    time.sleep(6)
    assert job.is_running()
    second.regain_storage()
    job.wait(20, status=0)
    second.sh("echo still here >/OVS/note && sync")
    second.lose_storage()
    second.wait_until_off(120)
    assert "Heartbeat write timeout" in second.console()
    second.power_on()
    second.sh(MOUNT, timeout_s=120)
    beats(lab, 0, 1)


def test_planned_reboot_and_shutdown(lab: Lab) -> None:
    second, third = lab.servers[1:3]
    before = second.read("/proc/sys/kernel/random/boot_id")
    second.reboot()
    assert second.read("/proc/sys/kernel/random/boot_id") != before
    third.shutdown()
    assert not third.is_on()


def test_lun_is_added_broken_and_mended(lab: Lab) -> None:
    first, second = lab.servers[:2]
    lun = lab.add_lun(256)
    for server in (first, second):
        assert server.sh(f"blockdev --getsize64 {lun.by_id}").stdout.strip() == str(256 << 20)
    second.break_storage(1)
    second.wait_until("! test -e /dev/sdc")
    second.mend_storage(1)
    second.wait_until(f"test -b {lab.storage.luns[1].by_id}")


def test_restore_undoes_all_of_it(lab: Lab) -> None:
    lab.restore()
    assert lab.is_up()
    for server in lab.servers:
        assert not server.exists("/etc/ocfs2/cluster.conf")
        assert not server.exists("/dev/sdd")
        assert "ocfs2" not in server.run("blkid", "-p", "/dev/sdb1").stdout
