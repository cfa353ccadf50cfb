"""A file server that fake machines share, and each one's NFS client, coreutils and losetup.

What the tools say is in the form of tests/data/mount and tests/data/losetup.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ovstools.model.command import Result

from .disk import Disk

if TYPE_CHECKING:
    from .machine import FakeMachine

GIB = 2**30
NOBODY = 65534
BUSY = "umount.nfs4: {}: device is busy\n"


@dataclass
class FakeExport:
    """An export: a folder that all machines share. squash: nobody, or denied."""

    folder: Path
    read_only: bool = False
    squash: str = ""
    free: int = 10 * GIB
    vanished: bool = False  #: the server has it no more


@dataclass
class FakeFileServer:
    """fileserver.example.com; files: what mkfs made of a file, by inode."""

    folder: Path
    exports: dict[str, FakeExport] = field(default_factory=dict)
    files: dict[int, Disk] = field(default_factory=dict)
    silent: str = ""  #: why it does not answer
    names: tuple[str, ...] = ("fileserver.example.com", "fileserver", "192.168.100.1", "fd00::1")

    def export(self, name: str, **words: object) -> FakeExport:
        """Export a folder."""
        folder = self.folder / name.strip("/").replace("/", "_")
        folder.mkdir(parents=True, exist_ok=True)
        self.exports[name] = FakeExport(folder, **words)  # type: ignore[arg-type]
        return self.exports[name]


class FakeNfs:
    """One machine's part. loops: loop device name -> file, as attached."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine = machine
        self.server: FakeFileServer | None = None
        self.is_direct = True  #: whether this kernel's NFS does direct I/O
        self.ids = 40

    def use(self, server: FakeFileServer) -> None:
        """Be on one network with a file server."""
        self.server = server
        hosts = self.machine.read("/etc/hosts")
        line = "192.168.100.1 fileserver.example.com fileserver\n"
        self.machine.write("/etc/hosts", hosts + line)

    def why_silent(self, address: str) -> str:
        """Be the network."""
        if self.server is None or address not in self.server.names:
            return "Name or service not known"
        return self.server.silent

    # ------------------------------------------------------------ mounts

    def mount(self, options: str, source: str, mountpoint: str) -> Result:
        """Be mount.nfs."""
        address, _, path = source.rpartition(":")
        assert self.server is not None
        silent = self.why_silent(address.strip("[]"))
        if silent:
            return Result(32, "", f"mount.nfs: {silent}\n")
        export = self.server.exports.get(path)
        if export is None:
            said = f"mounting {source} failed, reason given by server: No such file or directory"
            return Result(32, "", f"mount.nfs: {said}\n")
        place = self._path(mountpoint)
        if not place.is_dir():
            return Result(32, "", f"mount.nfs: mount point {mountpoint} does not exist\n")
        place.rename(f"{place}.covered")
        place.symlink_to(export.folder)
        self.ids += 1
        words = options.split(",")
        version = "nfs" if "vers=3" in words else "nfs4"
        line = f"{self.ids} 21 0:{self.ids} / {mountpoint} rw,relatime - {version} {source} "
        self._write_mounts([*self._mounts(), f"{line}rw,{options},addr=192.168.100.1\n"])
        return Result(0)

    def umount(self, mountpoint: str) -> Result | None:
        """Be umount.nfs; None: nothing of NFS is mounted there."""
        gone = [m for m in self._mounts() if m.split()[4] == mountpoint and " - nfs" in m]
        if not gone:
            return None
        if any(file.startswith(f"{mountpoint}/") for file in self.loops().values()):
            return Result(32, "", BUSY.format(mountpoint))
        place = self._path(mountpoint)
        place.unlink()
        Path(f"{place}.covered").rename(place)
        self._write_mounts([line for line in self._mounts() if line != gone[-1]])
        return Result(0)

    def export_of(self, path: str) -> FakeExport | None:
        """Return the export that a path is on."""
        here = [m.split() for m in self._mounts() if " - nfs" in m]
        inside = [m for m in here if path == m[4] or path.startswith(f"{m[4]}/")]
        if not inside or self.server is None:
            return None
        source = max(inside, key=lambda m: len(m[4]))[8]
        return self.server.exports[source.rpartition(":")[2]]

    # ------------------------------------------------------------ loop devices

    def loops(self) -> dict[str, str]:
        """Return what is attached."""
        files = sorted(self._path("/sys/block").glob("loop*/loop/backing_file"))
        return {path.parts[-3]: path.read_text().rstrip("\n") for path in files}

    def losetup(self, *words: str) -> Result:
        """Be losetup(8)."""
        if words[0] == "--detach":
            name = words[1].rpartition("/")[2]
            folder = self._path(f"/sys/block/{name}/loop")
            if not folder.exists():
                return Result(1, "", f"losetup: {words[1]}: detach failed: No such device\n")
            (folder / "backing_file").unlink()
            self.machine.disks.pop(words[1])
            return Result(0)
        file = self._path(words[-1])
        if "--list" in words:
            found = [
                {"name": f"/dev/{name}", "back-file": path}
                for name, path in self.loops().items()
                if file.exists() and os.path.samefile(file, self._path(path))
            ]
            return Result(0, json.dumps({"loopdevices": found}))
        assert words[:3] == ("--find", "--show", "--direct-io=on")
        if not file.is_file():
            return Result(1, "", f"losetup: {words[-1]}: failed to set up loop device\n")
        return Result(0, f"{self.attach(words[-1], self.is_direct)}\n")

    def attach(self, file: str, is_direct: bool) -> str:
        """Attach a file to the next free device."""
        number = next(n for n in range(8) if f"loop{n}" not in self.loops())
        name = f"loop{number}"
        facts = {"dev": f"7:{number}", "ro": "0", "loop/dio": str(int(is_direct)),
                 "queue/logical_block_size": "512", "loop/backing_file": file}  # fmt: skip
        for fact, value in facts.items():
            self.machine.write(f"/sys/block/{name}/{fact}", f"{value}\n")
        self.machine.write(f"/sys/class/block/{name}/dev", f"7:{number}\n")
        self.machine.add_disk(f"/dev/{name}", f"7:{number}")
        self.machine.disks[f"/dev/{name}"].fs = self.file_disk(file).fs
        return f"/dev/{name}"

    def file_disk(self, path: str) -> Disk:
        """Return a file on an export as what mkfs and debugfs work on."""
        assert self.server is not None
        stat = self._path(path).stat()
        disk = self.server.files.setdefault(stat.st_ino, Disk(path, "0:0", type="file"))
        disk.size = stat.st_size
        return disk

    def has_file(self, path: str) -> bool:
        """Tell whether a path is a file on an export."""
        return self.server is not None and self._path(path).is_file()

    # ------------------------------------------------------------ coreutils

    def stat(self, *words: str) -> Result:
        """Be stat(1), with the one form that is used for exports."""
        if words[0] == "--printf=%n\\n":
            there = [word for word in words[2:] if self._path(word).exists()]
            return Result(int(len(there) < len(words[2:])), "".join(f"{n}\n" for n in there))
        assert words[0] == "--printf=%F\\t%s\\t%i\\t%u", words
        file = self._path(words[-1])
        if not file.exists():
            said = f"stat: cannot statx '{words[-1]}': No such file or directory\n"
            return Result(1, "", said)
        export = self.export_of(words[-1])
        owner = NOBODY if export is not None and export.squash else 0
        kind = "directory" if file.is_dir() else "regular file"
        stat = file.stat()
        if kind == "regular file" and not stat.st_size:
            kind = "regular empty file"
        return Result(0, f"{kind}\t{stat.st_size}\t{stat.st_ino}\t{owner}")

    def dd(self, *words: str) -> Result:
        """Be dd(1)."""
        given = dict(word.split("=", 1) for word in words)
        path = given["of"]
        refused = self._refused("dd: failed to open", path)
        if refused:
            return refused
        file = self._path(path)
        if "if" not in given:
            file.write_text(self.machine.given)
            return Result(0)
        export = self.export_of(path)
        size = (int(given["seek"]) + int(given["count"])) << 20
        if export is not None and size > export.free:
            return Result(1, "", f"dd: error writing '{path}': No space left on device\n")
        with file.open("ab") as opened:
            opened.truncate(size)
        return Result(0)

    def ln(self, *words: str) -> Result:
        """Be ln(1)."""
        old, new = map(self._path, words[-2:])
        if new.exists():
            return Result(1, "", f"ln: failed to create hard link '{words[-1]}': File exists\n")
        os.link(old, new)
        return Result(0)

    def rm(self, *words: str) -> Result:
        """Be rm(1)."""
        for word in words[2:]:
            self._path(word).unlink(missing_ok=True)
        return Result(0)

    def mkdir(self, *words: str) -> Result:
        """Be mkdir(1)."""
        for word in words[words.index("--") + 1 :]:
            refused = self._refused("mkdir: cannot create directory", word)
            if refused:
                return refused
            self._path(word).mkdir(parents=True, exist_ok=True)
        return Result(0)

    def sync(self, *words: str) -> Result:
        """Be sync(1)."""
        assert self._path(words[-1]).exists()
        return Result(0)

    def chmod(self, mode: str, dashes: str, path: str) -> Result:
        """Be chmod(1)."""
        os.chmod(self._path(path), int(mode, 8))
        return Result(0)

    def df(self, *words: str) -> Result:
        """Be df(1), asked for the room that is left."""
        export = self.export_of(words[-1])
        assert export is not None
        return Result(0, f"     Avail\n{export.free}\n")

    def _refused(self, prefix: str, path: str) -> Result | None:
        export = self.export_of(path)
        if export is not None and (export.read_only or export.squash == "denied"):
            why = "Read-only file system" if export.read_only else "Permission denied"
            return Result(1, "", f"{prefix} '{path}': {why}\n")
        return None

    def _path(self, absolute: str) -> Path:
        return self.machine.root / absolute.lstrip("/")

    def _mounts(self) -> list[str]:
        return self.machine.read("/proc/self/mountinfo").splitlines(keepends=True)

    def _write_mounts(self, lines: list[str]) -> None:
        self.machine.write("/proc/self/mountinfo", "".join(lines))
