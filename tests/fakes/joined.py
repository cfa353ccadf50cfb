"""Several fake servers of one pool that reach each other over ssh, and run our own commands."""

from __future__ import annotations

import contextlib
import io
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from ovstools.cli import main
from ovstools.cli.commands import load_command
from ovstools.errors import OvsError
from ovstools.model.cluster import Cluster, Node
from ovstools.model.cluster_conf import format_cluster_conf
from ovstools.model.command import Command, Result
from ovstools.system.program import TIMED_OUT

from .disk import Disk
from .kernel import FakeKernel
from .machine import NODES
from .ssh import SshMachine

DEVICE = "/dev/sdb1"
ALL = (*NODES, Node("vmserver4.example.com", 3, "192.168.100.103"))


class Kernel(FakeKernel):
    """The keeper's unit may be stopped once its file is gone."""

    def systemctl(self, verb: str, name: str) -> Result:
        """Be systemctl."""
        unit = self.machine.root / "etc/systemd/system" / name
        if verb == "stop" and name == "ovs-locks.service" and not unit.exists():
            self.units[name][1] = "inactive"
            return Result(0)
        return super().systemctl(verb, name)


class Server(SshMachine):
    """One server; network: all of them, by name.

    state: on, off, stranger (no key of ours), or cut: its power fails as it is asked.
    """

    def __init__(self, root: Path, number: int, disks: dict[str, Disk]) -> None:
        super().__init__(root, number, disks)
        self.network: dict[str, Server] = {}
        self.state = "on"
        self.kernel = Kernel(self)
        self.add_disk(DEVICE, "8:17")
        self.letters: list[str] = []
        self.pinned_for = 0  #: so many times the kernel does not let go of a node

    def run_together(self, commands: Sequence[Command]) -> tuple[Result, ...]:
        """Run one after the other, as if side by side."""
        return tuple(self._tried(command) for command in commands)

    def _tried(self, command: Command) -> Result:
        self.letters.append(command.input or "")
        try:
            return self.run(command)
        except OvsError as error:
            return Result(1, "", error.what)

    def _run_ssh(self, *words: str) -> Result:
        options = words[: words.index("--") - 1]
        assert {"BatchMode=yes", "StrictHostKeyChecking=yes"} <= set(options)
        user, _, name = words[words.index("--") - 1].partition("@")
        assert user == "root"
        env, path, program, *rest = shlex.split(words[-1])
        assert env == "env" and path.startswith("PATH=") and program == "ovstools"
        return self.network[name].asked(rest, self.letters[-1])

    def asked(self, words: list[str], text: str) -> Result:
        """Run `ovstools WORDS` here, as sshd would."""
        if self.state == "off":
            return Result(
                255, "", f"ssh: connect to host {self.hostname} port 22: No route to host"
            )
        if self.state == "stranger":
            return Result(255, "", f"root@{self.hostname}: Permission denied (publickey).")
        if self.state == "cut":
            self.state = "off"
            return Result(TIMED_OUT, "", "ssh did not end within 240 s")
        out, err = io.StringIO(), io.StringIO()
        given = mock.patch.object(sys, "stdin", io.StringIO(text))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), given:
            status = main.run(main.group, "ovstools", words, lambda chosen: self.host())
        return Result(int(status), out.getvalue(), err.getvalue())

    def _run_rmdir(self, path: str) -> Result:
        if path.startswith("/sys/kernel/config/"):
            if self.pinned_for:  # the connection's end takes a moment
                self.pinned_for -= 1
                return Result(1, "", f"rmdir: failed to remove '{path}': Device or resource busy")
            shutil.rmtree(self.root / path.lstrip("/"))
            return Result(0)
        return super()._run_rmdir(path)

    def kernel_nodes(self) -> list[str]:
        """Return the nodes in configfs."""
        folder = self.root / "sys/kernel/config/cluster/ocfs2/node"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def mount_root(self) -> None:
        """Mount the cluster root at /OVS."""
        (self.root / "OVS").mkdir(exist_ok=True)
        self.kernel.mount(self.disk(DEVICE), DEVICE, "/OVS")

    def type(self, line: str) -> tuple[int, str]:
        """Run a whole command line; return its status, and all that it said."""
        name, *words = shlex.split(line)
        command = main.group if name == "ovstools" else load_command(name[len("ovs-") :])
        said = io.StringIO()
        self.said.truncate(0)
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = main.run(command, name, words, lambda chosen: self.host(bool(chosen.root)))
        return int(status), said.getvalue() + self.said.getvalue()


def make_pool(folder: Path, count: int = 2, nodes: tuple[Node, ...] | None = None) -> list[Server]:
    """Return four servers, of which the first COUNT are a pool with its root mounted."""
    disks: dict[str, Disk] = {}
    servers = []
    for number, node in enumerate(ALL):
        root = folder / f"vmserver{number + 1}"
        root.mkdir()
        servers.append(Server(root, min(number, len(NODES) - 1), disks))
        servers[-1].hostname = node.name
        servers[-1].addresses = frozenset({"127.0.0.1", node.ip_address})
    network = {server.hostname: server for server in servers}
    members = nodes or ALL[:count]
    servers[0].write("/etc/ocfs2/cluster.conf", format_cluster_conf(Cluster("ocfs2", members)))
    for number, server in enumerate(servers):
        server.network = network
        if number >= count:
            continue
        server.join_cluster(*members)
        if server.disk(DEVICE).fs is None:
            server.run_format(DEVICE)
            (server.volume_folder(server.uuid(DEVICE)) / ".ovsrepo").write_text(
                f"UUID={server.uuid(DEVICE)}\nDESCRIPTION=root\nSHARED=C\nVERSION=1\n"
            )
        server.kernel.peers = set(range(count)) - {number}
        server.mount_root()
        server.write("/etc/ovs/repositories", f"@{server.uuid(DEVICE)} {DEVICE}\n")
        server.commands.clear()
    return servers
