"""A pool on NFS: made on three servers at once, lived in, frozen, rebooted, and taken down."""

from __future__ import annotations

import json
import time

import pytest

from tests.e2e import journey, nfs_journey
from tests.e2e.journey import Typist
from tests.e2e.nfs_journey import FILE, MAKE, POOL, SOURCE
from tests.lab import fileserver
from tests.lab.fileserver import FileServer
from tests.lab.lab import Lab
from tests.lab.outcome import Outcome
from tests.lab.server import Server

pytestmark = pytest.mark.lab(scope="module")

#: the default threshold: a server whose heartbeat fails fences itself after 60 s
DEFAULT_TIMING = "default"
FREEZE_S = 62
UNIT = "ovsrepositories.service"
#: more than a loaded machine needs
LIMIT_S = 300.0


@pytest.fixture
def files(lab: Lab) -> FileServer:
    """Return the file server of the lab, which the first test starts."""
    return FileServer(lab)


def ovs(server: Server, line: str, status: int = 0) -> Outcome:
    """Run a command line of ours; an emulated server takes its time."""
    return server.sh(line, status=status, timeout_s=LIMIT_S)


def refused(lab: Lab, line: str, said: str) -> None:
    """Run a line that must be refused with status 4, and leave nothing behind."""
    one = lab.servers[0]
    before = one.read("/proc/self/mountinfo")
    outcome = ovs(one, line, 4)
    assert said in outcome.stderr and "hint: " in outcome.stderr, outcome.stderr
    assert one.read("/proc/self/mountinfo") == before
    assert one.sh("losetup --list").stdout == ""
    assert not one.exists("/etc/ovs/repositories") and not one.exists("/run/ovs/export")


def test_refusals(lab: Lab, files: FileServer, typist: Typist) -> None:
    journey.configure(lab, typist, DEFAULT_TIMING)
    refused(lab, MAKE, "does not answer: Connection refused")
    files.start()
    for export, said in (
        (fileserver.READ_ONLY, "exports it read-only"),
        (fileserver.SQUASHED, "root_squash"),
        (fileserver.SMALL, "no room for the heartbeat file"),
        (fileserver.Export("nosuch"), "cannot be mounted"),
    ):
        refused(lab, f"ovs-makerepo {export.source} C x", said)
    one = lab.servers[0]
    one.write("/etc/ovs/repositories.options", "DEFAULT nfs soft\n")
    refused(lab, MAKE, "the mount option soft is refused")
    one.run("rm", "/etc/ovs/repositories.options")
    files.freeze()
    refused(lab, MAKE, "does not answer: no answer within 10 s")
    files.thaw()


def test_three_servers_at_once(lab: Lab, files: FileServer, typist: Typist) -> None:
    """One makes the heartbeat file, the others use it; none makes a second one."""
    said = nfs_journey.make_cluster_root(lab, typist)
    made = [outcome for outcome in said if "another server was first" not in outcome.stderr]
    assert any("write /OVS/.server_pool_hb.new-" in outcome.stderr for outcome in made)
    assert [path.name for path in files.path(fileserver.ROOT).glob(".server_pool_hb*")] == [
        ".server_pool_hb"
    ]
    assert files.path(fileserver.ROOT, ".server_pool_hb").stat().st_size == 300 << 20
    one = lab.servers[0]
    region = nfs_journey.heartbeat_uuid(one)
    for server in lab.servers:
        assert journey.mounted_device(server) == SOURCE
        (loop,) = nfs_journey.attached(server)
        assert journey.mounted_device(server, POOL) == f"/dev/{loop}"
        assert nfs_journey.direct_io(server) == "1"
        assert journey.region_is_active(server, region)
        assert server.run("stat", "-c%a", POOL).stdout == "700\n"
        journey.wait_for_live_nodes(server, 0, 1, 2, timeout_s=60)
    assert len({tuple(journey.listed(server)) for server in lab.servers}) == 1
    assert "already mounted at /OVS" in ovs(one, MAKE).stdout
    assert "not a shared repository (1)" in ovs(one, f"ovs-makerepo {SOURCE} 1 x", 4).stderr


def test_healthy(lab: Lab) -> None:
    lab.on_all(lambda server: ovs(server, "ovstools install-units"))
    for outcome in lab.on_all(lambda server: ovs(server, "ovs-cluster-check --json")):
        checks = {each["name"]: each["status"] for each in json.loads(outcome.stdout)["checks"]}
        assert checks["nfs"] == checks["heartbeat-file"] == checks["heartbeat"] == "ok"


