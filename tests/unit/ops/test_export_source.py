"""makerepo HOST:/EXPORT on fake machines: from nothing to a repository, and what is refused."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from ovstools.errors import OvsError, RefusedError, ToolError, UsageError
from ovstools.model.command import Result
from ovstools.ops import makerepo, offlinerepo, repositories
from ovstools.ops.formatting import Format
from ovstools.ops.plan import Plan
from tests.conftest import new_machine
from tests.fakes.disk import FileSystem
from tests.fakes.machine import FakeMachine, Killed
from tests.fakes.nfs import FakeExport, FakeFileServer

SOURCE = "fileserver.example.com:/OVS"
IMAGES = "fileserver.example.com:/images"
FILE = "/OVS/.server_pool_hb"
POOL = "/run/ovs/poolfs"
Make = Callable[[int], FakeMachine]


@pytest.fixture
def server(tmp_path: Path) -> FakeFileServer:
    """Return a file server with two exports."""
    server = FakeFileServer(tmp_path / "exports")
    server.export("/OVS")
    server.export("/images")
    return server


@pytest.fixture
def make(tmp_path: Path, server: FakeFileServer) -> Make:
    """Return what makes vmserver N+1, online, on one network with the file server."""

    def made(number: int) -> FakeMachine:
        machine = new_machine(tmp_path, number, {})
        machine.join_cluster()
        machine.nfs.use(server)
        return machine

    return made


@pytest.fixture
def one(make: Make) -> FakeMachine:
    return make(0)


def run(
    machine: FakeMachine, source: str = SOURCE, shared: str = "C", description: str = "Root",
    **words: object,
) -> Plan:  # fmt: skip
    request = makerepo.Request(source, shared, description, **words)  # type: ignore[arg-type]
    return machine.carry_out(lambda host: makerepo.plan(host, request))


def mounted(machine: FakeMachine) -> dict[str, str]:
    lines = [line.split() for line in machine.read("/proc/self/mountinfo").splitlines()]
    return {words[4]: words[8] for words in lines if words[4] != "/"}


def mounts_of(machine: FakeMachine) -> list[str]:
    return [each for each in machine.commands if each.startswith("mount -t nfs")]


def heartbeat(server: FakeFileServer) -> FileSystem:
    (disk,) = [disk for disk in server.files.values() if disk.fs is not None]
    assert disk.fs is not None
    return disk.fs


def marker(machine: FakeMachine, place: str = "/OVS") -> dict[str, str]:
    lines = machine.read(f"{place}/.ovsrepo").splitlines()
    return dict(line.split("=", 1) for line in lines)


def names(export: FakeExport) -> set[str]:
    return {path.name for path in export.folder.iterdir()}


def states(export: FakeExport) -> dict[str, tuple[int, int, int]]:
    """Return what tells whether a file was touched: there may be large ones."""
    found = {path.name: path.stat() for path in export.folder.iterdir()}
    return {name: (st.st_ino, st.st_size, st.st_mtime_ns) for name, st in found.items()}


def untouched(machine: FakeMachine) -> bool:
    """Tell whether nothing is mounted, attached, listed, nor left in the export or in /run."""
    assert machine.nfs.server is not None
    return (
        mounted(machine) == {}
        and machine.nfs.loops() == {}
        and not (machine.root / "etc/ovs/repositories").exists()
        and not any(map(names, machine.nfs.server.exports.values()))
        and not (machine.root / "run/ovs/export").exists()
    )


def test_makes_a_cluster_root(one: FakeMachine, server: FakeFileServer) -> None:
    plan = run(one)
    fs = heartbeat(server)
    assert mounted(one) == {"/OVS": SOURCE, POOL: "/dev/loop0"}
    assert one.nfs.loops() == {"loop0": FILE}
    assert one.kernel.refs == {fs.uuid: 1}
    assert (fs.label, fs.slots, fs.cluster_name) == ("server_pool_hb", 16, "ocfs2")
    assert (one.root / "OVS/.server_pool_hb").stat().st_size == 300 << 20
    said = marker(one)
    assert said["HEARTBEAT_UUID"] == fs.uuid != said["UUID"]
    assert (said["DESCRIPTION"], said["SHARED"]) == ("Root", "C")
    assert one.read("/etc/ovs/repositories").splitlines()[-1] == f"@{said['UUID']} {SOURCE}"
    assert (one.root / "OVS/running_pool").is_dir()
    assert (one.root / "run/ovs/poolfs").stat().st_mode & 0o777 == 0o700
    assert plan.report.data["heartbeat_uuid"] == fs.uuid
    assert not [
        name for name in names(server.exports["/OVS"]) if ".new-" in name or "probe" in name
    ]
    assert mounts_of(one) == [f"mount -t nfs -o hard,proto=tcp {SOURCE} /OVS"]
    assert f"losetup --find --show --direct-io=on --sector-size 512 {FILE}" in one.commands
    mkfs = next(each for each in one.commands if each.startswith("mkfs"))
    assert re.search(r"-L server_pool_hb -b 2K -C 4K -N 16 /OVS/\.server_pool_hb\.new-vm", mkfs)


def test_says_how_far_it_is(one: FakeMachine) -> None:
    run(one)
    said = re.findall(r"300 MiB: (\d+) %", one.said.getvalue())
    assert said == [str(tenth) for tenth in range(10, 101, 10)]


def test_again_changes_nothing(one: FakeMachine) -> None:
    run(one)
    one.commands.clear()
    plan = run(one, description="other words")
    assert plan.steps == () and one.commands == []
    assert "already mounted at /OVS" in plan.report.lines[0]
    assert "that description stays" in plan.notices[0]


def test_the_next_server_joins(make: Make, server: FakeFileServer) -> None:
    first, second = make(0), make(1)
    run(first)
    inode = (first.root / "OVS/.server_pool_hb").stat().st_ino
    run(second)
    assert not any(each.startswith("mkfs") for each in second.commands)
    assert (second.root / "OVS/.server_pool_hb").stat().st_ino == inode
    assert second.read("/etc/ovs/repositories") == first.read("/etc/ovs/repositories")
    assert second.kernel.refs == first.kernel.refs == {heartbeat(server).uuid: 1}


@pytest.mark.parametrize("at", ["mkfs.ocfs2", "ln"])
def test_two_servers_at_once_make_one(make: Make, server: FakeFileServer, at: str) -> None:
    """The second does it all while the first is midway."""
    first, second = make(0), make(1)

    def meanwhile() -> None:
        del first.before[at]
        run(second)

    first.before[at] = meanwhile
    run(first)
    assert first.kernel.refs == second.kernel.refs
    assert marker(first) == marker(second)
    assert first.read("/etc/ovs/repositories") == second.read("/etc/ovs/repositories")
    assert not [name for name in names(server.exports["/OVS"]) if ".new-" in name]
    assert "another server was first" in first.said.getvalue()


def test_one_made_by_hand_is_adopted(one: FakeMachine, server: FakeFileServer) -> None:
    by_hand(one, server)
    run(one)
    assert not any(each.startswith(("mkfs", "dd if=")) for each in one.commands)
    assert one.kernel.refs == {"D" * 32: 1}
    assert marker(one)["HEARTBEAT_UUID"] == "D" * 32


def by_hand(machine: FakeMachine, server: FakeFileServer, **words: object) -> FileSystem:
    """Make the heartbeat file as the white paper does: dd, and mkfs without a cluster's name."""
    file = server.exports["/OVS"].folder / ".server_pool_hb"
    with file.open("ab") as opened:
        opened.truncate(300 << 20)
    fs = FileSystem("ocfs2", "D" * 32, machine.volume_folder("D" * 32), "server_pool_hb")
    fs.stack = "classic o2cb"
    for name, value in words.items():
        setattr(fs, name, value)
    from tests.fakes.disk import Disk

    server.files[file.stat().st_ino] = Disk(str(file), "0:0", fs=fs)
    return fs


def no_fs(machine: FakeMachine, server: FakeFileServer) -> None:
    (server.exports["/OVS"].folder / ".server_pool_hb").write_text("zeros\n")


def empty(machine: FakeMachine, server: FakeFileServer) -> None:
    (server.exports["/OVS"].folder / ".server_pool_hb").write_text("")


def unfinished(machine: FakeMachine, server: FakeFileServer) -> None:
    by_hand(machine, server, is_finished=False)


def foreign(machine: FakeMachine, server: FakeFileServer) -> None:
    by_hand(machine, server, stack="o2cb", cluster_name="other")


def other_named(machine: FakeMachine, server: FakeFileServer) -> None:
    by_hand(machine, server)
    text = f"UUID={'1' * 32}\nSHARED=C\nVERSION=1\nHEARTBEAT_UUID={'E' * 32}\n"
    (server.exports["/OVS"].folder / ".ovsrepo").write_text(text)


def lost(machine: FakeMachine, server: FakeFileServer) -> None:
    text = f"UUID={'1' * 32}\nSHARED=C\nVERSION=1\nHEARTBEAT_UUID={'E' * 32}\n"
    (server.exports["/OVS"].folder / ".ovsrepo").write_text(text)


def other_role(machine: FakeMachine, server: FakeFileServer) -> None:
    text = f"UUID={'1' * 32}\nSHARED=1\nVERSION=1\nDESCRIPTION=images\n"
    (server.exports["/OVS"].folder / ".ovsrepo").write_text(text)


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (no_fs, "holds no whole OCFS2"),
        (empty, "holds no whole OCFS2"),
        (unfinished, "holds no whole OCFS2"),
        (foreign, "formatted for another cluster"),
        (other_named, "another heartbeat file than the pool's"),
        (lost, "heartbeat file .* is gone"),
        (other_role, r"a shared repository \(1\), not the cluster root"),
    ],
)
def test_what_is_on_the_export_is_left_alone(
    one: FakeMachine, server: FakeFileServer,
    prepare: Callable[[FakeMachine, FakeFileServer], object], said: str,
) -> None:  # fmt: skip
    prepare(one, server)
    before = states(server.exports["/OVS"])
    with pytest.raises(RefusedError, match=said) as caught:
        run(one)
    assert caught.value.hint or caught.value.evidence
    assert states(server.exports["/OVS"]) == before
    assert mounted(one) == {} and one.nfs.loops() == {}
    assert not (one.root / "OVS").exists(), "the folder that was made for the mount is gone"


