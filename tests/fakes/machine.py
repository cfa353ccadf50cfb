"""A whole machine as a fake: a temporary root, disks, a kernel with o2cb, and the tools.

The tools refuse every command that they do not know. What they print is in the form of the
captured output under tests/data.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ovstools.errors import OvsError
from ovstools.model.cluster import Node
from ovstools.model.cluster_conf import ClusterConf
from ovstools.model.command import Command, Result
from ovstools.model.shell_vars import ShellVars
from ovstools.ops.plan import Confirm, Plan, apply
from ovstools.settings import Settings
from ovstools.system.clock import Clock
from ovstools.system.host import Host
from ovstools.system.runner import Runner, failed
from ovstools.system.talk import Talk

from .disk import Disk, FileSystem
from .iscsi import FakeIscsi
from .keeper import FakeKeeper
from .kernel import FakeKernel
from .nfs import FakeNfs

NODES = (
    Node("vmserver1.example.com", 0, "192.168.100.100"),
    Node("vmserver2.example.com", 1, "192.168.100.101"),
    Node("vmserver3.example.com", 2, "192.168.100.102"),
)
O2CB_DEFAULTS = "# o2cb\nO2CB_ENABLED=false\nO2CB_BOOTCLUSTER=ocfs2\nO2CB_HEARTBEAT_THRESHOLD=31\n"


class Killed(BaseException):
    """The machine's ovstools was killed: kill -9, between two commands."""


class FakeClock(Clock):
    """Time passes only in sleep; then the heartbeats move and whatever was scheduled happens."""

    def __init__(self, machine: FakeMachine) -> None:
        self._machine = machine
        self.now = 1000.0
        self.later: list[tuple[float, Callable[[], None]]] = []

    def monotonic(self) -> float:
        """Return the fake time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        for disk in self._machine.disks.values():
            disk.beat()
        for moment, happen in [entry for entry in self.later if entry[0] <= self.now]:
            self.later.remove((moment, happen))
            happen()


@dataclass(frozen=True)
class FakeHost(Host):
    """A Host whose devices, addresses and name are the fake machine's."""

    machine: FakeMachine = field(default=None)  # type: ignore[assignment]

    def kind(self, absolute: str) -> str:
        """Know the fake disks as block devices."""
        return "block" if self.resolve(absolute) in self.machine.disks else super().kind(absolute)

    def poke(self, absolute: str) -> None:
        """Let the fake kernel do what it does."""
        self.machine.commands.append(f"echo 1 > {absolute}")
        self.machine.pokes[absolute]()

    def is_claimed(self, absolute: str) -> bool:
        """Tell what the test wants."""
        return self.machine.disk(absolute).is_claimed

    def peek(self, absolute: str, offset: int, size: int) -> bytes:
        """Return what the fake disk begins or ends with."""
        disk = self.machine.disk(absolute)
        return (disk.tail if offset else disk.head)[:size]

    def hostname(self) -> str:
        """Return the fake name."""
        return super().hostname() if self.offline else self.machine.hostname

    def addresses(self) -> frozenset[str]:
        """Return the fake addresses."""
        return self.machine.addresses

    def resolve_name(self, name: str) -> tuple[str, ...]:
        """Look the name up in the fake /etc/hosts."""
        lines = (self.read("/etc/hosts") or "").splitlines()
        return tuple(line.split()[0] for line in lines if name in line.split()[1:])

    def why_unreachable(self, address: str, port: int, timeout_s: float) -> str:
        """Ask the fake storage network."""
        return self.machine.iscsi.why_unreachable(address, port)

    def why_silent(self, address: str, port: int, timeout_s: float) -> str:
        """Ask the fake network."""
        return self.machine.nfs.why_silent(address)

    def is_root(self) -> bool:
        """Tell what the test wants."""
        return self.machine.is_root


