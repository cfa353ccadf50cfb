"""A repository's life: its LUN grows, it gets node slots, a local /OVS becomes a shared one."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e import journey
from tests.e2e.own_share import record_share
from tests.e2e.test_kill import chain
from tests.lab.lab import Lab
from tests.lab.server import Server

pytestmark = pytest.mark.lab(scope="module")

ROOT = f'ovs-makerepo {journey.DEVICE} C "cluster root"'
GROW = "ovstools repositories grow /OVS"
MIB = 2**20
LUN_MIB = 6144


def size_mib(server: Server, place: str = "/OVS") -> int:
    """Return how large the file system is for the server's kernel."""
    return int(server.sh(f"df --output=size --block-size=1M {place}").lines[1])


def superblock_clusters(server: Server) -> int:
    """Return how many clusters of 4 KiB the superblock has, read from the disk."""
    line = f"debugfs.ocfs2 -R stats {journey.DEVICE} | sed -n 's/.*Clusters: //p'"
    return int(server.sh(line).stdout)


def test_a_partitioned_lun_grows_under_two_servers(
    lab: Lab, typist: journey.Typist, record_property: Callable[[str, object], None]
) -> None:
    one, two, _ = lab.servers
    names = journey.node_options(lab.servers)
    line = f"ovs-cluster-configure {names} --timing {journey.TIMING}"
    typist.together(lab, [one, two], line)
    line = f"{ROOT[len('ovs-') :]} --format --journal-size 16M --slots 2"
    record_share(one, line, record_property)
    two.sh(ROOT, timeout_s=180)
    assert "already as large" in one.sh(GROW).stdout
    lab.grow_lun(0, LUN_MIB)
    first = one.sh(f"{GROW} --json", status=6, timeout_s=120)
    said = json.loads(first.stdout)
    assert said["waiting_for"] == [two.name] and said["device_bytes"] == (LUN_MIB - 1) * MIB
    assert size_mib(two) == 4095, "it grew before both servers saw the new size"
    last = two.sh(GROW, timeout_s=120)
    assert last.stdout == f"/OVS has grown from 4095 MiB to {LUN_MIB - 1} MiB\n"
    assert superblock_clusters(two) == (LUN_MIB - 1) * MIB // 4096
    for server in (one, two):
        assert size_mib(server) == LUN_MIB - 1
        assert int(server.read("/sys/class/block/sdb1/size")) == (LUN_MIB - 1) * 2048
    # Behind the old end: written on one server, read on the other.
    two.sh("fallocate -l 5G /OVS/big && echo last | dd of=/OVS/big bs=1 seek=5G conv=notrunc,fsync")
    assert one.sh("tail -c 5 /OVS/big; rm /OVS/big").stdout == "last\n"
    assert not one.exists("/OVS/.ovs-grow")
    assert "already as large" in one.sh(GROW).stdout
    assert one.sh("ls /tmp/sdb.sfdisk.*").lines and two.sh("ls /tmp/sdb.sfdisk.*", status=2)


def test_the_list_says_who_has_it(lab: Lab) -> None:
    one, two, _ = lab.servers
    (found,) = json.loads(one.sh("ovstools repositories list --json").stdout)["repositories"]
    assert found["slots"] == 2
    assert [(each["name"], each["live"]) for each in found["mounted_on"]] == [
        (one.name, True), (two.name, True),
    ]  # fmt: skip
    full = one.sh("OVSTOOLS_CHECKS__FULL_PERCENT=1 ovs-cluster-check --json --strict", status=3)
    codes = {each["code"] for each in json.loads(full.stdout)["findings"]}
    assert "repository-nearly-full" in codes


def test_a_third_server_needs_a_third_slot(lab: Lab, typist: journey.Typist) -> None:
    one, two, _ = lab.servers
    more = "ovstools repositories grow {} --slots 3"
    refused = one.sh(more.format("/OVS"), status=4)
    assert two.name in refused.stderr and "while no server has it" in refused.stderr
    typist.together(lab, [one, two], "ovs-offlinerepo /OVS")
    line = more.format("/OVS")
    assert "now has 3 node slots instead of 2" in one.sh(line, timeout_s=180).stdout
    assert "already has 3" in one.sh(line).stdout
    typist.together(lab, [one, two], "ovs-offlinerepo -d /OVS")


