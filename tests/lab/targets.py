"""iSCSI targets in the lab's namespace: tgtd, a target in user space, with several portals.

The host's kernel needs no target, and no service is installed: Debian's package is unpacked in
the cache. The picture is the white paper's: portals in 10.1.0.0/16 and 10.2.0.0/16, each with
all targets, most of which nobody wants.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from . import cache
from .errors import LabError, tail
from .lab import Lab
from .network import BRIDGE
from .process import run

PREFIX = "iqn.1992-04.com.emc:cx.apm00070202838"
PORTALS = ("10.1.1.1", "10.1.0.249", "10.2.0.250")
IPV6_PORTAL = "fd00:100::1"
NAMES = ("a0", "a1", "a2", "a3", "b0", "b1")
PORT = 3260


def iqn(name: str) -> str:
    """Return a target's whole name."""
    return f"{PREFIX}.{name}"


class Targets:
    """tgtd of one lab; LUNs are files beside the lab's disks."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._folder = lab.settings.run_dir
        self._disks = lab.settings.disks_dir
        self._package = lab.settings.cache / "tgt"
        self._ids: dict[str, int] = {}

    def start(self, portals: Sequence[str] = PORTALS) -> None:
        """Give the bridge the portals' addresses, and listen there."""
        self.stop()
        self._unpack()
        for address in portals:
            self._add_address(address)
        words = ",".join(f"portal={_spelled(address)}:{PORT}" for address in portals)
        with (self._folder / "tgtd.log").open("wb") as log:
            child = subprocess.Popen(
                self._lab.network.inside(self._program("tgtd"), "-f", "--iscsi", words),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment(),
                start_new_session=True,
            )  # fmt: skip
        (self._folder / "tgtd.pid").write_text(str(child.pid))
        deadline = time.monotonic() + 20
        while not self._answers():
            if child.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"tgtd does not start:\n{tail(self._folder / 'tgtd.log')}")
            time.sleep(0.05)
        self._ids = {}

    def listen_too(self, address: str) -> None:
        """Listen at one more address; nobody's session notices."""
        self._add_address(address)
        portal = f"portal={_spelled(address)}:{PORT}"
        self._admin("--op", "new", "--mode", "portal", "--param", portal)

    def add(self, name: str, size_mib: int = 0, lun: int = 1) -> str:
        """Make a target, or give it one more LUN; size 0: none. Returns its whole name."""
        if name not in self._ids:
            self._ids[name] = len(self._ids) + 1
            number = str(self._ids[name])
            self._admin("--op", "new", "--mode", "target", "--tid", number, "-T", iqn(name))
            self._admin("--op", "bind", "--mode", "target", "--tid", number, "-I", "ALL")
        if size_mib:
            file = self._disks / f"iscsi-{name}-{lun}.img"
            with file.open("ab") as disk:
                disk.truncate(size_mib << 20)
            number = str(self._ids[name])
            self._admin("--op", "new", "--mode", "logicalunit", "--tid", number,
                        "--lun", str(lun), "-b", str(file))  # fmt: skip
        return iqn(name)

    def require_chap(
        self, name: str, user: str, secret: str, target: tuple[str, str] | None = None
    ) -> None:
        """Let only this name and secret in; target: the target's own, for mutual CHAP."""
        self._bind_account(name, user, secret)
        if target is not None:
            self._bind_account(name, *target, "--outgoing")

    def stop(self) -> None:
        """End tgtd, whoever started it; its sessions break."""
        pid = self._pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while self._pid() is not None:
            if time.monotonic() > deadline:
                raise LabError(f"tgtd (process {pid}) does not die")
            time.sleep(0.02)
        (self._folder / "tgtd").unlink(missing_ok=True)

    def sessions(self) -> str:
        """Return what tgtadm shows of targets and who is logged in."""
        return self._admin("--op", "show", "--mode", "target")

    def _bind_account(self, name: str, user: str, secret: str, *more: str) -> None:
        account = ("--mode", "account", "--user", user)
        self._admin("--op", "new", *account, "--password", secret)
        self._admin("--op", "bind", *account, "--tid", str(self._ids[name]), *more)

    def _add_address(self, address: str) -> None:
        if ":" in address:
            name = f"net.ipv6.conf.{BRIDGE}.disable_ipv6=0"
            run(self._lab.network.inside("sysctl", "-q", "-w", name))
        words = ["address", "replace", f"{address}/{64 if ':' in address else 32}", "dev", BRIDGE]
        words += ["nodad"] if ":" in address else []
        run(["ip", "-n", self._lab.network.name, *words])

    def _unpack(self) -> None:
        if self._package.exists():
            return
        with cache.new_folder(self._package) as aside:
            if os.geteuid() == 0:
                run(["apt-get", "update", "-q"], timeout_s=600)
            options = ["-o", "APT::Sandbox::User=root"]
            run(["apt-get", "download", "-q", *options, "tgt"], timeout_s=300, cwd=aside)
            (archive,) = aside.glob("tgt_*.deb")
            run(["dpkg-deb", "-x", archive, aside])

    def _program(self, name: str) -> str:
        return str(self._package / "usr/sbin" / name)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "TGT_IPC_SOCKET": str(self._folder / "tgtd")}

    def _admin(self, *words: str) -> str:
        argv = [self._program("tgtadm"), "--lld", "iscsi", *words]
        return run(self._lab.network.inside(*argv), env=self._environment())

    def _answers(self) -> bool:
        try:
            self.sessions()
        except LabError:
            return False
        return True

    def _pid(self) -> int | None:
        try:
            pid = int((self._folder / "tgtd.pid").read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if b"/tgtd\0" in words else None


def _spelled(address: str) -> str:
    return f"[{address}]" if ":" in address else address
