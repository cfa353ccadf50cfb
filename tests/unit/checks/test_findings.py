"""Each code is found on a server where one thing is wrong, and on no healthy one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ovstools.checks import registry
from ovstools.checks.coded import Outcome
from ovstools.checks.look import look
from ovstools.model.command import Result
from ovstools.settings import Checks, Settings
from tests.fakes.iscsi import NODES, RECORD
from tests.fakes.machine import FakeMachine
from tests.fakes.nfs import FakeFileServer
from tests.fakes.pool import add_sysfs, make_healthy

CONF = "/etc/ocfs2/cluster.conf"
O2CB = "/etc/default/o2cb"
LIST = "/etc/ovs/repositories"
LIVE = "/sys/kernel/debug/o2hb/livenodes"
CONNECTED = "/sys/kernel/debug/o2net/connected_nodes"
CLUSTER = "/sys/kernel/config/cluster/ocfs2"
UUID = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"
OTHER = "B" * 32

Break = Callable[[FakeMachine], object]


def edit(path: str, old: str, new: str) -> Break:
    """Replace a part of a file that must be there."""

    def change(machine: FakeMachine) -> None:
        text = machine.read(path)
        assert old in text
        machine.write(path, text.replace(old, new))

    return change


def write(path: str, text: str) -> Break:
    """Write a file."""
    return lambda machine: machine.write(path, text)


def remove(path: str) -> Break:
    """Remove a file, or a folder with all that is in it."""

    def change(machine: FakeMachine) -> None:
        import shutil

        target = machine.root / path.lstrip("/")
        shutil.rmtree(target) if target.is_dir() else target.unlink()

    return change


def every(*changes: Break) -> Break:
    """Do several."""
    return lambda machine: [change(machine) for change in changes]


def nothing_set_up(machine: FakeMachine) -> None:
    """Undo make_healthy()."""
    machine.kernel.umount("/OVS")
    for path in (CONF, O2CB, LIST, CLUSTER):
        remove(path)(machine)


def mount(number: str, mountpoint: str, fstype: str, source: str, options: str = "rw") -> Break:
    """Pretend that something is mounted, over what is there."""
    line = f"99 21 {number} / {mountpoint} rw - {fstype} {source} {options}\n"
    return lambda m: m.write("/proc/self/mountinfo", m.read("/proc/self/mountinfo") + line)


def df(size: int, used: int, status: int = 0) -> Break:
    """Let df say how full everything is, or fail."""
    return lambda m: m.fails.update(df=Result(status, f"1B-blocks Used\n{size} {used}\n"))


def region(uuid: str, device: str, pid: str = "4712") -> Break:
    """Pretend that another region heartbeats."""
    return every(
        write(f"{CLUSTER}/heartbeat/{uuid}/dev", f"{device}\n"),
        write(f"{CLUSTER}/heartbeat/{uuid}/pid", pid),
    )


IQN = "iqn.2001-04.com.example:pool"
LOGIN_UNIT = "/lib/systemd/system/open-iscsi.service"
LOGIN_LINK = "/etc/systemd/system/sysinit.target.wants/open-iscsi.service"


def iscsi(
    startup: str | None = "automatic", state: str = "LOGGED_IN", is_enabled: bool = True
) -> Break:
    """Pretend that /dev/sdb, on whose partition /OVS is, is a LUN; startup None: no record."""
    session = "/sys/class/iscsi_session/session3"
    connection = "/sys/class/iscsi_connection/connection3:0"
    record = RECORD.format(iqn=IQN, tag=1, address="10.1.1.1", startup=startup)
    return every(
        write(f"{session}/targetname", f"{IQN}\n"),
        write(f"{session}/tpgt", "1\n"),
        write(f"{session}/state", f"{state}\n"),
        write(f"{session}/device/target2:0:0/2:0:0:1/block/sdb/size", "8388608\n"),
        write(f"{connection}/persistent_address", "10.1.1.1\n"),
        write(f"{connection}/persistent_port", "3260\n"),
        write("/sys/class/block/sdb/dev", "8:16\n"),
        write("/sys/class/block/sdb/sdb1/dev", "8:17\n"),
        write("/sys/class/block/sdb1/dev", "8:17\n"),
        write(LOGIN_UNIT, "[Service]\n"),
        *([write(LOGIN_LINK, "")] if is_enabled else []),
        *([] if startup is None else [write(f"{NODES}/{IQN}/10.1.1.1,3260,1/default", record)]),
    )


EDITED = write("/etc/ovs/pool-config", f"generation=3\nfingerprint={'f' * 32}\n")


def filer(silent: str = "") -> Break:
    """Be on one network with a file server."""

    def change(machine: FakeMachine) -> None:
        names = ("filer", "10.0.0.9")
        machine.nfs.use(FakeFileServer(machine.root / "exports", names=names, silent=silent))

    return change


NFS_ROOT = "rw,hard,proto=tcp,vers=4.2,addr=10.0.0.9"


def on_nfs(
    options: str = NFS_ROOT, direct: tuple[int, ...] = (1,), is_mounted: bool = True,
    silent: str = "",
) -> Break:  # fmt: skip
    """Pretend that the cluster root is on NFS; direct: loop/dio of each loop device."""
    loops = [
        write(f"/sys/block/loop{number}/{name}", text)
        for number, dio in enumerate(direct)
        for name, text in {
            "dev": f"7:{number}\n",
            "ro": "0\n",
            "loop/backing_file": "/OVS/.server_pool_hb\n",
            "loop/dio": f"{dio}\n",
            "queue/logical_block_size": "512\n",
        }.items()
    ]
    pool = [
        mount("7:0", "/run/ovs/poolfs", "ocfs2", "/dev/loop0"),
        write("/sys/class/block/loop0/dev", "7:0\n"),
        region("E" * 32, "loop0"),
    ]
    return every(
        lambda machine: machine.kernel.umount("/OVS"),
        write(LIVE, "0 1 2\n"),
        write(CONNECTED, "1 2\n"),
        write(LIST, f"@{OTHER} filer:/OVS\n"),
        filer(silent),
        mount("0:44", "/OVS", "nfs4", "filer:/OVS", options),
        *loops,
        *(pool if is_mounted else []),
    )


CASES: list[tuple[str, Break, list[str]]] = [
    ("healthy", lambda machine: None, []),
    ("nothing set up", nothing_set_up, ["not-configured"]),
    ("edited since it took the pool's", EDITED, ["config-edited"]),
    ("no cluster.conf", remove(CONF), ["cluster-conf-missing"]),
    (
        "two faults in cluster.conf",
        every(edit(CONF, "number = 1", "number = 900"), edit(CONF, "7777", "77777")),
        ["cluster-conf-invalid"] * 4,
    ),
    (
        "another host name",
        lambda machine: setattr(machine, "hostname", "elsewhere"),
        ["node-missing"],
    ),
    (
        "a peer's address is loopback",
        every(
            edit(CONF, "192.168.100.101", "127.0.0.1"),
            write(f"{CLUSTER}/node/vmserver2.example.com/ipv4_address", "127.0.0.1\n"),
        ),
        ["address-loopback"],
    ),
    ("on NFS", on_nfs(), []),
    ("NFS, mounted soft", on_nfs("rw,soft,proto=tcp,addr=10.0.0.9"), ["nfs-mount-options"]),
    ("NFS over UDP", on_nfs("rw,hard,proto=udp,addr=10.0.0.9"), ["nfs-mount-options"]),
    ("NFS, read-only", on_nfs("ro,hard,proto=tcp,addr=10.0.0.9"), ["repository-read-only"]),
    ("the file server is frozen", on_nfs(silent="no answer within 10 s"), ["nfs-server-silent"]),
    ("heartbeat file through the cache", on_nfs(direct=(0,)), ["heartbeat-file-buffered"]),
    ("heartbeat file attached twice", on_nfs(direct=(1, 1)), ["heartbeat-file-twice"]),
    ("heartbeat file not mounted", on_nfs(is_mounted=False), ["pool-fs-not-mounted"]),
    (
        "heartbeat file not attached",
        on_nfs(direct=(), is_mounted=False),
        ["pool-fs-not-mounted"],
    ),
    (
        "heartbeat file mounted, not beating",
        every(on_nfs(), remove(f"{CLUSTER}/heartbeat/{'E' * 32}")),
        ["heartbeat-inactive"],
    ),
    ("on iSCSI", iscsi(), []),
    ("no boot logs in", iscsi("manual"), ["iscsi-not-at-boot"]),
    ("a session without a record", iscsi(None), ["iscsi-not-at-boot"]),
    ("a session that is being recovered", iscsi(state="FAILED"), ["iscsi-session-lost"]),
    ("nothing logs in at boot", iscsi(is_enabled=False), ["iscsi-unit-disabled"]),
    (
        "another LUN's session",
        every(iscsi("manual"), remove("/sys/class/block/sdb/sdb1")),
        [],
    ),
    (
        "below a multipath map",
        every(
            iscsi("manual"),
            remove("/sys/class/block/sdb/sdb1"),
            write("/sys/class/block/sdb/holders/dm-0/dev", "8:17\n"),
            write("/sys/class/block/dm-0/dev", "8:17\n"),
        ),
        ["iscsi-not-at-boot"],
    ),
    (
        "our address is gone",
        lambda machine: setattr(machine, "addresses", frozenset({"127.0.0.1", "10.0.0.1"})),
        ["address-not-here"],
    ),
    (
        "Debian's 127.0.1.1 line",
        write("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 vmserver1.example.com vmserver1\n"),
        ["hostname-loopback"],
    ),
    ("no o2cb settings", remove(O2CB), ["o2cb-settings-missing"]),
    ("o2cb disabled", edit(O2CB, "ENABLED=true", "ENABLED=false"), ["o2cb-disabled"]),
    (
        "o2cb boots another cluster",
        edit(O2CB, "BOOTCLUSTER=ocfs2", "BOOTCLUSTER=old"),
        ["o2cb-boot-cluster"],
    ),
    (
        "threshold below the least, in force",
        every(
            edit(O2CB, "THRESHOLD=31", "THRESHOLD=5"),
            write(f"{CLUSTER}/heartbeat/dead_threshold", "5\n"),
        ),
        ["o2cb-timing-invalid"],
    ),
    ("threshold is no number", edit(O2CB, "=31", "=many"), ["o2cb-timing-invalid"]),
    ("threshold changed, o2cb not restarted", edit(O2CB, "=31", "=61"), ["o2cb-timing-differs"]),
    ("o2cb offline", remove(CLUSTER), ["o2cb-offline"]),
    (
        "o2cb has no local node",
        write(f"{CLUSTER}/node/vmserver1.example.com/local", "0\n"),
        ["o2cb-offline"],
    ),
    (
        "the kernel runs another cluster",
        lambda m: (m.root / CLUSTER[1:]).rename((m.root / CLUSTER[1:]).with_name("old")),
        ["cluster-other"],
    ),
    (
        "a node is not registered",
        remove(f"{CLUSTER}/node/vmserver3.example.com"),
        ["kernel-differs"],
    ),
    ("no debugfs", remove("/sys/kernel/debug/o2hb"), ["debugfs-hidden"]),
    (
        "debugfs that nobody may read",
        every(remove(LIVE), write(f"{LIVE}/x", "a folder cannot be read either")),
        ["debugfs-hidden"],
    ),
    ("empty list", write(LIST, "# none\n"), ["cluster-root-unlisted"]),
    (
        "two cluster roots, the second not there",
        edit(LIST, f"@{UUID} /dev/sdb1\n", f"@{UUID} /dev/sdb1\n@{OTHER} /dev/sdc1\n"),
        ["cluster-root-twice", "repository-other-storage"],
    ),
    (
        "a line that nobody understands",
        edit(LIST, "\n", "\nhello\n"),
        ["repository-line-unknown"],
    ),
    ("the root is not mounted", lambda m: m.kernel.umount("/OVS"), ["cluster-root-not-mounted"]),
    (
        "a second repository is not mounted",
        edit(LIST, "\n", f"\n{OTHER} /dev/sdc1\n"),
        ["repository-not-mounted"],
    ),
    (
        "a repository without UUID is not mounted",
        edit(LIST, "\n", "\n- /dev/sdc1\n"),
        ["repository-not-mounted"],
    ),
    (
        "the list has another UUID for what is mounted",
        edit(LIST, UUID, OTHER),
        ["repository-other-storage"],
    ),
    (
        "NFS where the list has a device",
        every(
            filer(),
            mount("0:44", "/OVS/" + OTHER, "nfs4", "filer:/b", "rw,hard,proto=tcp"),
            edit(LIST, "\n", f"\n{OTHER} filer:/a\n"),
        ),
        ["repository-other-storage"],
    ),
    (
        "the same export with a slash more is the same",
        every(
            filer(),
            mount("0:44", "/OVS/" + OTHER, "nfs4", "filer:/a/", "rw,hard,proto=tcp"),
            edit(LIST, "\n", f"\n{OTHER} filer:/a\n"),
        ),
        [],
    ),
    (
        "another device where ext4 is listed",
        every(
            lambda m: add_sysfs(m, "/dev/sdc1", "8:33"),
            mount("8:49", "/OVS/" + OTHER, "ext4", "/dev/sdd1"),
            edit(LIST, "\n", f"\n{OTHER} /dev/sdc1\n"),
        ),
        ["repository-other-storage"],
    ),
    (
        "errors=remount-ro happened",
        mount("8:17", "/OVS", "ocfs2", "/dev/sdb1", "ro,errors=remount-ro"),
        ["repository-read-only"],
    ),
    ("the root is nearly full", df(100, 90), ["repository-nearly-full"]),
    ("the root is not quite so full", df(1000, 899), []),
    ("the root does not answer", df(0, 0, status=137), ["repository-silent"]),
    (
        "the root's heartbeat was stopped by hand",
        write(f"{CLUSTER}/heartbeat/{UUID}/pid", ""),
        ["heartbeat-inactive"],
    ),
    (
        "a second volume heartbeats",
        every(
            lambda m: add_sysfs(m, "/dev/sdc1", "8:33"),
            region(OTHER, "sdc1"),
            mount("8:33", f"/OVS/{OTHER}", "ocfs2", "/dev/sdc1"),
            edit(LIST, "\n", f"\n{OTHER} /dev/sdc1\n"),
        ),
        ["many-heartbeats"],
    ),
    (
        "fstab mounts the root",
        write("/etc/fstab", "LABEL=mylabel /OVS/ ocfs2 _netdev 0 0"),
        ["fstab-storage"],
    ),
    (
        "fstab has a bind mount, and a folder with a like name",
        write("/etc/fstab", "/srv/iso /OVS/iso_pool none bind 0 0\n/dev/sdd1 /OVSold ext4 rw 0 0"),
        ["fstab-other"],
    ),
    ("a server is off", edit(LIVE, "0 1 2", "0 1"), ["peer-dead"]),
    ("all others are off", edit(LIVE, "0 1 2", "0"), ["peer-dead"] * 2),
    (
        "this server is not among the live ones",
        edit(LIVE, "0 1 2", "1 2"),
        ["self-not-alive"],
    ),
    ("a stranger heartbeats", edit(LIVE, "0 1 2", "0 1 2 9"), ["peer-unknown"]),
    ("a live server is not connected", write(CONNECTED, "1\n"), ["peer-not-connected"]),
    ("an old kernel does not show connections", remove(CONNECTED), []),
    (
        "the repositories' unit is not there",
        remove("/etc/systemd/system/ovsrepositories.service"),
        ["unit-missing"],
    ),
    ("o2cb has no start link", remove("/etc/rcS.d/S20o2cb"), ["unit-disabled"]),
    (
        "the repositories' unit is not wanted",
        remove("/etc/systemd/system/multi-user.target.wants/ovsrepositories.service"),
        ["unit-disabled"],
    ),
    (
        "a kernel that erred hangs",
        every(write("/proc/sys/kernel/panic", "0\n"), write("/proc/sys/kernel/panic_on_oops", "0")),
        ["panic-sysctls"],
    ),
    ("a kernel that panics restarts at once", write("/proc/sys/kernel/panic", "-1\n"), []),
    ("sleeping is possible", write("/usr/lib/systemd/system/sleep.target", ""), ["sleep-allowed"]),
]


def run(machine: FakeMachine, acts_as_master: bool = False) -> tuple[Outcome, ...]:
    """Look and run every check; that starts no program."""
    outcomes = registry.run(look(machine.host(), acts_as_master))
    assert machine.commands == []
    return outcomes


def codes(machine: FakeMachine, acts_as_master: bool = False) -> list[str]:
    """Return what was found."""
    return [finding.code for finding in registry.findings(run(machine, acts_as_master))]


@pytest.mark.parametrize(("change", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_finding(machine: FakeMachine, change: Break, expected: list[str]) -> None:
    assert make_healthy(machine) == UUID
    change(machine)
    machine.commands.clear()
    assert codes(machine) == expected


def test_master_that_does_not_see_all(machine: FakeMachine) -> None:
    make_healthy(machine)
    assert codes(machine, acts_as_master=True) == []
    machine.write(CONNECTED, "1\n")
    assert codes(machine, acts_as_master=True) == ["peer-not-connected", "master-sees-not-all"]


def test_only_root_sees_who_is_alive(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    make_healthy(machine)
    host = machine.host()
    kind = type(host).kind

    def refused(self: object, absolute: str) -> str:
        if absolute.startswith("/sys/kernel/debug"):
            raise PermissionError(13, "Permission denied", absolute)
        return kind(host, absolute)

    monkeypatch.setattr(type(host), "kind", refused)
    assert codes(machine) == ["not-root"]


def test_every_code_has_a_case() -> None:
    found = {code for _, _, expected in CASES for code in expected}
    elsewhere = {"server-not-asked", "server-unhealthy", "config-differs"}  # test_servers.py
    assert set(registry.CODES) - found == {"master-sees-not-all", "not-root", *elsewhere}


def test_findings_name_the_line_at_fault(machine: FakeMachine) -> None:
    make_healthy(machine)
    hosts = "127.0.0.1 localhost\n\n127.0.1.1\tvmserver1 vmserver1.example.com # debian\n"
    machine.write("/etc/hosts", hosts)
    (finding,) = registry.findings(run(machine))
    assert finding.evidence == (
        "/etc/hosts:3: 127.0.1.1\tvmserver1 vmserver1.example.com # debian",
    )
    assert "192.168.100.100" in finding.hint


@pytest.mark.parametrize(
    ("uuid", "state", "expected"),
    [
        (
            OTHER,
            "    Device => Id: 8,17  Uuid: B  Gen: 0x1  Label: x\n",
            ["repository-other-storage"],
        ),
        (UUID, "    Device => Id: 8,17  Uuid: A  Gen: 0x1  Label: x\n", []),
        (OTHER, "    Device => Id: 8,170  Uuid: B  Gen: 0x1  Label: x\n", []),
    ],
)
def test_debugfs_tells_what_is_mounted(
    machine: FakeMachine, uuid: str, state: str, expected: list[str]
) -> None:
    make_healthy(machine)
    machine.write(f"/sys/kernel/debug/ocfs2/{uuid}/fs_state", state)
    assert [code for code in codes(machine) if code.startswith("repository")] == expected


def test_global_heartbeat_needs_any_region(machine: FakeMachine) -> None:
    make_healthy(machine)
    conf = machine.read(CONF).replace("\tname = ocfs2", "\theartbeat_mode = global\n\tname = ocfs2")
    machine.write(CONF, conf + f"\nheartbeat:\n\tregion = {OTHER}\n\tcluster = ocfs2\n")
    machine.write(f"{CLUSTER}/heartbeat/mode", "global\n")
    assert codes(machine) == []


def test_files_below_another_root(machine: FakeMachine) -> None:
    make_healthy(machine)
    machine.write("/etc/hostname", "vmserver1.example.com\n")
    machine.write(CONNECTED, "\n")
    machine.write("/proc/self/mountinfo", "")
    outcomes = registry.run(look(machine.host(offline=True)))
    assert registry.findings(outcomes) == ()
    skipped = [each.check.name for each in outcomes if each.is_skipped]
    assert {"o2cb-online", "repositories", "alive", "panic"} <= set(skipped)
    machine.write(O2CB, machine.read(O2CB).replace("ENABLED=true", "ENABLED=false"))
    found = registry.findings(registry.run(look(machine.host(offline=True))))
    assert [finding.code for finding in found] == ["o2cb-disabled"]


def test_from_where_on_it_is_full_is_a_setting(machine: FakeMachine) -> None:
    make_healthy(machine)
    settings = Settings(checks=Checks(full_percent=70))
    outcomes = registry.run(look(machine.host(settings=settings)))
    (finding,) = registry.findings(outcomes)
    assert (finding.code, finding.text) == ("repository-nearly-full", "/OVS is 75 % full")
    assert finding.evidence == ("1.0 of 4.0 GiB are left",)
