"""A server with ssh: keys that tell their owner, and others that let it in or not."""

from __future__ import annotations

import base64
from pathlib import Path

from ovstools.model.command import Result

from .disk import Disk
from .machine import NODES, FakeMachine


def key(words: str, kind: str = "ssh-ed25519") -> str:
    """Return a public key in which the words can be found again."""
    blob = base64.b64encode(b"\0\0\0\x0b" + words.encode().ljust(40, b".")).decode()
    return f"{kind} {blob}"


class SshMachine(FakeMachine):
    """lets_in: the servers that accept our key, and whose host key we know."""

    def __init__(self, root: Path, number: int = 0, disks: dict[str, Disk] | None = None) -> None:
        super().__init__(root, number, disks)
        self.lets_in: set[str] = set()
        self.keys_made = 0
        self.write(
            "/etc/ssh/ssh_host_ed25519_key.pub", f"{key(f'host of {NODES[number].name}')} root@x\n"
        )
        self.write("/etc/ssh/ssh_config.d/README", "")

    def _run_sh(self, option: str, line: str, name: str, comment: str, path: str) -> Result:
        assert (option, name) == ("-c", "ssh-keygen") and '-N ""' in line
        if (self.root / path.lstrip("/")).exists():
            return Result(1, "", f"{path} already exists.")
        self.keys_made += 1
        words = f"{self.hostname} {self.keys_made}"
        self.write(path, f"SECRET {words}\n")
        (self.root / path.lstrip("/")).chmod(0o600)
        self.write(f"{path}.pub", f"{key(words)} {comment}\n")
        return Result(0)

    def _run_ssh_keygen(self, derive: str, dash_f: str, path: str) -> Result:
        assert (derive, dash_f) == ("-y", "-f")
        word, _, words = self.read(path).strip().partition(" ")
        if word != "SECRET":
            return Result(255, "", f'Load key "{path}": error in libcrypto')
        return Result(0, f"{key(words)}\n")

    def _run_ssh(self, *words: str) -> Result:
        options = words[: words.index("--") - 1]
        assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"} <= set(options)
        user, _, server = words[words.index("--") - 1].partition("@")
        assert user == "root" and words[-1] == "true"
        if server in self.lets_in:
            return Result(0)
        return Result(255, "", f"root@{server}: Permission denied (publickey).\n")

    def _run_rmdir(self, path: str) -> Result:
        (self.root / path.lstrip("/")).rmdir()
        return Result(0)


def pool_server(folder: Path, number: int, disks: dict[str, Disk]) -> SshMachine:
    """Return vmserver N+1 with the cluster root mounted; all share the disks."""
    root = folder / f"vmserver{number + 1}"
    root.mkdir()
    machine = SshMachine(root, number, disks)
    machine.add_disk("/dev/sdb1", "8:17")
    machine.join_cluster()
    if machine.disk("/dev/sdb1").fs is None:
        machine.run_format("/dev/sdb1")
    (root / "OVS").mkdir()
    machine.kernel.mount(machine.disk("/dev/sdb1"), "/dev/sdb1", "/OVS")
    machine.commands.clear()
    return machine