def silent(machine: FakeMachine, server: FakeFileServer) -> None:
    server.silent = "no answer within 10 s"


def read_only(machine: FakeMachine, server: FakeFileServer) -> None:
    server.exports["/OVS"].read_only = server.exports["/images"].read_only = True


def denied(machine: FakeMachine, server: FakeFileServer) -> None:
    server.exports["/OVS"].squash = server.exports["/images"].squash = "denied"


def nobody(machine: FakeMachine, server: FakeFileServer) -> None:
    server.exports["/OVS"].squash = server.exports["/images"].squash = "nobody"


def full(machine: FakeMachine, server: FakeFileServer) -> None:
    server.exports["/OVS"].free = 299 << 20


def unknown(machine: FakeMachine, server: FakeFileServer) -> None:
    server.exports.clear()


def asks_soft(machine: FakeMachine, server: FakeFileServer) -> None:
    machine.write("/etc/ovs/repositories.options", "DEFAULT nfs vers=4.1,soft,timeo=50\n")


def not_installed(machine: FakeMachine, server: FakeFileServer) -> None:
    said = "mount: /OVS: bad option; for several filesystems (e.g. nfs, cifs) you might need a "
    machine.fails["mount"] = Result(32, "", f"{said}/sbin/mount.<type> helper program.\n")


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (silent, "does not answer: no answer within 10 s"),
        (read_only, "exports it read-only"),
        (denied, "root_squash"),
        (nobody, "root_squash"),
        (full, "no room for the heartbeat file: 300 MiB are needed"),
        (unknown, "no such export"),
        (asks_soft, "option soft is refused"),
        (not_installed, "mount.nfs is not installed"),
    ],
)
def test_refusals_leave_nothing_behind(
    one: FakeMachine, server: FakeFileServer,
    prepare: Callable[[FakeMachine, FakeFileServer], object], said: str,
) -> None:  # fmt: skip
    prepare(one, server)
    with pytest.raises(RefusedError, match=said) as caught:
        run(one)
    assert caught.value.hint
    assert untouched(one) and not (one.root / "OVS").exists()


