"""What is refused on real devices, with its evidence, and that nothing was changed by it."""

from __future__ import annotations

import pytest

from tests.e2e import journey
from tests.lab.lab import Lab
from tests.lab.server import Server

pytestmark = pytest.mark.lab(scope="module")

CONF = "/etc/ocfs2/cluster.conf"


def state(server: Server) -> str:
    """Return all that a refused command must leave alone."""
    return server.sh(
        "md5sum /etc/ocfs2/* /etc/default/o2cb /etc/ovs/* /etc/fstab 2>/dev/null;"
        " cat /proc/mounts; ls /sys/kernel/config/cluster 2>/dev/null;"
        " for d in sda sdb sdb1 sdc; do blkid -p /dev/$d; done",
        status=None,
    ).stdout


def refused(server: Server, line: str, *said: str, status: int = 4) -> None:
    """Run a line that must be refused, saying why, and change nothing."""
    before = state(server)
    outcome = server.sh(line, status=status)
    for text in said:
        assert text in outcome.stderr, outcome.describe()
    assert "Traceback" not in outcome.stderr
    assert state(server) == before


def configure_line(lab: Lab) -> str:
    """Return the command line that makes the cluster."""
    return f"ovs-cluster-configure {journey.node_options(lab.servers)} --timing {journey.TIMING}"


def test_not_root(lab: Lab) -> None:
    refused(lab.servers[0], f"runuser -u nobody -- {configure_line(lab)}", "needs root")


@pytest.mark.parametrize(
    ("arrange", "restore", "said"),
    [
        (
            "mkdir -p /etc/ocfs2; mount -t tmpfs -o size=16k tmpfs /etc/ocfs2;"
            " cat /dev/zero > /etc/ocfs2/full 2>/dev/null; true",
            "umount /etc/ocfs2",
            "No space left on device",
        ),
        (
            "mount --bind /etc /etc; mount -o remount,ro,bind /etc",
            "umount /etc",
            "Read-only file system",
        ),
    ],
    ids=["full", "read-only"],
)
def test_etc_that_cannot_be_written(lab: Lab, arrange: str, restore: str, said: str) -> None:
    one = lab.servers[0]
    one.sh(arrange)
    try:
        refused(one, configure_line(lab), said)
    finally:
        one.sh(restore)
    assert not one.exists(CONF)


def test_a_loopback_address_names_the_line_of_etc_hosts(lab: Lab) -> None:
    one = lab.servers[0]
    hosts = one.read("/etc/hosts")
    one.write("/etc/hosts", f"127.0.1.1 {one.name} {one.short_name}\n{hosts}")
    try:
        refused(one, "ovs-cluster-configure", f"/etc/hosts:1: 127.0.1.1 {one.name}", "loopback")
    finally:
        one.write("/etc/hosts", hosts)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cluster:\r\n\tname = ocfs2\r\n\tnode_count = 0\r\n", ":1:"),
        ("\ufeffcluster:\n\tname = ocfs2\n\tnode_count = 0\n", "byte order mark"),
        ("cluster:\n\tnode_count = 0\n", "crashes"),
        (
            "node:\n\tip_port = 7777\n\tip_address = 192.168.100.100\n\tnumber = 0\n"
            "\tname = vmserver1.example.com\n\tcluster = ocfs2\n\n"
            "node:\n\tip_port = 7777\n\tip_address = 192.168.100.101\n\tnumber = 0\n"
            "\tname = vmserver2.example.com\n\tcluster = ocfs2\n\n"
            "cluster:\n\tnode_count = 2\n\tname = ocfs2\n",
            "number",
        ),
    ],
    ids=["crlf", "bom", "no-name", "one-number-twice"],
)
def test_a_bad_cluster_conf(lab: Lab, text: str, said: str) -> None:
    one = lab.servers[0]
    one.write(CONF, text)
    try:
        refused(one, "ovs-cluster-configure", said, CONF)
        refused(one, f'ovs-makerepo {journey.DEVICE} C "cluster root"', said, CONF)
    finally:
        one.sh(f"rm {CONF}")


