"""A pool under HA as files: what operators, agents and a master left behind, on a fake machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ovstools.ha.forms.event import Event, format_event
from ovstools.ha.forms.guest_file import GuestFile, format_guest, parse_guest
from ovstools.ha.forms.orders import format_orders, parse_orders
from ovstools.ha.forms.report import Sheet, format_report
from ovstools.ha.orders import Entry, Orders, Phase
from ovstools.ha.report import Local, Power, Report
from ovstools.model.command import Command, Result
from ovstools.settings import Ha, Paths, Settings

from .machine import FakeMachine

NODES = ("vmserver1", "vmserver2", "vmserver3")
FOLDERS = ("guests", "requests", "nodes", "events", "locks", "ssh")
REPOSITORY = "0004FB0000030000A1B2C3D4E5F60718"


class HaMachine(FakeMachine):
    """A server of a pool under HA, with libvirt, and a repository for real below its folder."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.domains: dict[str, dict[str, str]] = {}
        self.libvirt_fails = ""

    def run(self, command: Command) -> Result:
        """Do what works on files for real, below our folder; the rest is the fake machine's."""
        name, words = command.argv[0], command.argv[1:]
        if name not in ("realpath", "stat", "mkdir", "cp", "mv", "sync"):
            return super().run(command)
        if command.changes:
            self.commands.append(command.shell())
            outside = [word for word in words if word[:1] == "/" and not self._is_ours(word)]
            assert not outside, outside
        return self._tool(name, words)

    def _is_ours(self, path: str) -> bool:
        return path.startswith(str(self.root.parent))

    def _tool(self, name: str, words: tuple[str, ...]) -> Result:
        import shutil

        paths = words[words.index("--") + 1 :]
        if name == "realpath":
            gone = [path for path in paths if not os.path.exists(path)]
            if gone and "--canonicalize-existing" in words:
                return Result(1, "", f"realpath: {gone[0]}: No such file or directory\n")
            return Result(0, "".join(os.path.realpath(path) + "\0" for path in paths))
        if name == "stat":
            there = [path for path in paths if os.path.exists(path)]
            return Result(int(there != list(paths)), "".join(f"{path}\0" for path in there))
        if name == "mkdir":
            os.makedirs(paths[0], exist_ok=True)
        elif name == "cp":
            shutil.copyfile(paths[0], paths[1])
        elif name == "mv":
            os.replace(paths[0], paths[1])
        return Result(0)

    def _run_xl(self, *words: str) -> Result:
        assert words == ("list",)
        return Result(0, "Name   ID   Mem VCPUs\tState\tTime(s)\n")

    def _run_virsh(self, connect: str, uri: str, verb: str, *words: str) -> Result:
        assert (connect, uri) == ("--connect", "qemu:///system")
        if self.libvirt_fails:
            return Result(1, "", self.libvirt_fails)
        if verb == "list":
            return Result(0, "".join(f"{name}\n" for name in self.domains) + "\n")
        if verb == "domstats":
            return Result(0, "".join(
                f"Domain: '{name}'\n  state.state={1 if each['state'] == 'running' else 5}\n"
                "  state.reason=1\n\n" for name, each in self.domains.items()
            ))  # fmt: skip
        name = words[-1]
        if name not in self.domains:
            return Result(1, "", f"error: failed to get domain '{name}'\n")
        found = self.domains[name]
        if verb == "dominfo":
            return Result(0, "".join(f"{key}: {found[value]}\n" for key, value in (
                ("State", "state"), ("Autostart", "autostart"), ("Managed save", "saved"),
            )))  # fmt: skip
        if verb == "dumpxml":
            return Result(0, found["xml"])
        if verb == "autostart":
            found["autostart"] = "disable"
        elif verb == "undefine":
            del self.domains[name]
        else:
            raise AssertionError(f"unexpected: virsh {verb}")
        return Result(0)