@pytest.mark.parametrize(
    ("option", "said"),
    [("soft", "mounted soft"), ("hard,proto=udp", "proto=udp"), ("hard,proto=tcp,ro", "read-only")],
)
def test_an_export_mounted_wrongly_by_hand(one: FakeMachine, option: str, said: str) -> None:
    (one.root / "OVS").mkdir()
    one.nfs.mount(option, SOURCE, "/OVS")
    with pytest.raises(RefusedError, match="not mounted as a repository must be") as caught:
        run(one)
    assert said in " ".join(caught.value.evidence)
    assert "umount /OVS" in caught.value.hint
    assert one.commands == [] and mounted(one) == {"/OVS": SOURCE}


def test_one_mounted_rightly_by_hand_is_used(one: FakeMachine) -> None:
    (one.root / "OVS").mkdir()
    one.nfs.mount("hard,proto=tcp", SOURCE, "/OVS")
    run(one)
    assert not any(each.startswith("mount -t nfs") for each in one.commands)
    assert mounted(one) == {"/OVS": SOURCE, POOL: "/dev/loop0"}


def test_without_direct_io_nothing_heartbeats(one: FakeMachine) -> None:
    one.nfs.is_direct = False
    with pytest.raises(OvsError, match="cannot carry a heartbeat") as caught:
        run(one)
    said = " ".join(caught.value.evidence)
    assert "loop/dio is 0" in said and "the heartbeats of seven neighbors" in said
    assert one.nfs.loops() == {} and mounted(one) == {} and one.kernel.refs == {}


def test_attached_by_hand_without_direct_io(one: FakeMachine, server: FakeFileServer) -> None:
    by_hand(one, server)
    (one.root / "OVS").mkdir()
    one.nfs.mount("hard,proto=tcp", SOURCE, "/OVS")
    one.nfs.attach(FILE, is_direct=False)
    with pytest.raises(OvsError, match="cannot carry a heartbeat") as caught:
        run(one)
    assert "losetup --detach /dev/loop0" in caught.value.hint
    assert one.kernel.refs == {}


def test_attached_by_hand_is_not_attached_twice(one: FakeMachine, server: FakeFileServer) -> None:
    by_hand(one, server)
    (one.root / "OVS").mkdir()
    one.nfs.mount("hard,proto=tcp", SOURCE, "/OVS")
    one.nfs.attach(FILE, is_direct=True)
    run(one)
    assert one.nfs.loops() == {"loop0": FILE}


def test_another_server_with_our_number(one: FakeMachine, server: FakeFileServer) -> None:
    fs = by_hand(one, server)
    one.before["ocfs2_hb_ctl"] = lambda: None
    attach = one.nfs.attach

    def beating(file: str, is_direct: bool) -> str:
        name = attach(file, is_direct)
        one.disks[name].beating = {0}
        return name

    one.nfs.attach = beating  # type: ignore[method-assign]
    with pytest.raises(ToolError, match="another server heartbeats on /dev/loop0 as node 0"):
        run(one)
    assert fs.uuid not in one.kernel.refs
    assert one.nfs.loops() == {} and mounted(one) == {}


@pytest.mark.parametrize(
    ("shared", "words", "kind", "said"),
    [
        ("0", {}, RefusedError, "0 is for storage of this server alone"),
        ("C", {"heartbeat_size": "1M"}, UsageError, "expected 128M"),
        ("C", {"heartbeat_size": "big"}, UsageError, "is no size"),
        ("C", {"format": Format(wanted=True, force=True)}, UsageError, "only --slots"),
        ("C", {"format": Format(block_size="4K")}, UsageError, "only --slots"),
    ],
)
def test_words(
    one: FakeMachine, shared: str, words: dict[str, object], kind: type[OvsError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        run(one, SOURCE, shared, "Root", **words)
    assert one.commands == [] and untouched(one)


def test_heartbeat_size_is_for_nfs(one: FakeMachine) -> None:
    with pytest.raises(UsageError, match="is for NFS"):
        run(one, "/dev/sdb1", heartbeat_size="300M")


def test_a_smaller_one(one: FakeMachine, server: FakeFileServer) -> None:
    run(one, heartbeat_size="128M", format=Format(slots=8))
    assert heartbeat(server).slots == 8
    assert (one.root / "OVS/.server_pool_hb").stat().st_size == 128 << 20


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("[fd00::1]:/OVS", "hard,proto=tcp6"),
        ("192.168.100.1:/OVS", "hard,proto=tcp"),
    ],
)
def test_addresses(one: FakeMachine, source: str, options: str) -> None:
    run(one, source)
    assert mounts_of(one) == [shlex.join(("mount", "-t", "nfs", "-o", options, source, "/OVS"))]
    one.commands.clear()
    assert run(one, source).steps == ()