def test_a_local_repository_grows(lab: Lab) -> None:
    three = lab.servers[2]
    three.sh("mkfs.ext4 -q -O mmp /dev/sda 512M && ovs-makerepo /dev/sda 0 scratch", timeout_s=120)
    (row,) = json.loads(three.sh("ovstools repositories list --json").stdout)["repositories"]
    grown = three.sh("ovstools repositories grow scratch", timeout_s=120)
    assert "has grown from 512 MiB to 20" in grown.stdout
    assert size_mib(three, row["mountpoint"]) > 1900
    assert "already as large" in three.sh("ovstools repositories grow scratch").stdout


CONVERT = "repositories convert /dev/sdc C 'cluster root' --format --journal-size 8M --slots 2"
FILL = """
mkdir -p /OVS/running_pool/{0} /OVS/iso_pool
head -c 20M /dev/urandom > /OVS/running_pool/{0}/system.img
truncate -s 300M /OVS/running_pool/{0}/system.img
chmod 640 /OVS/running_pool/{0}/system.img; chown 64055:108 /OVS/running_pool/{0}/system.img
setfattr -n user.note -v {0} /OVS/running_pool/{0}/system.img || true
touch -d 2009-05-01 /OVS/running_pool/{0}/system.img
ln /OVS/running_pool/{0}/system.img /OVS/iso_pool/{0}.twin; ln -s {0} /OVS/running_pool/link-{0}
cd /OVS; find . -type f -exec md5sum {{}} + | sort > /root/before
"""


def test_a_local_ovs_becomes_the_cluster_root(lab: Lab) -> None:
    """The installer's own disk at /OVS, and a kill -9 at every boundary."""
    one = lab.servers[0]
    one.sh("mkfs.ext4 -q /dev/sda && mkdir -p /OVS && mount /dev/sda /OVS")
    one.sh("echo '/dev/sda /OVS ext4 defaults 0 2' >> /etc/fstab")
    one.sh(FILL.format("web1"))
    one.start("sh", "-c", "exec sleep 600 < /OVS/running_pool/web1/system.img")
    one.wait_until("pgrep -x sleep")
    refused = one.sh(f"ovstools {CONVERT}", status=4)
    assert "sleep (pid" in refused.stderr and one.exists("/OVS/running_pool/web1/system.img")
    one.sh("pkill -x sleep; while pgrep -x sleep; do :; done")
    whole = (
        "test ! -e /OVS/running_pool/web1/system.img ||"
        " test $(stat -c %s /OVS/running_pool/web1/system.img) = 314572800"
    )
    assert chain(one, CONVERT, whole) > 12
    assert journey.mounted_device(one) == "/dev/sdc"
    assert one.sh("cd /OVS && md5sum --quiet -c /root/before").stdout == ""
    image = "/OVS/running_pool/web1/system.img"
    assert one.sh(f"stat -c '%a %u:%g %h %y' {image}").stdout.startswith(
        "640 64055:108 2 2009-05-01 00:00:00"
    )
    assert int(one.sh(f"stat -c %b {image}").stdout) * 512 < 40 * MIB, "its hole was filled"
    assert "/OVS" not in one.read("/etc/fstab") and not one.exists("/etc/ovs/conversion")
    assert one.sh("ls -A /OVS").stdout.count(".ovs-convert") == 0
    one.sh(f"mount -o ro /dev/sda /mnt && test -e /mnt{image[4:]} && umount /mnt")
    assert "is already on" in one.sh(f"ovstools {CONVERT}").stdout


def test_a_further_server_brings_its_own_guests(lab: Lab) -> None:
    one, two, _ = lab.servers
    two.sh(FILL.format("web2"))
    done = two.sh(f"ovstools {CONVERT}", timeout_s=240)
    assert "kept in /OVS.local" in done.stdout
    for server in (one, two):
        names = server.sh("ls /OVS/running_pool").lines
        assert names == ["link-web1", "link-web2", "web1", "web2"]
    assert two.sh("cd /OVS && md5sum --quiet -c /root/before").stdout == ""
    assert one.sh("md5sum < /OVS/running_pool/web2/system.img").stdout == (
        two.sh("md5sum < /OVS.local/running_pool/web2/system.img").stdout
    )
