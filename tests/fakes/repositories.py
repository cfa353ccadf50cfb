"""A server of a pool with two repositories: /dev/sdb1 the cluster root, /dev/sdc1 another."""

from __future__ import annotations

from ovstools.ops import makerepo, repositories
from tests.conftest import WWN

from .machine import FakeMachine
from .nfs import FakeFileServer

WWN2 = "/dev/disk/by-id/wwn-0x5000c500a0b1c2d4"
MARKER = "UUID={uuid}\nDESCRIPTION={description}\nSHARED={shared}\nVERSION=1\n"
LIST = "# by hand\n{second} {source2}\n@{root} {source}\nnonsense\n"


def listed_pool_on_nfs(machine: FakeMachine) -> None:
    """Make the cluster root on NFS, with /dev/sdc1 as second repository; then all is unmounted."""
    machine.join_cluster()
    server = FakeFileServer(machine.root.parent / "exports")
    server.export("/OVS")
    machine.nfs.use(server)
    request = makerepo.Request("fileserver.example.com:/OVS", "C", "cluster root")
    machine.carry_out(lambda host: makerepo.plan(host, request))
    machine.add_disk("/dev/sdc1", "8:33", link=WWN2)
    fs = machine.run_format("/dev/sdc1").fs
    assert fs is not None
    fs.uuid = "B" * 32
    fs.folder = machine.volume_folder(fs.uuid)
    text = MARKER.format(uuid=fs.uuid, description="images", shared="1")
    (fs.folder / ".ovsrepo").write_text(text)
    path = "/etc/ovs/repositories"
    machine.write(path, f"{machine.read(path)}{fs.uuid} {WWN2}\n")
    request_stop = repositories.Request("stop")
    machine.carry_out(lambda host: repositories.plan(host, request_stop))


def listed_pool(machine: FakeMachine) -> tuple[str, str]:
    """Format both, write the list (the cluster root last), go online; return the UUIDs."""
    machine.add_disk("/dev/sdc1", "8:33", link=WWN2)
    machine.join_cluster()
    for device, description, shared in (
        ("/dev/sdb1", "cluster root", "C"),
        ("/dev/sdc1", "images", "1"),
    ):
        fs = machine.run_format(device).fs
        assert fs is not None
        if device == "/dev/sdc1":
            fs.uuid = "B" * 32
            fs.folder = machine.volume_folder(fs.uuid)
        (fs.folder / ".ovsrepo").write_text(
            MARKER.format(uuid=fs.uuid, description=description, shared=shared)
        )
    uuids = machine.uuid("/dev/sdb1"), machine.uuid("/dev/sdc1")
    machine.write(
        "/etc/ovs/repositories",
        LIST.format(root=uuids[0], second=uuids[1], source=WWN, source2=WWN2),
    )
    (machine.root / "OVS").mkdir()
    return uuids
