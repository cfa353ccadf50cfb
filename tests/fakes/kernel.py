"""The fake machine's kernel and systemd: mounts, o2cb in configfs and debugfs, units."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ovstools.model.command import Result
from ovstools.model.timing import from_vars

from .disk import Disk

if TYPE_CHECKING:
    from .machine import FakeMachine

CONFIGFS = "/sys/kernel/config/cluster"


class FakeKernel:
    """What mount(2), configfs and the heartbeat threads do. refs: region -> references."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine = machine
        self.units = {
            "o2cb.service": ["loaded", "active", "generated"],
            "ocfs2.service": ["loaded", "active", "generated"],
            "ovsrepositories.service": ["not-found", "inactive", ""],
            "ovs-locks.service": ["not-found", "inactive", ""],
            "ovs-agent.service": ["not-found", "inactive", ""],
        }
        self.outdated: set[str] = set()  #: units whose files systemd has not read again
        self.guarded: set[str] = set()  #: units with RefuseManualStop=yes in a drop-in
        self.refs: dict[str, int] = {}
        self.peers: set[int] = set()  #: other live nodes
        self._next_id = 100

    # ------------------------------------------------------------ o2cb

    def start_o2cb(self) -> None:
        """Do what /etc/init.d/o2cb start does: nothing, silently, unless it is enabled."""
        if self.machine.o2cb_defaults().get("O2CB_ENABLED") != "true":
            return
        self.register()
        self.units["o2cb.service"][1] = "active"

    def register(self) -> None:
        """Bring configfs to cluster.conf."""
        cluster = self.machine.cluster_conf().cluster
        base = f"{CONFIGFS}/{cluster.name}"
        timing = from_vars(self.machine.o2cb_defaults().get)
        shutil.rmtree(self._path(f"{base}/node"), ignore_errors=True)
        own = cluster.node_of_host(self.machine.hostname)
        for node in cluster.nodes:
            folder = f"{base}/node/{node.name}"
            self.machine.write(f"{folder}/num", f"{node.number}\n")
            self.machine.write(f"{folder}/ipv4_address", f"{node.ip_address}\n")
            self.machine.write(f"{folder}/ipv4_port", f"{node.ip_port}\n")
            self.machine.write(f"{folder}/local", f"{int(node == own)}\n")
        self.machine.write(f"{base}/idle_timeout_ms", f"{timing.idle_ms}\n")
        self.machine.write(f"{base}/keepalive_delay_ms", f"{timing.keepalive_ms}\n")
        self.machine.write(f"{base}/reconnect_delay_ms", f"{timing.reconnect_ms}\n")
        self.machine.write(f"{base}/heartbeat/dead_threshold", f"{timing.threshold}\n")
        self.machine.write(f"{base}/heartbeat/mode", "local\n")
        self._show_live()

    def stop_o2cb(self) -> Result:
        """Do what o2cb stop does: fail while a region is active."""
        if self.refs:
            return Result(1, "", "At least one heartbeat region still active")
        shutil.rmtree(self._path(CONFIGFS), ignore_errors=True)
        self.units["o2cb.service"][1] = "inactive"
        return Result(0)

    def hb_ctl(self, *words: str) -> Result:
        """Be ocfs2_hb_ctl(8): -S and -K want a service as third word."""
        action, kind, what, *service = words
        if action in ("-S", "-K") and not service:
            return Result(1, "", "usage: ocfs2_hb_ctl -S -d <device> <service>")
        if kind == "-d":
            fs = self.machine.disk(what).fs
            uuid = fs.uuid if fs else ""
        else:
            uuid = what
        if action == "-I":
            return Result(0, f"{uuid}: {self.refs.get(uuid, 0)} refs\n")
        if action == "-S":
            self.start_region(uuid)
        elif action == "-K":
            if not self._path(f"{self._cluster()}/heartbeat/{uuid}").is_dir():
                return Result(1, "", "ocfs2_hb_ctl: Heartbeat region could not be found")
            self.stop_region(uuid)
        return Result(0)

    def start_region(self, uuid: str) -> None:
        """Take a reference; the first starts the heartbeat."""
        self.refs[uuid] = self.refs.get(uuid, 0) + 1
        disk = next(d for d in self.machine.disks.values() if d.fs and d.fs.uuid == uuid)
        base = f"{self._cluster()}/heartbeat/{uuid}"
        self.machine.write(f"{base}/dev", f"{disk.name}\n")
        self.machine.write(f"{base}/pid", "4711\n")
        self._show_live()

    def stop_region(self, uuid: str) -> None:
        """Drop a reference; the last stops the heartbeat."""
        self.refs[uuid] = self.refs.get(uuid, 0) - 1
        if self.refs[uuid] <= 0:
            del self.refs[uuid]
            shutil.rmtree(self._path(f"{self._cluster()}/heartbeat/{uuid}"))
        self._show_live()

    def _cluster(self) -> str:
        (name,) = [path.name for path in self._path(CONFIGFS).iterdir()]
        return f"{CONFIGFS}/{name}"

    def _show_live(self) -> None:
        live = set()
        if self.refs:
            own = self.machine.cluster_conf().cluster.node_of_host(self.machine.hostname)
            assert own is not None
            live = {own.number, *self.peers}
        text = " ".join(map(str, sorted(live))) + "\n"
        self.machine.write("/sys/kernel/debug/o2hb/livenodes", text)
        connected = " ".join(map(str, sorted(self.peers))) + "\n"
        self.machine.write("/sys/kernel/debug/o2net/connected_nodes", connected)

    # ------------------------------------------------------------ mounts

    def mount(self, disk: Disk, device: str, mountpoint: str) -> Result:
        """Mount: the folder at mountpoint gives way to a link to the volume's folder."""
        place = self._path(mountpoint)
        if disk.fs is None:
            return Result(32, "", f"mount: {device}: wrong fs type")
        if not place.is_dir():
            # mount.ocfs2 1.8.7 exits 0 all the same
            return Result(0 if disk.fs.type == "ocfs2" else 32, "", "mountpoint does not exist")
        if disk.fs.type == "ocfs2":
            if not self._path(CONFIGFS).is_dir():
                return Result(1, "", "mount.ocfs2: Unable to access cluster service")
            self.start_region(disk.fs.uuid)
            number = disk.number.replace(":", ",")
            state = f"    Device => Id: {number}  Uuid: {disk.fs.uuid}  Gen: 0x1  Label: ovs\n"
            self.machine.write(f"/sys/kernel/debug/ocfs2/{disk.fs.uuid}/fs_state", state)
        place.rename(f"{place}.covered")
        place.symlink_to(disk.fs.folder)
        self._next_id += 1
        line = f"{self._next_id} 21 {disk.number} / {mountpoint} rw - {disk.fs.type} {device} rw\n"
        self._write_mounts([*self._mounts(), line])
        return Result(0)

    def umount(self, mountpoint: str) -> Result:
        """Unmount; the kernel calls ocfs2_hb_ctl -K itself."""
        gone = [line for line in self._mounts() if line.split()[4] == mountpoint]
        if not gone:
            return Result(32, "", f"umount: {mountpoint}: not mounted")
        number = gone[-1].split()[2]
        place = self._path(mountpoint)
        place.unlink()
        Path(f"{place}.covered").rename(place)
        self._write_mounts([line for line in self._mounts() if line != gone[-1]])
        disk = next(d for d in self.machine.disks.values() if d.number == number)
        if disk.fs and disk.fs.type == "ocfs2":
            self.stop_region(disk.fs.uuid)
            shutil.rmtree(self._path(f"/sys/kernel/debug/ocfs2/{disk.fs.uuid}"))
        return Result(0)

    def add_mount(self, number: str, mountpoint: str, fstype: str, source: str) -> None:
        """Pretend that somebody else mounted something."""
        line = f"90 21 {number} / {mountpoint} rw - {fstype} {source} rw\n"
        self._write_mounts([*self._mounts(), line])

    def _mounts(self) -> list[str]:
        return self.machine.read("/proc/self/mountinfo").splitlines(keepends=True)

    def _write_mounts(self, lines: list[str]) -> None:
        self.machine.write("/proc/self/mountinfo", "".join(lines))

    # ------------------------------------------------------------ systemd

    def systemctl(self, verb: str, name: str) -> Result:
        """Be systemctl for the units of a pool."""
        if verb == "daemon-reload":
            self.outdated.clear()
            for unit, state in self.units.items():
                if self._path(f"/etc/systemd/system/{unit}").exists():
                    state[0], state[2] = "loaded", state[2] or "disabled"
            return Result(0)
        load, active, enabled = self.units.setdefault(name, ["not-found", "inactive", ""])
        if verb == "show":
            text = f"LoadState={load}\nActiveState={active}\nUnitFileState={enabled}\n"
            outdated = "yes" if name in self.outdated else "no"
            refuses = "yes" if name in self.guarded else "no"
            return Result(0, f"{text}NeedDaemonReload={outdated}\nRefuseManualStop={refuses}\n")
        if load == "not-found":
            return Result(5, "", f"Unit {name} not found.")
        if verb in ("stop", "restart"):
            if name == "ovs-locks.service" or name in self.guarded:
                return Result(4, "", f"Operation refused, unit {name} may be requested by ...")
            self.units[name][1] = "inactive"
            if name == "ocfs2.service":
                left = [line for line in self._mounts() if " - ocfs2 " in line]
                assert not left, f"ocfs2 stop would kill whoever uses {left}"
            if name == "o2cb.service":
                result = self.stop_o2cb()
                if result.status:
                    self.units[name][1] = "failed"
                    return result
        if verb in ("start", "restart"):
            self.units[name][1] = "active"
            if name == "o2cb.service":
                self.start_o2cb()
        if verb in ("enable", "disable"):
            self.units[name][2] = f"{verb}d"
        return Result(0)

    def _path(self, absolute: str) -> Path:
        return self.machine.root / absolute.lstrip("/")