def test_options_of_the_source(one: FakeMachine) -> None:
    one.write("/etc/ovs/repositories.options", f"{SOURCE} vers=3,nolock,hard\n")
    run(one)
    assert mounts_of(one) == [f"mount -t nfs -o hard,proto=tcp,vers=3,nolock {SOURCE} /OVS"]
    assert one.nfs.loops() == {"loop0": FILE}


# ------------------------------------------------------------ kills


def count(make: Make, source: str, shared: str) -> int:
    """Return how many changing commands the whole takes."""
    machine = make(2)
    if shared != "C":
        run(machine)
        machine.commands.clear()
    run(machine, source, shared)
    return len(machine.commands)


COMMANDS_OF_ROOT = 38


def test_number_of_commands(make: Make) -> None:
    assert count(make, SOURCE, "C") == COMMANDS_OF_ROOT


@pytest.mark.parametrize("kill", range(1, COMMANDS_OF_ROOT + 1))
def test_killed_behind_any_command_the_same_command_finishes(
    make: Make, server: FakeFileServer, kill: int
) -> None:
    machine, other = make(0), make(1)
    machine.kill_behind = kill
    with pytest.raises(Killed):
        run(machine)
    machine.kill_behind = 0
    published = machine.root / "OVS/.server_pool_hb"
    if published.exists():
        disk = server.files[published.stat().st_ino]
        assert disk.fs is not None, "half of one has the name that others adopt"
    run(other)
    run(machine)
    assert machine.kernel.refs == other.kernel.refs == {heartbeat_uuid(machine): 1}
    assert machine.nfs.loops() == {"loop0": FILE}, "attached once"
    assert mounted(machine) == {"/OVS": SOURCE, POOL: "/dev/loop0"}
    left = names(server.exports["/OVS"])
    assert not [name for name in left if ".new-" in name or "probe" in name]
    machine.commands.clear()
    assert run(machine).steps == () and machine.commands == []


def heartbeat_uuid(machine: FakeMachine) -> str:
    return marker(machine)["HEARTBEAT_UUID"]


# ------------------------------------------------------------ a repository below the root


def test_makes_a_shared_repository(one: FakeMachine) -> None:
    run(one)
    run(one, IMAGES, "1", "images")
    (place,) = [place for place in mounted(one) if place.startswith("/OVS/")]
    said = marker(one, place)
    assert place == f"/OVS/{said['UUID']}" and "HEARTBEAT_UUID" not in said
    assert one.read("/etc/ovs/repositories").splitlines()[-1] == f"{said['UUID']} {IMAGES}"
    assert "/run/ovs/export" not in mounted(one)
    assert len(one.nfs.loops()) == 1
    one.commands.clear()
    assert run(one, IMAGES, "1", "images").steps == () and one.commands == []


def test_the_next_server_joins_a_shared_repository(make: Make) -> None:
    first, second = make(0), make(1)
    run(first)
    run(first, IMAGES, "1", "images")
    before = mounted(first)
    stop(first)  # a fake mount shows on all servers, where the mountpoint is on the root
    run(second)
    run(second, IMAGES, "1", "images")
    assert mounted(second) == before


@pytest.mark.parametrize("prepare", [silent, read_only, denied, nobody])
def test_refusals_of_a_shared_repository(
    one: FakeMachine, server: FakeFileServer,
    prepare: Callable[[FakeMachine, FakeFileServer], object],
) -> None:  # fmt: skip
    run(one)
    before = mounted(one)
    prepare(one, server)
    with pytest.raises(RefusedError):
        run(one, IMAGES, "1", "images")
    assert mounted(one) == before and names(server.exports["/images"]) == set()