def test_what_one_writes_others_read(lab: Lab) -> None:
    one, two, three = lab.servers
    one.sh("echo image > /OVS/seed_pool/a && echo pool > /run/ovs/poolfs/a && sync")
    assert two.read("/OVS/seed_pool/a") == "image\n" and three.read(f"{POOL}/a") == "pool\n"
    one.run("flock", f"{POOL}/a", "true")
    holder = two.start("flock", f"{POOL}/a", "sleep", "60")
    two.wait_until(f"! flock --nonblock {POOL}/a true", timeout_s=60)
    assert three.run("flock", "--nonblock", f"{POOL}/a", "true", status=1)
    holder.kill()


def test_a_second_export(lab: Lab, typist: Typist) -> None:
    line = f'ovs-makerepo {fileserver.IMAGES.source} 1 "images"'
    typist.together(lab, lab.servers, line)
    assert len({tuple(journey.listed(server)) for server in lab.servers}) == 1
    one, two, _ = lab.servers
    uuid = journey.listed(one)[-1].split()[0]
    one.sh(f"echo image > /OVS/{uuid}/seed_pool/b && sync")
    assert two.read(f"/OVS/{uuid}/seed_pool/b") == "image\n"
    assert not one.exists("/OVS/" + uuid + "/.server_pool_hb")


def test_a_frozen_file_server_fences_nobody(lab: Lab, files: FileServer) -> None:
    """For longer than the write timeout: all heartbeats hang, so all servers wait."""
    boots = lab.on_all(lambda server: server.read("/proc/sys/kernel/random/boot_id"))
    one = lab.servers[0]
    files.freeze()
    begin = time.monotonic()
    try:
        check = ovs(one, "ovs-cluster-check --json", 3)
        found = {each["code"]: each for each in json.loads(check.stdout)["findings"]}
        assert "nobody is fenced" in " ".join(found["nfs-server-silent"]["evidence"])
        assert time.monotonic() - begin < FREEZE_S, "the check does not hang with it"
        time.sleep(max(0.0, begin + FREEZE_S - time.monotonic()))
    finally:
        files.thaw()
    for server in lab.servers:
        journey.wait_for_live_nodes(server, 0, 1, 2, timeout_s=60)
    assert lab.on_all(lambda server: server.read("/proc/sys/kernel/random/boot_id")) == boots
    one.sh("echo again > /OVS/seed_pool/a && sync /OVS/seed_pool/a")
    assert lab.servers[2].read("/OVS/seed_pool/a") == "again\n"


def test_reboot(lab: Lab) -> None:
    two = lab.servers[1]
    two.reboot()
    assert two.run("systemctl", "is-active", UNIT).stdout == "active\n"
    assert journey.mounted_device(two) == SOURCE
    assert len(nfs_journey.attached(two)) == 1 and nfs_journey.direct_io(two) == "1"
    assert journey.region_is_active(two, nfs_journey.heartbeat_uuid(two))
    journey.wait_for_live_nodes(lab.servers[0], 0, 1, 2, timeout_s=60)
    ovs(two, "ovs-cluster-check")


def test_offline(lab: Lab) -> None:
    three = lab.servers[2]
    holder = three.start("tail", "-f", f"{POOL}/a")
    three.wait_until(f"fuser -s {POOL}/a")
    in_use = ovs(three, "ovstools repositories stop", 4)
    assert f"{POOL} is in use" in in_use.stderr and "tail" in in_use.stderr
    holder.kill()
    ovs(three, "systemctl stop ovs-agent && ovstools repositories stop")
    assert nfs_journey.attached(three) == []
    for place in ("/OVS", POOL):
        assert journey.mounted_device(three, place) is None
    journey.wait_for_live_nodes(lab.servers[0], 0, 1, timeout_s=60)
    ovs(three, "ovstools repositories start")
    journey.wait_for_live_nodes(lab.servers[0], 0, 1, 2, timeout_s=60)
    images = journey.listed(three)[-1].split()[0]
    ovs(three, f"ovs-offlinerepo -d {images} && ovs-offlinerepo -d {SOURCE}")
    assert journey.listed(three) == [] and nfs_journey.attached(three) == []
    assert lab.servers[0].exists(FILE), "its data stays"
