"""An NFS server in the lab's namespace: nfs-ganesha, which serves from user space.

The host's kernel needs no nfsd, and nothing is installed: Debian's packages are unpacked in the
cache. It is fileserver.example.com at the bridge's address, and has an IPv6 address. rpcbind is
there for version 3 alone. Both see their own /run: `ip netns exec` gives them a mount namespace.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import cache
from .errors import LabError, tail
from .lab import Lab
from .network import BRIDGE
from .process import run

NAME = "fileserver.example.com"
IPV6 = "fd00:100::1"
PORT = 2049
PACKAGES = (
    "nfs-ganesha",
    "nfs-ganesha-vfs",
    "libntirpc4.3",
    "liburcu8",
    "libnfsidmap1",
    "libwbclient0",
    "libwrap0",
    "rpcbind",
)
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/ganesha")
START_S = 60
#: a client that is gone is forgotten after so long, and a new server waits so long for clients
LEASE_S, GRACE_S = 10, 3

CONF = """\
NFS_CORE_PARAM {{
    Plugins_Dir = "{package}/usr/lib/x86_64-linux-gnu/ganesha";
    Protocols = 3, 4; Mount_Path_Pseudo = true; Enable_NLM = false;
    Enable_RQUOTA = false; MNT_Port = 20048;
}}
NFSV4 {{
    Lease_Lifetime = {lease_s}; Grace_Period = {grace_s};
    RecoveryBackend = fs; RecoveryRoot = "{folder}/recovery";
    Only_Numeric_Owners = true; UseGetpwnam = true; IdmapConf = "{folder}/idmapd.conf";
}}
{exports}
LOG {{ Default_Log_Level = EVENT; }}
"""
EXPORT = """\
EXPORT {{
    Export_Id = {number}; Path = "{path}"; Pseudo = "/{name}"; SecType = sys;
    Access_Type = {access}; Squash = {squash}; FSAL {{ Name = VFS; }}
}}
"""
#: rpcbind takes the user _rpc, which the host may not have, and both a /run of their own
START = """\
cat /etc/passwd >{folder}/passwd; echo '_rpc:x:65533:65534::/:/usr/sbin/nologin' >>{folder}/passwd
mount --bind {folder}/passwd /etc/passwd
mount -t tmpfs tmpfs {folder}/small -o size={small_mib}m,mode=755
mount -t tmpfs tmpfs /run && mkdir -p /run/rpcbind /run/ganesha
{package}/sbin/rpcbind -f -w &
exec {package}/usr/bin/ganesha.nfsd -F -f {folder}/conf -L {folder}/log -p {folder}/pid
"""
SMALL_MIB = 64


@dataclass(frozen=True)
class Export:
    """One export: its name below the pseudo root, and who may do what."""

    name: str
    is_read_only: bool = False
    squashes_root: bool = False

    @property
    def source(self) -> str:
        """What an admin gives to makerepo."""
        return f"{NAME}:/{self.name}"


ROOT, IMAGES, SMALL = Export("OVS"), Export("images"), Export("small")
READ_ONLY = Export("readonly", is_read_only=True)
SQUASHED = Export("squashed", squashes_root=True)
EXPORTS = (ROOT, IMAGES, SMALL, READ_ONLY, SQUASHED)


class FileServer:
    """The file server of one lab; what it exports are folders beside the lab's disks."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._folder = lab.settings.disks_dir / "nfs"
        self._package = lab.settings.cache / "ganesha"

    def start(self, fresh: bool = True) -> None:
        """Serve the exports; fresh: empty ones."""
        self.stop()
        self._unpack()
        if fresh:
            cache.remove(self._folder)
        for folder in ("recovery", *(each.name for each in EXPORTS)):
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
        self._write_conf()
        self._give_address()
        words = {"folder": self._folder, "package": self._package, "small_mib": SMALL_MIB}
        with (self._folder / "start.log").open("wb") as log:
            child = subprocess.Popen(
                self._lab.network.inside("sh", "-c", START.format(**words)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment(),
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not self._listens():
            if child.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"ganesha does not start:\n{tail(self._folder / 'log')}")
            time.sleep(0.1)
        time.sleep(GRACE_S)  # nobody is to wait for its grace period later

    def path(self, export: Export, name: str = "") -> Path:
        """Return where an export, or a file in it, is on the host; not of SMALL."""
        return self._folder / export.name / name

    def freeze(self) -> None:
        """Stand still: connections stay, nothing is answered, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on where it stood."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it at once; its clients wait for it. Fine if it does not run."""
        for pid in self._pids():
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while self._pids():
            if time.monotonic() > deadline:
                raise LabError("ganesha does not die")
            time.sleep(0.05)

    def _write_conf(self) -> None:
        exports = "".join(
            EXPORT.format(
                number=number,
                path=self.path(each),
                name=each.name,
                access="RO" if each.is_read_only else "RW",
                squash="Root_Squash" if each.squashes_root else "No_Root_Squash",
            )
            for number, each in enumerate(EXPORTS, start=1)
        )
        text = CONF.format(
            package=self._package, folder=self._folder, exports=exports,
            lease_s=LEASE_S, grace_s=GRACE_S,
        )  # fmt: skip
        (self._folder / "conf").write_text(text)
        (self._folder / "idmapd.conf").write_text("[General]\nDomain=example.com\n")

    def _give_address(self) -> None:
        name = f"net.ipv6.conf.{BRIDGE}.disable_ipv6=0"
        run(self._lab.network.inside("sysctl", "-q", "-w", name))
        words = ["address", "replace", f"{IPV6}/64", "dev", BRIDGE, "nodad"]
        run(["ip", "-n", self._lab.network.name, *words])

    def _unpack(self) -> None:
        if self._package.exists():
            return
        with cache.new_folder(self._package) as aside:
            run(["apt-get", "update", "-q"], timeout_s=600)
            options = ["-o", "APT::Sandbox::User=root"]
            run(["apt-get", "download", "-q", *options, *PACKAGES], timeout_s=300, cwd=aside)
            for archive in aside.glob("*.deb"):
                run(["dpkg-deb", "-x", archive, aside])

    def _environment(self) -> dict[str, str]:
        libraries = ":".join(str(self._package / each) for each in LIBRARIES)
        return {**os.environ, "LD_LIBRARY_PATH": libraries}

    def _listens(self) -> bool:
        words = ["ss", "-Hltn", f"sport = :{PORT}"]
        return bool(run(self._lab.network.inside(*words)).strip())

    def _signal(self, number: signal.Signals) -> None:
        pids = [pid for pid in self._pids() if _runs(pid, "ganesha.nfsd")]
        if not pids:
            raise LabError("the file server does not run")
        for pid in pids:
            os.kill(pid, number)

    def _pids(self) -> list[int]:
        """Only those of this lab: the namespace tells."""
        programs = ("ganesha.nfsd", "rpcbind")
        there = self._lab.network.processes()
        return [pid for pid in there if any(_runs(pid, program) for program in programs)]


def _runs(pid: int, program: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(f"/{program}".encode())