def test_below_no_root(one: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="is not the cluster root on this server"):
        run(one, IMAGES, "1", "images")
    assert untouched(one)


def test_another_root(one: FakeMachine) -> None:
    run(one)
    with pytest.raises(RefusedError, match="has a cluster root already"):
        run(one, IMAGES, "C")
    with pytest.raises(RefusedError, match=r"listed as the cluster root \(C\)"):
        run(one, SOURCE, "1")


@pytest.mark.parametrize("kill", range(1, 10))
def test_a_shared_repository_killed_behind_any_command(
    make: Make, server: FakeFileServer, kill: int
) -> None:
    machine = make(0)
    run(machine)
    machine.commands.clear()
    machine.kill_behind = kill
    try:
        run(machine, IMAGES, "1", "images")
    except Killed:
        machine.kill_behind = 0
        run(machine, IMAGES, "1", "images")
    machine.commands.clear()
    assert run(machine, IMAGES, "1", "images").steps == ()
    assert len(mounted(machine)) == 3 and "/run/ovs/export" not in mounted(machine)
    assert not [name for name in names(server.exports["/images"]) if ".new-" in name]


def test_a_look_that_was_killed_gives_way_to_another_export(
    one: FakeMachine, server: FakeFileServer
) -> None:
    server.export("/more")
    run(one)
    one.commands.clear()
    one.kill_behind = 2  # mkdir, mount
    with pytest.raises(Killed):
        run(one, IMAGES, "1", "images")
    assert mounted(one)["/run/ovs/export"] == IMAGES
    one.kill_behind = 0
    run(one, "fileserver.example.com:/more", "1", "more")
    assert "/run/ovs/export" not in mounted(one)


# ------------------------------------------------------------ offline, and back


def stop(machine: FakeMachine) -> Plan:
    request = repositories.Request("stop")
    return machine.carry_out(lambda host: repositories.plan(host, request))


def start(machine: FakeMachine) -> Plan:
    request = repositories.Request("start", wait_s=0)
    return machine.carry_out(lambda host: repositories.plan(host, request))


def test_stop_and_start(one: FakeMachine) -> None:
    run(one)
    run(one, IMAGES, "1", "images")
    before = mounted(one)
    one.commands.clear()
    stop(one)
    assert mounted(one) == {} and one.nfs.loops() == {} and one.kernel.refs == {}
    root = marker_uuid(before)
    assert [each for each in one.commands if not each.startswith("mkdir")] == [
        f"umount /OVS/{root}", f"umount {POOL}", "losetup --detach /dev/loop0", "umount /OVS"
    ]  # fmt: skip
    assert stop(one).steps == ()
    start(one)
    assert mounted(one) == before and one.nfs.loops() == {"loop0": FILE}
    assert len(one.kernel.refs) == 1
    assert start(one).steps == ()


def marker_uuid(places: dict[str, str]) -> str:
    return next(place for place in places if place.startswith("/OVS/"))[len("/OVS/") :]


@pytest.mark.parametrize("place", ["/OVS", POOL])
def test_stop_is_refused_while_in_use(one: FakeMachine, place: str) -> None:
    run(one)
    one.add_process(77, "cat", f"{place}/file")
    before = mounted(one)
    with pytest.raises(RefusedError, match="in use"):
        stop(one)
    assert mounted(one) == before and len(one.nfs.loops()) == 1


def test_stop_with_another_loop_device_on_the_export(one: FakeMachine) -> None:
    run(one)
    (one.root / "OVS/disk.img").write_text("x")
    one.nfs.attach("/OVS/disk.img", True)
    with pytest.raises(RefusedError) as caught:
        stop(one)
    assert caught.value.evidence == ("/dev/loop1 is a loop device on /OVS/disk.img",)


def test_a_start_completes_what_lacks_the_heartbeat(one: FakeMachine) -> None:
    run(one)
    one.kernel.umount(POOL)
    status = repositories.status(one.host())
    assert status.status == 3 and "without its heartbeat" in status.lines[0]
    start(one)
    assert len(one.kernel.refs) == 1 and len(one.nfs.loops()) == 1
    assert repositories.status(one.host()).status == 0


