"""ovs-hb-ctl on a real region, and the move of fstab's mounts."""

from __future__ import annotations

import pytest

from tests.e2e import journey
from tests.lab.lab import Lab

pytestmark = pytest.mark.lab(scope="module", servers=3)

FSTAB_ODD = "# a comment with trailing blanks   \nproc\t/proc  proc defaults 0 0\n"


def test_a_region_without_a_mounted_file_system(lab: Lab, typist: journey.Typist) -> None:
    one, two, _ = lab.servers
    journey.configure(lab, typist)
    one.sh("mkfs.ocfs2 -x --cluster-stack=o2cb --cluster-name=ocfs2 -N 4 -J size=8M /dev/sdb1")
    uuid = one.sh("blkid -p -s UUID -o value /dev/sdb1").stdout.strip().replace("-", "").upper()
    for server in (one, two):
        assert server.run("ovs-hb-ctl", "status", "/dev/sdb1", status=3).status == 3
        server.run("ovs-hb-ctl", "start", "/dev/sdb1")
        assert journey.region_is_active(server, uuid)
    one.wait_until(f"grep -q '0 1' {journey.LIVE_NODES}", timeout_s=30)
    again = one.run("ovs-hb-ctl", "start", "/dev/sdb1")
    assert "already" in again.stdout
    assert one.sh("ocfs2_hb_ctl -I -d /dev/sdb1").stdout == f"{uuid}: 1 refs\n"


def test_the_white_papers_words(lab: Lab) -> None:
    """`ocfs2_hb_ctl -K -d /dev/sdb1` is a usage error today; with our command it works."""
    one, two, _ = lab.servers
    assert one.sh("ocfs2_hb_ctl -K -d /dev/sdb1", status=None).status != 0
    uuid = one.run("ovs-hb-ctl", "status", "/dev/sdb1", "--json").json()["uuid"]
    one.run("ovs-hb-ctl", "-K", "-d", "/dev/sdb1")
    assert not journey.region_is_active(one, uuid)
    assert "already" in one.run("ovs-hb-ctl", "-K", "-d", "/dev/sdb1").stdout
    two.run("ovs-hb-ctl", "stop", uuid)
    assert not journey.region_is_active(two, uuid)


def test_the_region_of_a_mounted_file_system_is_refused(lab: Lab) -> None:
    one = lab.servers[0]
    one.sh('ovs-makerepo /dev/sdb1 C "cluster root"', timeout_s=120)
    uuid = journey.root_uuid(one)
    for words in (["-K", "-d", "/dev/sdb1"], ["stop", uuid], ["-K", "-u", uuid]):
        outcome = one.run("ovs-hb-ctl", *words, status=4)
        assert "/OVS" in outcome.stderr and "ovs-offlinerepo" in outcome.stderr
        assert journey.region_is_active(one, uuid)


def test_alter_fstab_moves_the_lines_and_no_others(lab: Lab) -> None:
    one = lab.servers[0]
    uuid = journey.root_uuid(one)
    one.run("ovs-offlinerepo", "-d", "/OVS")
    fstab = FSTAB_ODD + one.read("/etc/fstab")
    ours = "/dev/sdb1 /OVS ocfs2 _netdev,defaults 0 0\n"
    one.write("/etc/fstab", FSTAB_ODD + ours + fstab[len(FSTAB_ODD) :])
    before = one.read("/etc/fstab")
    dry = one.run("ovs-cluster-check", "--master", "--alter-fstab", "--dry-run")
    assert f"-{ours}" in dry.stdout and one.read("/etc/fstab") == before
    outcome = one.run("ovs-cluster-check", "--master", "--alter-fstab", status=None)
    assert one.read("/etc/fstab") == fstab
    (line,) = journey.listed(one)
    assert line.startswith(f"@{uuid} /dev/")
    said = outcome.stdout + outcome.stderr
    (backup,) = {word.rstrip(".,:") for word in said.split() if word.startswith("/tmp/")}
    assert one.read(backup) == before
    assert one.sh(f"stat -c %a {backup}").stdout == "600\n"
    again = one.run("ovs-cluster-check", "--master", "--alter-fstab", status=None)
    assert "/tmp/" not in again.stdout + again.stderr
    one.sh("ovstools repositories start", timeout_s=120)
    assert journey.mounted_device(one) == journey.DEVICE
    assert one.run("ovs-cluster-check", "--master", "--alter-fstab", status=None).status in (0, 3)
