"""What can befall a server: power, network and storage taken away, and given back."""

from __future__ import annotations

from .machine import Machine
from .ssh import Ssh


class Faults:
    """The part of Server that breaks things."""

    def __init__(self, machine: Machine, ssh: Ssh) -> None:
        self.machine = machine
        self.ssh = ssh

    def cut_power(self) -> None:
        """Switch off at once: what was not written to a disk is lost."""
        self.machine.kill()
        self.ssh.forget()

    def pause(self) -> None:
        """Let it stand still, its clock as well: no heartbeat, no answer, until `resume`."""
        with self.machine.qmp() as qmp:
            qmp.execute("stop")

    def resume(self) -> None:
        """Let it go on where it stood."""
        with self.machine.qmp() as qmp:
            qmp.execute("cont")

    def isolate(self) -> None:
        """Pull the network cable; ssh is lost too, so `run` only works after `reconnect`."""
        self.machine.network.unplug(self.machine.identity)

    def reconnect(self) -> None:
        """Plug the cable in again."""
        self.machine.network.plug(self.machine.identity)
        self.ssh.forget()

    def lose_storage(self, lun: int = 0) -> None:
        """Make all I/O of a shared LUN hang from now on, as when a SAN path is lost."""
        self._throttle(lun, 1)

    def regain_storage(self, lun: int = 0) -> None:
        """Let it go on: what hung is done at once."""
        self._throttle(lun, 0)

    def break_storage(self, lun: int = 0) -> None:
        """Take a shared LUN away for good: the kernel removes the disk, I/O gives errors."""
        disk = self.machine.storage.luns[lun]
        with self.machine.qmp(timeout_s=30) as qmp:
            qmp.execute("device_del", id=f"{disk.node}-disk")
            qmp.wait_event("DEVICE_DELETED")

    def mend_storage(self, lun: int = 0) -> None:
        """Attach a LUN that was broken; the kernel may give it another name."""
        with self.machine.qmp() as qmp:
            qmp.execute("device_add", **self.machine.storage.luns[lun].device())

    def attach_lun(self, lun: int) -> None:
        """Attach a LUN made while the server was on."""
        disk = self.machine.storage.luns[lun]
        with self.machine.qmp() as qmp:
            qmp.execute("blockdev-add", **disk.blockdev())
            qmp.execute("device_add", **disk.device())

    def resize_lun(self, lun: int, size_mib: int) -> None:
        """Let QEMU take a LUN's new size; the server's kernel has to ask for it."""
        node = self.machine.storage.luns[lun].node
        with self.machine.qmp() as qmp:
            qmp.execute("block_resize", **{"node-name": node, "size": size_mib << 20})

    def _throttle(self, lun: int, bytes_per_s: int) -> None:
        # 1 byte a second: the first request still passes, the next waits for minutes.
        limits = dict.fromkeys(("bps_rd", "bps_wr", "iops_rd", "iops_wr", "iops"), 0)
        node = self.machine.storage.luns[lun].node
        with self.machine.qmp() as qmp:
            qmp.execute("block_set_io_throttle", id=f"{node}-disk", bps=bytes_per_s, **limits)