class FakeMachine(Runner):
    """One server. commands: the changing commands that were run, in order."""

    def __init__(self, root: Path, number: int = 0, disks: dict[str, Disk] | None = None) -> None:
        node = NODES[number]
        self.root = root
        self.hostname = node.name
        self.addresses = frozenset({"127.0.0.1", node.ip_address})
        self.is_root = True
        self.disks = disks if disks is not None else {}
        self.commands: list[str] = []
        self.said = io.StringIO()
        self.clock = FakeClock(self)
        self.modules = True
        self.kernel = FakeKernel(self)
        self.iscsi = FakeIscsi(self)
        self.nfs = FakeNfs(self)
        self.given = ""  #: the standard input of the program that is run
        self.kill_behind = 0  #: so many changing commands are run, then ovstools is killed
        self.keeper = FakeKeeper(self)
        self.fails: dict[str, Result] = {}  #: a program that fails, and what it says
        self.before: dict[str, Callable[[], None]] = {}  #: what happens as a program is run
        self.tools: dict[str, Callable[[Command], Result]] = {}  #: further programs
        self.pokes: dict[str, Callable[[], None]] = {}  #: attributes of sysfs that do something
        self.sizes: dict[str, int] = {}  #: of disks that this server knows by another size
        hosts = "127.0.0.1 localhost\n" + "".join(
            f"{n.ip_address} {n.name} {n.name.split('.')[0]}\n" for n in NODES
        )
        self.write("/etc/hosts", hosts)
        self.write("/etc/default/o2cb", O2CB_DEFAULTS)
        self.write("/etc/fstab", "/dev/vda / ext4 defaults 0 1\n")
        self.write("/proc/self/mountinfo", "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n")
        (root / "tmp").mkdir(exist_ok=True)

    # ------------------------------------------------------------ for tests

    def host(self, offline: bool = False, settings: Settings | None = None) -> FakeHost:
        """Return the machine as ops see it."""
        return FakeHost(
            runner=self,
            talk=Talk(0, self.said),
            clock=self.clock,
            settings=settings or Settings(),
            root=self.root,
            offline=offline,
            keeper=self.keeper,
            machine=self,
        )

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())

    def read(self, path: str) -> str:
        """Read a file; a test that expects one fails without."""
        return (self.root / path.lstrip("/")).read_bytes().decode()

    def add_disk(self, path: str, number: str, link: str | None = None, **words: object) -> Disk:
        """Attach a disk; link: a stable name for it."""
        disk = self.disks.get(path) or Disk(path, number, **words)  # type: ignore[arg-type]
        self.disks[path] = disk
        self.write(path, "")
        if link is not None:
            file = self.root / link.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.symlink_to(self.root / path.lstrip("/"))
        return disk

    def add_process(self, pid: int, name: str, path: str, unit: str = "") -> None:
        """Let a process have a file open; unit: systemd's, which it belongs to."""
        self.write(f"/proc/{pid}/comm", f"{name}\n")
        self.write(f"/proc/{pid}/cgroup", f"0::/system.slice/{unit}\n")
        folder = self.root / f"proc/{pid}/fd"
        folder.mkdir()
        (folder / "3").symlink_to(path)

    def join_cluster(self, *nodes: Node, **kwargs: object) -> None:
        """Be online in a cluster of these nodes (all three), as after cluster-configure."""
        from ovstools.model.cluster import Cluster
        from ovstools.model.cluster_conf import format_cluster_conf

        self.write("/etc/ocfs2/cluster.conf", format_cluster_conf(Cluster("ocfs2", nodes or NODES)))
        defaults = self.read("/etc/default/o2cb").replace("ENABLED=false", "ENABLED=true")
        self.write("/etc/default/o2cb", defaults)
        self.kernel.start_o2cb()

    def run_format(self, device: str, cluster_name: str = "ocfs2") -> Disk:
        """Format a disk as an admin would have, by hand."""
        uuid = f"{len(self.disks):X}".rjust(32, "A")
        disk = self.disk(device)
        disk.fs = FileSystem("ocfs2", uuid, self.volume_folder(uuid), "by hand")
        disk.fs.cluster_name, disk.fs.size = cluster_name, disk.size
        return disk

    def uuid(self, device: str) -> str:
        """Return the UUID of what is on a disk."""
        fs = self.disk(device).fs
        assert fs is not None
        return fs.uuid

    def carry_out(self, make_plan: Callable[[Host], Plan]) -> Plan:
        """Plan and apply as the command line does."""
        host = self.host()
        while True:
            plan = make_plan(host)
            apply(plan, host)
            if not plan.look_again:
                return plan

    def killed_after(self, steps: int, make_plan: Callable[[Host], Plan]) -> bool:
        """Carry out only so many steps, as if killed then; False when there are no more."""
        host = self.host()
        plan = make_plan(host)
        apply(replace(plan, steps=plan.steps[:steps]), host)
        return steps < len(plan.steps)

    def killed_behind_first_change(self, make_plan: Callable[[Host], Plan]) -> bool:
        """Carry out a plan as far as its first change; False when that was all there was."""
        host = self.host()
        plan = make_plan(host)
        changes = [n for n, s in enumerate(plan.steps) if not isinstance(s.change, Confirm)]
        done = changes[0] + 1 if changes[1:] else len(plan.steps)
        apply(replace(plan, steps=plan.steps[:done]), host)
        return done < len(plan.steps)

    def chain(self, make_plan: Callable[[], Callable[[Host], Plan]]) -> int:
        """Run a command again and again, each run killed behind its first change; count the kills.

        make_plan: begins one run, for what it plans may depend on what it has done.
        """
        for kills in range(60):
            if not self._killed_once(make_plan()):
                return kills
        raise AssertionError("it never came to its end")

    def _killed_once(self, make_plan: Callable[[Host], Plan]) -> bool:
        host = self.host()
        while True:
            plan = make_plan(host)
            changes = [n for n, s in enumerate(plan.steps) if not isinstance(s.change, Confirm)]
            if changes[1:]:
                apply(replace(plan, steps=plan.steps[: changes[0] + 1]), host)
                return True
            apply(plan, host)
            if not plan.look_again:
                return False

    # ------------------------------------------------------------ Runner

    def run(self, command: Command) -> Result:
        """Answer a command as the real tool would."""
        name = command.argv[0]
        if command.changes:
            self.commands.append(command.shell())
        if name in self.before:
            self.before[name]()
        self.given = command.input or ""
        handler = getattr(self, "_run_" + name.replace(".", "_").replace("-", "_"), None)
        handler = handler or getattr(self.nfs, name, None)
        tool = self.tools.get(name) or (handler and (lambda each: handler(*each.argv[1:])))
        assert tool, f"unexpected command: {command.shell()}"
        try:
            result = self.fails.get(name) or tool(command)
        except OvsError as error:
            result = Result(1, "", error.what)
        if command.changes and len(self.commands) == self.kill_behind:
            raise Killed
        if result.status not in command.ok:
            raise failed(command, result)
        return result

    def disk(self, path: str) -> Disk:
        """Return the disk that a path leads to."""
        found = self.disks.get(self.host().resolve(path))
        if found is None and self.nfs.has_file(path):
            return self.nfs.file_disk(path)
        assert found is not None, f"the tool was given {path}, which is no disk"
        return found

    def _run_lsblk(self, *words: str) -> Result:
        disk = self.disk(words[-1])
        return Result(0, disk.lsblk(self.sizes.get(disk.path)))

    def _run_blkid(self, *words: str) -> Result:
        said = self.disk(words[-1]).blkid()
        return Result(0 if said else 2, said)

    def _run_debugfs_ocfs2(self, option: str, request: str, device: str) -> Result:
        assert option == "-R"
        return Result(0, *self.disk(device).debugfs(request))

    def _run_mkfs_ocfs2(self, *words: str) -> Result:
        disk = self.disk(words[-1])
        value = dict(zip(words, words[1:]))
        slots, journal = int(value["-N"]), value.get("-J", "size=8M")
        if slots * int(journal[5:-1]) * 2**20 >= disk.size:
            return Result(1, "", "mkfs.ocfs2 1.8.7\nJournal size too big for filesystem.\n")
        if "-n" not in words:
            cluster = next(w for w in words if w.startswith("--cluster-name=")).partition("=")[2]
            folder = self.volume_folder(value["-U"])
            disk.fs = FileSystem("ocfs2", value["-U"], folder, value["-L"], slots, cluster)
            disk.fs.size, disk.other = disk.size, {}
        return Result(0, "mkfs.ocfs2 successful\n")

    def _run_mkfs_ext4(self, *words: str) -> Result:
        value = dict(zip(words, words[1:]))
        uuid = value["-U"].replace("-", "").upper()
        self.disk(words[-1]).fs = FileSystem("ext4", uuid, self.volume_folder(uuid), value["-L"])
        return Result(0)

    def volume_folder(self, uuid: str) -> Path:
        """Return the folder that holds a volume's files; servers that share a disk share it."""
        folder = self.root.parent / "volumes" / uuid
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _run_mount(self, *words: str) -> Result:
        device, mountpoint = words[-2:]
        if words[:2] == ("-t", "nfs"):
            return self.nfs.mount(words[3], device, mountpoint)
        return self.kernel.mount(self.disk(device), device, mountpoint)

    def _run_umount(self, mountpoint: str) -> Result:
        return self.nfs.umount(mountpoint) or self.kernel.umount(mountpoint)

    def _run_modprobe(self, *words: str) -> Result:
        return (
            Result(0) if self.modules else Result(1, "", "modprobe: FATAL: Module ocfs2 not found")
        )

    def _run_sysctl(self, *words: str) -> Result:
        self.write("/proc/sys/kernel/panic_on_oops", "1\n")
        self.write("/proc/sys/kernel/panic", "30\n")
        return Result(0)

    def _run_systemctl(self, verb: str, *words: str) -> Result:
        names = [word for word in words if not word.startswith("-")] or [""]
        results = [self.kernel.systemctl(verb, name) for name in names]
        return next((each for each in results if each.status), results[-1])

    def _run_o2cb(self, verb: str, name: str) -> Result:
        if verb == "unregister-cluster":
            return self.kernel.stop_o2cb()
        assert verb == "register-cluster"
        self.kernel.register()
        return Result(0)

    def _run_cat(self, dashes: str, path: str) -> Result:
        assert dashes == "--"
        file = self.root / path.lstrip("/")
        if file.is_file():
            return Result(0, file.read_text())
        return Result(1, "", f"cat: {path}: No such file or directory\n")

    def _run_df(self, *words: str) -> Result:
        if "--output=avail" in words:
            return self.nfs.df(*words)
        used = 3 * 2**30
        return Result(0, f"1B-blocks Used\n{4 * 2**30} {used}\n")

    def _run_iscsiadm(self, *words: str) -> Result:
        return self.iscsi.iscsiadm(*words)

    def _run_udevadm(self, *words: str) -> Result:
        return Result(0)

    def _run_ocfs2_hb_ctl(self, *words: str) -> Result:
        return self.kernel.hb_ctl(*words)

    def cluster_conf(self) -> ClusterConf:
        """Read the fake /etc/ocfs2/cluster.conf."""
        return ClusterConf.parse(self.read("/etc/ocfs2/cluster.conf"))

    def o2cb_defaults(self) -> ShellVars:
        """Read the fake /etc/default/o2cb."""
        return ShellVars.parse(self.read("/etc/default/o2cb"))