def test_makerepo_without_a_cluster(lab: Lab) -> None:
    line = f'ovs-makerepo {journey.DEVICE} C "cluster root" --format'
    refused(lab.servers[0], line, "in no cluster", "--add", "--propagate")


def test_the_white_papers_own_order_works(lab: Lab, typist: journey.Typist) -> None:
    """Format by hand before any cluster exists, then configure, then makerepo."""
    one, two, _ = lab.servers
    one.sh(journey.WHITE_PAPER_MKFS, timeout_s=180)
    uuid = one.sh(f"blkid -p -s UUID -o value {journey.DEVICE}").stdout.strip()
    typist.together(lab, [one, two], configure_line(lab))
    one.sh(f'/usr/lib/ovs/ovs-makerepo {journey.DEVICE} C "cluster root"', timeout_s=120)
    assert journey.root_uuid(one) == uuid.replace("-", "").upper()
    assert journey.mounted_device(one) == journey.DEVICE
    assert "SHARED=C\n" in one.read("/OVS/.ovsrepo")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/dev/nosuch", "there is no device /dev/nosuch"),
        ("/etc", "it is a directory"),
        ("/etc/hosts", "it is a file"),
        ("/dev/null", "no block device"),
        ("/dev/sdb", "/dev/sdb1"),
    ],
)
def test_a_source_that_is_no_free_device(lab: Lab, source: str, said: str) -> None:
    refused(lab.servers[0], f'ovs-makerepo {source} 1 "more" --format --force', said)


@pytest.mark.parametrize("description", ["", "  ", "two\nlines"])
def test_a_description_that_is_none(lab: Lab, description: str) -> None:
    line = f"ovs-makerepo /dev/sdc 1 '{description}' --format"
    refused(lab.servers[0], line, "description", status=2)


def test_a_blank_device_is_not_formatted_unasked(lab: Lab) -> None:
    line = 'ovs-makerepo /dev/sdc 1 "more"'
    refused(lab.servers[0], line, "blank", "mkfs.ocfs2 -x", "--format")


def test_a_foreign_file_system_is_not_formatted(lab: Lab) -> None:
    one = lab.servers[0]
    one.sh("mkfs.ext4 -q -L books /dev/sda")
    refused(one, 'ovs-makerepo /dev/sda 1 "more" --format', "ext4", "books", "cannot share")
    refused(one, 'ovs-makerepo /dev/sda C "more"', "ext4", "books")


def test_a_mounted_device_is_not_formatted(lab: Lab) -> None:
    line = f'ovs-makerepo {journey.DEVICE} C "mine" --format --force'
    refused(lab.servers[0], line, "is mounted at /OVS")


def test_a_device_with_another_servers_heartbeat_is_never_formatted(lab: Lab) -> None:
    line = f'ovs-makerepo {journey.DEVICE} C "mine" --format --force'
    refused(lab.servers[1], line, "heartbeats on it", "node number 0")


def test_a_device_that_a_server_without_heartbeat_has_mounted(lab: Lab) -> None:
    """It is paused, and looks dead; its node slot says that it may not be."""
    one, two, _ = lab.servers
    one.pause()
    try:
        line = f'ovs-makerepo {journey.DEVICE} C "mine" --format --force'
        refused(two, line, "or was when its server crashed", "the slot map has node number 0")
    finally:
        one.resume()
    one.sh("date > /OVS/seed_pool/after-the-pause && sync -f /OVS")
    assert journey.live_nodes(one) == {0}


def test_ovs_mounted_from_something_else(lab: Lab) -> None:
    two = lab.servers[1]
    two.sh("mkfs.ext4 -q /dev/sda; mkdir -p /OVS; mount /dev/sda /OVS")
    try:
        line = f'ovs-makerepo {journey.DEVICE} C "cluster root"'
        refused(two, line, "already mounted from something else", "umount /OVS")
    finally:
        two.sh("umount /OVS")


@pytest.mark.parametrize("options", ["--format-here --format", "--format"])
def test_a_shared_repository_needs_the_cluster_root(lab: Lab, options: str) -> None:
    """Also where another server is the one to format: nobody waits for what comes to nothing."""
    line = f'ovs-makerepo /dev/sdc 1 "more" {options}'
    refused(lab.servers[1], line, "/OVS is not the cluster root")