@pytest.mark.parametrize("kill", range(1, 8))
def test_a_start_killed_behind_any_command(one: FakeMachine, kill: int) -> None:
    run(one)
    before = mounted(one)
    stop(one)
    one.commands.clear()
    one.kill_behind = kill
    try:
        start(one)
    except Killed:
        one.kill_behind = 0
        start(one)
    assert mounted(one) == before and one.nfs.loops() == {"loop0": FILE}


def test_offlinerepo(one: FakeMachine) -> None:
    run(one)
    request = offlinerepo.Request(SOURCE, delete=True)
    one.carry_out(lambda host: offlinerepo.plan(host, request))
    assert mounted(one) == {} and one.nfs.loops() == {}
    assert SOURCE not in one.read("/etc/ovs/repositories")
    assert (one.nfs.server is not None) and ".server_pool_hb" in names(
        one.nfs.server.exports["/OVS"]
    )


@pytest.mark.parametrize("kill", range(1, 4))
def test_offlinerepo_by_description_killed_behind_any_command(one: FakeMachine, kill: int) -> None:
    run(one)
    request = offlinerepo.Request("Root", delete=True)
    one.commands.clear()
    one.kill_behind = kill
    with pytest.raises(Killed):
        one.carry_out(lambda host: offlinerepo.plan(host, request))
    one.kill_behind = 0
    one.carry_out(lambda host: offlinerepo.plan(host, request))
    assert mounted(one) == {} and one.nfs.loops() == {}
    assert SOURCE not in one.read("/etc/ovs/repositories")


def test_offlinerepo_by_description_twice(one: FakeMachine) -> None:
    run(one)
    request = offlinerepo.Request("Root")
    one.carry_out(lambda host: offlinerepo.plan(host, request))
    again = one.carry_out(lambda host: offlinerepo.plan(host, request))
    assert again.steps == () and "already offline" in again.report.lines[0]


def test_start_of_another_export_than_the_listed(one: FakeMachine, server: FakeFileServer) -> None:
    run(one)
    stop(one)
    path = server.exports["/OVS"].folder / ".ovsrepo"
    path.write_text(path.read_text().replace("UUID=", "UUID=", 1).replace(
        marker_of(path), "9" * 32, 1))  # fmt: skip
    with pytest.raises(OvsError) as caught:
        start(one)
    assert "another repository than the list says" in " ".join(caught.value.evidence)
    assert mounted(one) == {} and one.nfs.loops() == {}


def marker_of(path: Path) -> str:
    return path.read_text().splitlines()[0].partition("=")[2]


def test_start_while_the_server_is_silent(one: FakeMachine, server: FakeFileServer) -> None:
    run(one)
    stop(one)
    server.silent = "no answer within 10 s"
    with pytest.raises(RefusedError) as caught:
        start(one)
    assert "does not answer" in " ".join(caught.value.evidence)
    one.clock.later.append((one.clock.now + 5, lambda: setattr(server, "silent", "")))
    request = repositories.Request("start", wait_s=30)
    one.carry_out(lambda host: repositories.plan(host, request))
    assert len(mounted(one)) == 2


def test_lines_without_a_uuid(one: FakeMachine) -> None:
    """As --alter-fstab moves them."""
    run(one)
    run(one, IMAGES, "1", "images")
    text = one.read("/etc/ovs/repositories")
    stop(one)
    one.write("/etc/ovs/repositories", f"@- {SOURCE}\n- {IMAGES}\n")
    start(one)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert one.read("/etc/ovs/repositories").splitlines() == lines
    assert len(mounted(one)) == 3 and "/run/ovs/export" not in mounted(one)


@pytest.mark.parametrize(("mark", "source"), [("@", SOURCE), ("", IMAGES)])
def test_lines_of_what_is_no_repository_yet(one: FakeMachine, mark: str, source: str) -> None:
    if not mark:
        run(one)
    before = mounted(one)
    listed = one.read("/etc/ovs/repositories") if before else ""
    one.write("/etc/ovs/repositories", f"{listed}{mark}- {source}\n")
    with pytest.raises(OvsError) as caught:
        start(one)
    said = " ".join(caught.value.evidence)
    assert "is no repository yet" in said and f"ovs-makerepo {source}" in said
    assert mounted(one) == before
