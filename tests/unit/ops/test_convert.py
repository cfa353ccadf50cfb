"""repositories convert on fake machines: a local /OVS, on the root disk or a disk of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ovstools.errors import ExitStatus, OvsError, RefusedError, ToolError, UsageError
from ovstools.model.command import Result
from ovstools.ops import convert, makerepo, offlinerepo
from ovstools.ops.convert import Request
from ovstools.ops.convert_places import STAGING
from ovstools.ops.formatting import Format
from ovstools.ops.plan import Confirm, Plan, apply
from ovstools.system.clock import Clock
from ovstools.system.host import Host
from tests.conftest import WWN
from tests.fakes.disk import GIB, FileSystem
from tests.fakes.machine import NODES, FakeMachine
from tests.fakes.nfs import FakeFileServer

IMAGE = "running_pool/web1/system.img"
REQUEST = Request("/dev/sdb1", "C", "cluster root", format=Format(wanted=True))
LOCAL = "C" * 32


def fill(folder: Path) -> None:
    """Put a guest and some more there."""
    (folder / "running_pool/web1").mkdir(parents=True)
    (folder / "iso_pool").mkdir()
    (folder / IMAGE).write_bytes(b"data of a guest" * 1000)
    (folder / IMAGE).chmod(0o640)
    os.utime(folder / IMAGE, (1_500_000_000, 1_500_000_000))
    os.link(folder / IMAGE, folder / "iso_pool/twin")
    (folder / "running_pool/web1/vm.cfg").write_text("name = 'web1'\n")
    (folder / "link").symlink_to("iso_pool")
    (folder / "lost+found").mkdir()


@pytest.fixture
def server(machine: FakeMachine) -> FakeMachine:
    """Return a server in a cluster, with a guest in the folder /OVS of its root disk."""
    machine.join_cluster()
    fill(machine.root / "OVS")
    return machine


@pytest.fixture
def with_disk(machine: FakeMachine) -> FakeMachine:
    """Return one whose /OVS is a local file system, mounted by fstab."""
    machine.join_cluster()
    disk = machine.add_disk("/dev/sda3", "8:3", link="/dev/disk/by-id/wwn-local-part3")
    disk.fs = FileSystem("ext4", LOCAL, machine.volume_folder(LOCAL))
    fill(disk.fs.folder)
    (machine.root / "OVS").mkdir()
    machine.kernel.mount(disk, "/dev/sda3", "/OVS")
    machine.write("/etc/fstab", "/dev/vda / ext4 defaults 0 1\n/dev/sda3 /OVS ext4 defaults 0 2\n")
    (machine.root / "etc/ovs").mkdir()
    machine.write("/etc/ovs/repositories", f"{LOCAL} /dev/sda3\n")
    machine.commands.clear()
    return machine


def run(machine: FakeMachine, request: Request = REQUEST) -> Plan:
    return machine.carry_out(lambda host: convert.plan(host, request))


def in_place(machine: FakeMachine) -> None:
    """Assert that all of it is on the shared volume, mounted at /OVS, and nothing else is left."""
    disk = machine.disk("/dev/sdb1")
    assert disk.fs is not None and disk.fs.type == "ocfs2"
    image = disk.fs.folder / IMAGE
    assert image.read_bytes() == b"data of a guest" * 1000
    assert (image.stat().st_mode & 0o777, image.stat().st_mtime) == (0o640, 1_500_000_000)
    assert image.stat().st_ino == (disk.fs.folder / "iso_pool/twin").stat().st_ino
    assert os.readlink(disk.fs.folder / "link") == "iso_pool"
    names = {"iso_pool", "publish_pool", "seed_pool", "sharedDisk", "running_pool", "link"}
    assert set(os.listdir(disk.fs.folder)) == names | {".ovsrepo"}
    assert (machine.root / "OVS").resolve() == disk.fs.folder
    assert machine.read("/etc/ovs/repositories").splitlines()[-1] == f"@{disk.fs.uuid} {WWN}"
    assert not (machine.root / "etc/ovs/conversion").exists()


# ------------------------------------------------------------- a folder


def test_a_folder_on_the_root_disk(server: FakeMachine) -> None:
    plan = run(server)
    in_place(server)
    old = server.root / "OVS.local"
    assert (old / IMAGE).exists() and (old / "lost+found").exists()
    assert plan.report.lines == (
        "/OVS has all of /OVS: 7 things, 0 MiB, each compared",
        "the old data is kept in /OVS.local; nobody needs it any more",
    )
    assert plan.report.data["kept"] == "/OVS.local"
    again = run(server)
    assert (again.steps, again.report.status) == ((), ExitStatus.OK)
    assert again.report.lines == (f"/OVS is already on {WWN}",)
    assert (old / IMAGE).exists()


def test_a_dry_run_changes_nothing(server: FakeMachine) -> None:
    text = convert.plan(server.host(), REQUEST).preview()
    assert "mv --no-target-directory /OVS /OVS.local" in text
    assert "+FOLDER=/OVS.local" in text
    assert (server.root / "OVS" / IMAGE).exists() and server.commands == []


def test_after_makerepo_alone(server: FakeMachine) -> None:
    """The data is hidden below the mount; makerepo says how it comes along."""
    made = server.carry_out(lambda host: makerepo.plan(host, REQUEST.makerepo))
    assert any("ovs-offlinerepo /OVS; ovstools repositories convert" in n for n in made.notices)
    server.carry_out(lambda host: offlinerepo.plan(host, offlinerepo.Request("/OVS")))
    run(server)
    in_place(server)


# ------------------------------------------------------------- a disk


def test_a_disk_of_its_own(with_disk: FakeMachine) -> None:
    plan = run(with_disk)
    in_place(with_disk)
    local = "/dev/disk/by-id/wwn-local-part3"
    assert with_disk.commands[0] == "umount /OVS"
    assert f"mount -t ext4 -o ro {local} /run/ovs/convert" in with_disk.commands
    assert with_disk.commands[-1] == "umount /run/ovs/convert"
    assert with_disk.read("/etc/fstab") == "/dev/vda / ext4 defaults 0 1\n"
    (backup,) = (with_disk.root / "tmp").iterdir()
    assert "/dev/sda3 /OVS" in backup.read_text()
    assert LOCAL not in with_disk.read("/etc/ovs/repositories")
    fs = with_disk.disk("/dev/sda3").fs
    assert fs is not None and (fs.folder / IMAGE).exists()
    assert f"mount -o ro {local}" in plan.report.lines[1]


def test_a_boot_mounts_the_old_disk_again(with_disk: FakeMachine) -> None:
    """The lines of fstab went first; but an admin may have mounted it by hand."""
    with_disk.killed_behind_first_change(lambda host: convert.plan(host, REQUEST))
    assert (with_disk.root / "etc/ovs/conversion").exists()
    run(with_disk)
    in_place(with_disk)


# ------------------------------------------------------------- kill -9


class Killed(Exception):
    """The process is gone."""


def killed_after(machine: FakeMachine, changes: int) -> bool:
    """Run until so many changes are made, of all plans together; False: it came to its end."""
    host: Host = machine.host()
    left = changes
    while True:
        plan = convert.plan(host, REQUEST)
        for number, step in enumerate(plan.steps):
            if not isinstance(step.change, Confirm):
                left -= 1
            if left < 0:
                apply(replace(plan, steps=plan.steps[:number]), host)
                return True
        apply(plan, host)
        if not plan.look_again:
            return False


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["server", "with_disk"])
def test_killed_anywhere_the_next_run_finishes(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    from tests.conftest import new_machine

    changes, kills = 0, 0
    while True:
        folder = tmp_path / str(changes)
        folder.mkdir()
        machine = new_machine(folder, 0, {})
        machine.join_cluster()
        if kind == "server":
            fill(machine.root / "OVS")
        else:
            disk = machine.add_disk("/dev/sda3", "8:3")
            disk.fs = FileSystem("ext4", LOCAL, machine.volume_folder(LOCAL))
            fill(disk.fs.folder)
            (machine.root / "OVS").mkdir()
            machine.kernel.mount(disk, "/dev/sda3", "/OVS")
            machine.write("/etc/fstab", "/dev/sda3 /OVS ext4 defaults 0 2\n")
            (machine.root / "etc/ovs").mkdir()
        if not killed_after(machine, changes):
            in_place(machine)
            break
        kills += 1
        assert any((each / IMAGE).exists() for each in old_places(machine)), "the old data is gone"
        run(machine)
        in_place(machine)
        assert any((each / IMAGE).exists() for each in old_places(machine))
        changes += 1
    assert kills > 12


@pytest.mark.parametrize("kind", ["server", "with_disk"])
def test_each_run_goes_one_change_further(kind: str, request: pytest.FixtureRequest) -> None:
    machine: FakeMachine = request.getfixturevalue(kind)
    kills = machine.chain(lambda: lambda host: convert.plan(host, REQUEST))
    assert kills == {"server": 12, "with_disk": 15}[kind]
    in_place(machine)
    assert "/run/ovs/convert" not in machine.read("/proc/self/mountinfo")


def old_places(machine: FakeMachine) -> list[Path]:
    local = machine.disks.get("/dev/sda3")
    places = [machine.root / "OVS", machine.root / "OVS.local"]
    return [*places, *([local.fs.folder] if local and local.fs else [])]


def test_killed_at_each_file(server: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run makes one file whole, or puts one thing in its place, and is killed at the next."""
    real, runs = os.rename, 0
    while True:
        allowed = [1]

        def rename(old: Path, new: Path, allowed: list[int] = allowed) -> None:
            if STAGING in str(old):
                allowed[0] -= 1
                if allowed[0] < 0:
                    raise Killed
            real(old, new)

        monkeypatch.setattr(os, "rename", rename)
        runs += 1
        try:
            run(server)
            break
        except Killed:
            fs = server.disk("/dev/sdb1").fs
            assert fs is not None
            for image in (*fs.folder.rglob("system.img"), *fs.folder.rglob("twin")):
                assert image.read_bytes() == b"data of a guest" * 1000
    assert runs > 5
    in_place(server)


def test_killed_within_a_file(server: FakeMachine) -> None:
    """The clock is read with every piece of a file that is copied or compared."""

    class Dying(Clock):
        def __init__(self, left: int) -> None:
            self.left = left

        def monotonic(self) -> float:
            self.left -= 1
            if self.left < 0:
                raise Killed
            return 0.0

        def sleep(self, seconds: float) -> None:
            pass

    while True:
        plan = convert.plan(server.host(), REQUEST)
        if not plan.look_again:
            break
        apply(plan, server.host())
    for left in range(2, 12):
        host = replace(server.host(), clock=Dying(left))
        with contextlib.suppress(Killed):
            apply(replace(plan, steps=plan.steps[:2]), host)
        fs = server.disk("/dev/sdb1").fs
        assert fs is not None
        assert {path.name for path in fs.folder.iterdir() if path.is_file()} == {".ovsrepo"}
        for image in fs.folder.rglob("system.img"):
            assert image.read_bytes() == b"data of a guest" * 1000
    run(server)
    in_place(server)


# ------------------------------------------------------------- several servers


def test_a_further_server_adds_its_own_data(machines: Callable[[int], FakeMachine]) -> None:
    first, second = machines(0), machines(1)
    for machine, name in ((first, "web1"), (second, "web2")):
        machine.join_cluster(*NODES)
        (machine.root / "OVS/running_pool" / name).mkdir(parents=True)
        (machine.root / "OVS/running_pool" / name / "system.img").write_text(name)
    run(first)
    run(second)
    for machine in (first, second):
        pool = machine.root / "OVS/running_pool"
        assert sorted(os.listdir(pool)) == ["web1", "web2"]
        assert (pool / "web2/system.img").read_text() == "web2"