class HaPool:
    """The pool's files, and this server's agent's; everybody is well, and vmserver1 the master."""

    def __init__(self, machine: HaMachine) -> None:
        self.machine = machine
        self.folder = machine.root.parent / "pool"
        self.repository = machine.root.parent / "OVS"
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True)
        self.repository.mkdir()
        self.settings = Settings(
            paths=Paths(pool=str(self.folder), cluster_root=str(self.repository)),
            ha=Ha(hypervisors="qemu:///system"),
        )
        self.live = {0, 1, 2}
        self._sequence = 10
        self._say_local()
        self._mount()
        self.orders = Orders(1, 5, NODES[0], boots=dict.fromkeys(NODES, "boot"))
        self.write_orders()
        for node in NODES:
            self.report(node)

    # ------------------------------------------------------------ this server

    def _say_local(self) -> None:
        import json

        values = {
            "node": NODES[0], "incarnation": "life", "sentence": "master in epoch 1",
            "trouble": None, "locks": ["guest-web", "node-vmserver1"],
            "numbers": {name: number for number, name in enumerate(NODES)},
            "live": sorted(self.live), "dead_s": 62.0,
        }  # fmt: skip
        self.machine.write("/run/ovs/agent.json", json.dumps(values))
        self.machine.write("/run/ovs/agent.lock", "1 agent\n")
        inode = (self.machine.root / "run/ovs/agent.lock").stat().st_ino
        self.machine.write("/proc/locks", f"1: FLOCK  ADVISORY  WRITE 1 00:00:{inode} 0 EOF\n")

    def end_agent(self) -> None:
        """Let this server's agent end."""
        self.machine.write("/proc/locks", "")

    def _mount(self) -> None:
        number = os.stat(self.repository).st_dev
        device = f"{os.major(number)}:{os.minor(number)}"
        line = f"30 21 {device} / {self.repository} rw - ocfs2 /dev/sdb1 rw\n"
        mounts = self.machine.read("/proc/self/mountinfo")
        self.machine.write("/proc/self/mountinfo", mounts + line)
        self.machine.write("/etc/ovs/repositories", f"@{REPOSITORY} /dev/sdb1\n")

    def lose(self, node: str, is_proven: bool = True) -> None:
        """Let a server be dead; is_proven: the master has its node lock."""
        self.live.discard(NODES.index(node))
        self._say_local()
        if is_proven:
            self.change_orders(node_locks=frozenset({node}))

    # ------------------------------------------------------------ files of agents and master

    def report(self, node: str, guests: Mapping[str, Local] | None = None, **changes: Any) -> None:
        """Let a server's agent report."""
        self._sequence += 1
        report = Report(node, "boot", True, True, guests or {}, mem_mb=4096)
        sheet = Sheet(replace(report, **changes), self._sequence, "life")
        (self.folder / f"nodes/{node}.json").write_bytes(format_report(sheet))

    def age_report(self, node: str, seconds: float) -> None:
        """Let a report have been written so long ago."""
        import time

        moment = time.time() - seconds
        os.utime(self.folder / f"nodes/{node}.json", (moment, moment))

    def write_orders(self) -> None:
        """Write the master's decisions."""
        (self.folder / "orders.json").write_bytes(format_orders(self.orders))

    def change_orders(self, **changes: Any) -> None:
        """Let the master decide something else."""
        self.orders = replace(self.orders, **changes)
        self.write_orders()

    def entry(self, guest: str, phase: Phase, node: str = NODES[0], **changes: Any) -> None:
        """Let the master have a guest in a phase."""
        entry = Entry(phase, node, home=node)._replace(**changes)
        self.change_orders(entries={**self.orders.entries, guest: entry})

    def runs(self, guest: str, node: str) -> None:
        """Let a guest run on a server."""
        self.entry(guest, Phase.RUNNING, node, boot="boot")
        self.report(node, {guest: Local(Power.RUNNING, True)})

    def event(self, event: Event) -> None:
        """Let a server note an event."""
        with (self.folder / f"events/{event.node}.jsonl").open("ab") as file:
            file.write(format_event(event))

    def answer_next(self, text: str) -> None:
        """Answer whatever request is there, after a while, as a master does."""
        self.after(1.0, lambda: self.change_orders(
            answers={path.stem: text for path in (self.folder / "requests").glob("*.json")}
        ))  # fmt: skip

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let something happen while a command waits."""
        clock = self.machine.clock
        clock.later.append((clock.now + seconds, happen))

    # ------------------------------------------------------------ operators' files

    def guest(self, name: str, **changes: Any) -> GuestFile:
        """Put a guest under HA; its definition is in the repository."""
        definition = self.repository / f"running_pool/{name}/vm.xml"
        definition.parent.mkdir(parents=True, exist_ok=True)
        definition.write_text(domain_xml(name))
        file = GuestFile(name, uuid_of(name), "qemu:///system", str(definition), "started",
                         NODES[0], repository=REPOSITORY)  # fmt: skip
        file = replace(file, **changes)
        (self.folder / f"guests/{name}.yaml").write_bytes(format_guest(file))
        return file

    def file(self, name: str) -> GuestFile:
        """Return what a guest's file says now."""
        found = parse_guest((self.folder / f"guests/{name}.yaml").read_bytes(), name)
        assert isinstance(found, GuestFile), found
        return found

    def text(self, name: str) -> str:
        """Return an operator's file."""
        return (self.folder / name).read_text()

    def texts(self) -> dict[str, str]:
        """Return all operators' files."""
        paths = [*self.folder.glob("*.yaml"), *self.folder.glob("guests/*")]
        return {str(path.relative_to(self.folder)): path.read_text() for path in paths}

    def image(self, name: str) -> Path:
        """Make an image in the repository."""
        path = self.repository / "running_pool" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
        return path

    def current_orders(self) -> Orders:
        """Return what the master's file says."""
        found = parse_orders((self.folder / "orders.json").read_bytes())
        assert isinstance(found, Orders)
        return found


def uuid_of(name: str) -> str:
    """Return a UUID of a name's own."""
    return name.encode().hex().upper().rjust(32, "A")[-32:]


def domain_xml(name: str, *disks: str, uuid: str | None = None) -> str:
    """Return a domain's XML; disks: elements."""
    uuid = uuid_of(name) if uuid is None else uuid
    return (
        f"<domain type='kvm'>\n  <name>{name}</name>\n"
        + (f"  <uuid>{uuid}</uuid>\n" if uuid else "")
        + "  <memory unit='MiB'>256</memory>\n  <vcpu>2</vcpu>\n"
        f"  <devices>\n{''.join(disks)}  </devices>\n</domain>\n"
    )


def disk_xml(path: object, *more: str) -> str:
    """Return a disk of a domain."""
    return f"    <disk type='file'><source file='{path}'/>{''.join(more)}</disk>\n"