def test_a_second_cluster_root(lab: Lab) -> None:
    line = 'ovs-makerepo /dev/sdc C "another" --format'
    refused(lab.servers[0], line, "a cluster root already", "there is only one")


def test_the_same_source_with_another_role(lab: Lab) -> None:
    line = f'ovs-makerepo {journey.DEVICE} 1 "cluster root"'
    refused(lab.servers[0], line, "is the cluster root (C)")


def test_the_white_papers_format_does_not_fit_one_gib(lab: Lab) -> None:
    one = lab.servers[0]
    lun = lab.add_lun(1024)
    refused(one, f'ovs-makerepo {lun.by_id} 1 "small" --format', "does not fit", "--slots 8")
    one.sh(f'ovs-makerepo {lun.by_id} 1 "small" --format --slots 4', timeout_s=120)
    assert any(line.endswith(lun.by_id) for line in journey.listed(one))


def test_a_local_repository(lab: Lab) -> None:
    one = lab.servers[0]
    one.sh('ovs-makerepo /dev/sda 0 "scratch"', timeout_s=120)
    (line,) = [line for line in journey.listed(one) if "10000" in line]
    assert journey.mounted_device(one, f"/OVS/{line.split()[0]}") == "/dev/sda"


def test_a_device_that_a_process_has_open(lab: Lab) -> None:
    """As QEMU has a guest's raw disk."""
    two = lab.servers[1]
    job = two.start("sh", "-c", "exec 9<>/dev/sda; exec sleep 600")
    two.wait_until("pgrep -x sleep")
    try:
        line = 'ovs-makerepo /dev/sda 0 "scratch" --format --force'
        refused(two, line, "is in use; it is never formatted", "sleep (pid")
    finally:
        job.kill()


def test_a_local_repository_on_a_shared_lun_is_mounted_once(lab: Lab) -> None:
    """ext4's multiple-mount protection keeps the second server out."""
    one, two, _ = lab.servers
    one.sh('ovs-makerepo /dev/sdc 0 "mine" --format', timeout_s=120)
    outcome = two.sh('ovs-makerepo /dev/sdc 0 "mine"', status=1, timeout_s=120)
    assert "mount" in outcome.stderr
    assert "/dev/sdc" not in two.read("/proc/mounts")
    assert journey.mounted_device(one, f"/OVS/{journey.listed(one)[-1].split()[0]}") == "/dev/sdc"


def test_a_volume_of_servers_that_are_not_in_cluster_conf(lab: Lab) -> None:
    """vmserver3 configured itself alone, under the pool's cluster name: it sees nobody."""
    one, _, three = lab.servers
    slots = f"debugfs.ocfs2 -R slotmap {journey.DEVICE}"
    before = one.sh(slots).stdout
    alone = f"--node {three.name}={three.address}#2"
    three.sh(f"ovs-cluster-configure {alone} --timing {journey.TIMING} && dmesg --clear")
    line = f'ovs-makerepo {journey.DEVICE} C "cluster root"'
    refused(three, line, "does not know heartbeats", "number 0; nodes here: 2", "--add")
    said = three.sh("dmesg").stdout
    assert "replay" not in said and "Mounting device" not in said, said
    assert one.sh(f"sync -f /OVS; {slots}").stdout == before
    assert journey.live_nodes(one) == {0}


def test_two_servers_with_one_node_number(lab: Lab) -> None:
    """vmserver3 comes with a cluster.conf that gives it vmserver1's number."""
    one, _, three = lab.servers
    three.sh(f"ovstools services stop && rm {CONF}", timeout_s=180)
    nodes = f"--node {three.name}={three.address}#0 --node {one.name}={one.address}#1"
    three.sh(f"ovs-cluster-configure {nodes} --timing {journey.TIMING}")
    line = f'ovs-makerepo {journey.DEVICE} C "cluster root"'
    refused(three, line, "another server heartbeats", "as node 0", "share a node number")
    assert journey.live_nodes(one) == {0}