def test_killed_behind_uniting_folders_of_other_modes(
    machines: Callable[[int], FakeMachine],
) -> None:
    first, second = machines(0), machines(1)
    for machine, name in ((first, "web1"), (second, "web2")):
        machine.join_cluster(*NODES)
        machine.write(f"/OVS/running_pool/{name}/system.img", name)
    (second.root / "OVS/running_pool").chmod(0o700)
    run(first)
    assert second.chain(lambda: lambda host: convert.plan(host, REQUEST)) == 5
    assert sorted(os.listdir(first.root / "OVS/running_pool")) == ["web1", "web2"]


def test_the_same_name_with_other_data(machines: Callable[[int], FakeMachine]) -> None:
    first, second = machines(0), machines(1)
    for machine, text in ((first, "one"), (second, "other")):
        machine.join_cluster(*NODES)
        machine.write("/OVS/running_pool/web1/system.img", text)
    run(first)
    with pytest.raises(RefusedError, match="other data by the same names") as error:
        run(second)
    assert error.value.evidence == ("running_pool/web1/system.img",)
    assert (first.root / "OVS/running_pool/web1/system.img").read_text() == "one"
    assert (second.root / "OVS.local/running_pool/web1/system.img").read_text() == "other"
    (second.root / "OVS.local/running_pool/web1").rename(
        second.root / "OVS.local/running_pool/web9"
    )
    run(second)
    assert (first.root / "OVS/running_pool/web9/system.img").read_text() == "other"


def test_into_a_shared_repository(server: FakeMachine) -> None:
    run(server)
    (server.root / "srv/images").mkdir(parents=True)
    (server.root / "srv/images/web2.img").write_text("web2")
    server.add_disk("/dev/sdc1", "8:33")
    asked = Request("/dev/sdc1", "1", "images", "/srv/images/", Format(wanted=True))
    plan = run(server, asked)
    final = plan.report.data["mountpoint"]
    assert (server.root / final.lstrip("/") / "web2.img").read_text() == "web2"
    assert (server.root / "srv/images.local/web2.img").exists()
    assert plan.notices == (
        f"guests whose definitions name /srv/images need {final} there from now on",
    )
    assert run(server, asked).steps == ()


def test_to_an_export(server: FakeMachine, tmp_path: Path) -> None:
    files = FakeFileServer(tmp_path / "exports")
    files.export("/OVS")
    server.nfs.use(files)
    request = Request("fileserver.example.com:/OVS", "C", "root")
    refused(
        server, "heartbeat file", replace(request, format=Format(slots=4, label="x")), UsageError
    )
    plan = run(server, request)
    assert plan.report.data["mountpoint"] == "/OVS"
    (found,) = (tmp_path / "exports").rglob("system.img")
    assert found.read_bytes() == b"data of a guest" * 1000
    assert (server.root / "OVS.local" / IMAGE).exists()
    assert run(server, request).steps == ()


# ------------------------------------------------------------- refusals


def refused(
    machine: FakeMachine, said: str, request: Request = REQUEST,
    kind: type[OvsError] = RefusedError,
) -> OvsError:  # fmt: skip
    before = sorted(path for path in machine.root.rglob("*") if "proc" not in path.parts)
    with pytest.raises(kind, match=said) as error:
        run(machine, request)
    after = sorted(path for path in machine.root.rglob("*") if "proc" not in path.parts)
    assert (before, machine.commands) == (after, [])
    return error.value


def test_while_a_guest_runs(server: FakeMachine) -> None:
    scope = r"machine-qemu\x2d1\x2dweb1.scope"
    server.add_process(77, "qemu-system-x86", f"/OVS/{IMAGE}", scope)
    error = refused(server, "/OVS is in use")
    assert error.evidence == (f"qemu-system-x86 (pid 77, guest web1, {scope}) has /OVS/{IMAGE}",)
    assert error.hint.startswith("stop the guests first")


def test_while_something_is_mounted_below(server: FakeMachine) -> None:
    server.kernel.add_mount("8:99", "/OVS/more", "ext4", "/dev/sdz1")
    refused(server, "/OVS is in use")


def test_what_is_blank_is_not_formatted_unasked(server: FakeMachine) -> None:
    error = refused(server, "must be formatted", replace(REQUEST, format=Format()))
    assert error.hint == "allow it: --format"


def test_other_data_on_the_target(server: FakeMachine) -> None:
    server.disk("/dev/sdb1").fs = FileSystem("ext4", LOCAL, server.volume_folder(LOCAL))
    refused(server, "which servers cannot share")


def test_too_small(server: FakeMachine) -> None:
    server.disk("/dev/sdb1").size = 4096
    server.run_format("/dev/sdb1")
    refused(server, "too small")


def test_a_bind_mount(with_disk: FakeMachine) -> None:
    text = with_disk.read("/proc/self/mountinfo")
    with_disk.write("/proc/self/mountinfo", text.replace(" / /OVS ", " /srv/OVS /OVS "))
    error = refused(with_disk, "is a part of /dev/sda3")
    assert error.evidence == ("of that file system it is /srv/OVS",)


