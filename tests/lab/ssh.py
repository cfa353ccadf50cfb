"""Run commands in a server: ssh through the namespace, over one kept connection.

A handshake costs a second or two under emulation, so a control master keeps the connection;
it is dropped whenever the server loses power, since it would only notice minutes later.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable

from .errors import LabError
from .network import Network
from .process import run
from .settings import Identity

FAILED = 255  # ssh(1): an error of ssh itself


class Keys:
    """The lab's own login key, made once in the cache, and the servers' host key."""

    def __init__(self, folder: Path) -> None:
        self.private = folder / "id_ed25519"
        if not self.private.exists():
            folder.mkdir(parents=True, exist_ok=True)
            aside = folder / f"new-{os.getpid()}"
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ovslab", "-f", aside])
            aside.with_suffix(".pub").rename(self.private.with_suffix(".pub"))
            aside.rename(self.private)

    @staticmethod
    def exist(folder: Path) -> bool:
        """Tell whether they are made already."""
        return (folder / "id_ed25519").exists()

    @property
    def public(self) -> str:
        """The line for authorized_keys."""
        return self.private.with_suffix(".pub").read_text().strip()


class Ssh:
    """The way into one server."""

    def __init__(self, identity: Identity, network: Network, keys: Keys, folder: Path) -> None:
        self._identity = identity
        self._network = network
        self._keys = keys
        self._control = folder / "ssh"
        self._known_hosts = folder / "known_hosts"
        self._connecting = threading.Lock()

    def trust(self, host_key: str) -> None:
        """Believe that the server has this host key."""
        names = f"{self._identity.address},{self._identity.name},{self._identity.short_name}"
        self._known_hosts.write_text(f"{names} {host_key}\n")

    def argv(self, *options: str) -> list[str]:
        """Build the ssh command up to the server's name; a remote command may follow."""
        return self._network.inside(
            "ssh",
            "-F", "none",
            "-i", self._keys.private,
            "-o", "IdentitiesOnly=yes",
            "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=yes",
            "-o", f"UserKnownHostsFile={self._known_hosts}",
            "-o", "GlobalKnownHostsFile=/dev/null",
            "-o", "KexAlgorithms=curve25519-sha256",
            "-o", "LogLevel=ERROR",
            "-o", "ConnectTimeout=10",
            "-o", "ServerAliveInterval=15",
            "-o", "ServerAliveCountMax=8",
            "-o", f"ControlPath={self._control}",
            *options,
            f"root@{self._identity.address}",
        )  # fmt: skip

    def connect(self, timeout_s: float, is_on: Callable[[], bool]) -> None:
        """Open the kept connection as soon as the server lets us in."""
        deadline = time.monotonic() + timeout_s
        said = ""
        with self._connecting:
            while not self.is_connected():
                if not is_on():
                    raise LabError(f"{self._identity.short_name} is off")
                if time.monotonic() > deadline:
                    raise LabError(
                        f"{self._identity.short_name} does not let ssh in"
                        f" within {timeout_s:g} s: {said}"
                    )
                said = self._try_master()

    def _try_master(self) -> str:
        # Everything of the master is redirected: it must hold no pipe of ours open.
        with (self._control.with_name("ssh.log")).open("w+b") as log:
            argv = self.argv("-M", "-N", "-f", "-o", "ControlPersist=yes")
            try:
                status = subprocess.call(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=60
                )
            except subprocess.TimeoutExpired:
                return "no end of the handshake"
            log.seek(0)
            said = log.read().decode(errors="replace").strip()
        if status != 0:
            time.sleep(0.2)
        return said

    def is_connected(self) -> bool:
        """Tell whether the kept connection's process is there."""
        return self._control.exists() and self._ask("check")

    def forget(self) -> None:
        """Drop the kept connection, and every command that runs over it."""
        if self._control.exists():
            self._ask("exit")
            self._control.unlink(missing_ok=True)

    def _ask(self, request: str) -> bool:
        done = subprocess.run(
            self.argv("-O", request), stdin=subprocess.DEVNULL, capture_output=True, timeout=30
        )
        return done.returncode == 0

    def popen(
        self,
        command: str,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.PIPE,
        stderr: int | None = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start a command line in the server."""
        argv = [*self.argv("-o", "ControlMaster=no"), command]
        # In a session of its own: a Ctrl-C is for us, who clean up, not for the command.
        return subprocess.Popen(
            argv, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )
