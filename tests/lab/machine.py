"""One QEMU process: its command line, its start and its end."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from .accel import ACCELERATION
from .errors import LabError, tail
from .image import Image
from .network import Network
from .qmp import Qmp
from .settings import MEMORY_MIB, Identity
from .storage import Storage


@dataclass(frozen=True)
class Machine:
    """What a server's QEMU needs; its own files are in `folder`."""

    identity: Identity
    everyone: Sequence[Identity]
    image: Image
    storage: Storage
    network: Network
    folder: Path
    accel: str

    @property
    def console(self) -> Path:
        """What the server wrote to its serial line, over all boots since the restore."""
        return self.folder / "console.log"

    @property
    def log(self) -> Path:
        """What QEMU itself complained about."""
        return self.folder / "qemu.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "qemu.pid"

    @property
    def _socket(self) -> Path:
        return self.folder / "qmp"

    def argv(self, incoming: Path | None = None) -> list[str]:
        """Build the command line; the same for a boot and for a restore but for `-incoming`."""
        servers = ",".join(f"{each.name}={each.address}" for each in self.everyone)
        # norandmaps: what QEMU has translated of a library is of use to the next program that has
        # it at the same address; starting a program takes a third of the time.
        kernel_words = (
            "root=/dev/vda rw rootfstype=ext4 fsck.mode=skip console=ttyS0 quiet net.ifnames=0 "
            "mitigations=off nokaslr norandmaps panic=1 scsi_mod.scan=sync "
            f"systemd.hostname={self.identity.name} systemd.machine_id={self.identity.machine_id} "
            f"ovslab.self={self.identity.name} ovslab.servers={servers}"
        )
        root = {
            "driver": "qcow2",
            "node-name": "root",
            "discard": "unmap",
            "cache": {"no-flush": True},
            "file": {
                "driver": "file",
                "filename": str(self.storage.root(self.identity)),
                "cache": {"no-flush": True},
            },
            # Said here, so that a saved overlay also works when the cache has moved.
            "backing": {
                "driver": "raw",
                "file": {"driver": "file", "filename": str(self.image.root)},
                "read-only": True,
            },
        }
        cpu, accel = ACCELERATION[self.accel]
        argv = ["qemu-system-x86_64", "-name", self.identity.short_name]
        argv += ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        argv += ["-machine", "pc", "-accel", accel, "-cpu", cpu, "-smp", "1"]
        argv += ["-m", str(MEMORY_MIB), "-rtc", "base=utc"]
        argv += ["-kernel", str(self.image.kernel), "-initrd", str(self.image.initrd)]
        argv += ["-append", kernel_words, "-pidfile", str(self._pid_file)]
        argv += ["-chardev", f"file,id=console,path={self.console},append=on"]
        argv += ["-serial", "chardev:console", "-qmp", f"unix:{self._socket},server=on,wait=off"]
        argv += ["-netdev", f"tap,id=net,ifname={self.identity.tap},script=no,downscript=no"]
        argv += ["-device", f"virtio-net-pci,netdev=net,mac={self.identity.mac},addr=0x3"]
        argv += ["-blockdev", json.dumps(root), "-device", "virtio-blk-pci,drive=root,addr=0x4"]
        for number in range(3):
            argv += ["-device", f"virtio-scsi-pci,id=scsi{number},addr={5 + number:#x}"]
        for disk in (self.storage.local(self.identity), *self.storage.luns):
            argv += ["-blockdev", json.dumps(disk.blockdev())]
            argv += ["-device", json.dumps(disk.device())]
        argv += ["-device", "virtio-rng-pci,addr=0x8"]
        if incoming is not None:
            argv += ["-incoming", f"exec:cat {shlex.quote(str(incoming))}"]
        return argv

    def start(self, incoming: Path | None = None) -> None:
        """Start QEMU and wait until it answers; it outlives this process."""
        if self.pid() is not None:
            raise LabError(f"{self.identity.short_name} is on already")
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in (self._socket, self._pid_file):
            old.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            child = subprocess.Popen(
                self.network.inside(*self.argv(incoming)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while not (self._socket.exists() and self.pid() is not None):
            if child.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise LabError(f"QEMU of {self.identity.short_name} does not start:\n{self.why()}")
            time.sleep(0.02)

    def pid(self) -> int | None:
        """Give QEMU's process id while it runs; a pid that now is another's does not count."""
        try:
            pid = int(self._pid_file.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        # A zombie's command line is empty.
        return pid if str(self._pid_file).encode() in words.split(b"\0") else None

    def wait_off(self, timeout_s: float) -> bool:
        """Wait until QEMU has ended; false when it has not in time."""
        pid = self.pid()
        if pid is None:
            return True
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            readable, _, _ = select.select([handle], [], [], timeout_s)
        finally:
            os.close(handle)
        return bool(readable)

    def kill(self) -> None:
        """Cut the power."""
        pid = self.pid()
        if pid is None:
            return
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        if not self.wait_off(30):
            raise LabError(f"QEMU of {self.identity.short_name} (process {pid}) does not die")

    def qmp(self, timeout_s: float = 60) -> Qmp:
        """Open a conversation with QEMU."""
        return Qmp(self._socket, timeout_s)

    def why(self) -> str:
        """Show the ends of both logs, for an error message."""
        return (
            f"  console ({self.console}):\n{tail(self.console)}\n"
            f"  QEMU ({self.log}):\n{tail(self.log)}"
        )