def test_a_disk_that_is_mounted_elsewhere_as_well(with_disk: FakeMachine) -> None:
    with_disk.kernel.add_mount("8:3", "/mnt", "ext4", "/dev/sda3")
    refused(with_disk, "mounted at /mnt as well")


def test_its_own_disk(with_disk: FakeMachine) -> None:
    refused(with_disk, "is on /dev/sda3 itself", replace(REQUEST, source="/dev/sda3"))


def test_without_a_cluster(machine: FakeMachine) -> None:
    fill(machine.root / "OVS")
    refused(machine, "in no cluster")


def test_what_is_shared_already(server: FakeMachine) -> None:
    server.kernel.add_mount("0:50", "/OVS", "nfs4", "fileserver:/OVS")
    refused(server, "on shared storage already")


@pytest.mark.parametrize("origin", ["/", "/etc", "/run"])
def test_not_our_own_folders(server: FakeMachine, origin: str) -> None:
    (server.root / "run").mkdir(exist_ok=True)
    (server.root / "run/some").touch()
    refused(server, "which is no repository's data", replace(REQUEST, origin=origin))


def test_a_symbolic_link(server: FakeMachine) -> None:
    (server.root / "OVS").rename(server.root / "var")
    (server.root / "OVS").symlink_to(server.root / "var")
    error = refused(server, "is a symbolic link")
    assert "--from" in error.hint


def test_something_in_the_way(server: FakeMachine) -> None:
    (server.root / "OVS.local").mkdir()
    refused(server, "OVS.local is in the way")


def test_nothing_to_convert(server: FakeMachine) -> None:
    (server.root / "OVS").rename(server.root / "gone")
    error = refused(server, "holds nothing that could be converted")
    assert error.hint == "ovs-makerepo /dev/sdb1 C DESCRIPTION"


def test_no_room(server: FakeMachine) -> None:
    server.run_format("/dev/sdb1")
    server.tools["df"] = lambda command: Result(0, f"1B-blocks Used\n{GIB} {GIB}\n")
    with pytest.raises(RefusedError, match="has not room enough"):
        run(server)
    del server.tools["df"]
    run(server)
    in_place_image = server.disk("/dev/sdb1").fs
    assert in_place_image is not None and (in_place_image.folder / IMAGE).exists()


def test_other_words_before_it_is_finished(server: FakeMachine) -> None:
    server.killed_behind_first_change(lambda host: convert.plan(host, REQUEST))
    server.add_disk("/dev/sdc1", "8:33")
    with pytest.raises(RefusedError, match="another conversion is not finished") as error:
        run(server, replace(REQUEST, source="/dev/sdc1"))
    assert "convert --from /OVS /dev/sdb1 C" in error.value.hint


def test_a_copy_that_is_not_like_its_original(server: FakeMachine) -> None:
    """The storage loses a byte; the old data stays where it is, and the run again mends it."""

    def spoil() -> None:
        fs = server.disk("/dev/sdb1").fs
        assert fs is not None
        for image in fs.folder.glob(f"{STAGING}*/{IMAGE}"):
            times = image.stat()
            image.write_bytes(b"Xata of a guest" * 1000)
            os.utime(image, ns=(times.st_atime_ns, times.st_mtime_ns))

    host = server.host()
    while True:
        plan = convert.plan(host, REQUEST)
        if not plan.look_again:
            break
        apply(plan, host)
    apply(replace(plan, steps=plan.steps[:1]), host)
    spoil()
    with pytest.raises(ToolError, match="not like") as error:
        apply(replace(plan, steps=plan.steps[1:]), host)
    assert error.value.evidence[-1].startswith(f"{IMAGE}: other content")
    fs = server.disk("/dev/sdb1").fs
    assert fs is not None and not (fs.folder / IMAGE).exists(), "nothing was put in place"
    for image in fs.folder.glob(f"{STAGING}*/**/*.img"):
        image.unlink()
    for image in fs.folder.glob(f"{STAGING}*/**/twin"):
        image.unlink()
    run(server)
    in_place(server)


@pytest.mark.parametrize("words", [{"shared": "0"}, {"origin": "OVS"}, {"origin": "/OVS/../etc"}])
def test_words_that_make_no_sense(words: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        replace(REQUEST, **words)  # type: ignore[arg-type]


def test_offline(server: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="--root"):
        convert.plan(server.host(offline=True), REQUEST)
