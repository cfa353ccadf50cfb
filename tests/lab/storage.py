"""The SAN: raw files that every server sees as the same disks, and each server's own disks."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import cache
from .process import run
from .settings import LOCAL_DISK_MIB, LUN_SIZES_MIB, Identity


@dataclass(frozen=True)
class Disk:
    """A SCSI disk as QEMU is told about it: `node` is its name there, `wwn` 16 hex digits."""

    node: str
    file: Path
    serial: str
    wwn: str
    shared: bool
    bus: str
    lun: int = 0

    @property
    def by_id(self) -> str:
        """The stable name that udev gives it in every server."""
        return f"/dev/disk/by-id/wwn-0x{self.wwn}"

    def blockdev(self) -> dict[str, Any]:
        """Describe the image; the LUN goes round the page cache and is open in all servers."""
        cache = {"direct": self.shared, "no-flush": True}
        file = {"driver": "file", "filename": str(self.file), "cache": cache}
        file.update({"locking": "off", "discard": "unmap"} if self.shared else {})
        return {
            "driver": "raw",
            "node-name": self.node,
            "cache": cache,
            "discard": "unmap",
            "file": file,
        }

    def device(self) -> dict[str, Any]:
        """Describe the disk in the server."""
        return {
            "driver": "scsi-hd",
            "id": f"{self.node}-disk",
            "drive": self.node,
            "bus": f"{self.bus}.0",
            "scsi-id": 0,
            "lun": self.lun,
            "serial": self.serial,
            "wwn": int(self.wwn, 16),
            "share-rw": self.shared,
        }


class Storage:
    """The disks of one instance: all under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = folder / "luns.json"

    @property
    def luns(self) -> list[Disk]:
        """All shared LUNs, those added later at the end."""
        count = len(LUN_SIZES_MIB)
        if self._record.exists():
            count = int(json.loads(self._record.read_text()))
        return [self._lun(index) for index in range(count)]

    def _lun(self, index: int) -> Disk:
        return Disk(
            node=f"san{index}",
            file=self.folder / f"san{index}.img",
            serial=f"sanlun{index}",
            wwn=f"5000c500ba5e{index:04x}",
            shared=True,
            # /dev/sdb and /dev/sdc come each from a controller, the others share the last one
            bus=f"scsi{min(index, len(LUN_SIZES_MIB) - 1) + 1}",
            lun=max(0, index - len(LUN_SIZES_MIB) + 1),
        )

    def local(self, identity: Identity) -> Disk:
        """Give a server's own disk, /dev/sda."""
        return Disk(
            node="local",
            file=self.folder / f"{identity.short_name}-local.img",
            serial=f"local-{identity.short_name}",
            wwn=f"5000c5000001{identity.index:04x}",
            shared=False,
            bus="scsi0",
        )

    def root(self, identity: Identity) -> Path:
        """Give the overlay that is a server's root disk."""
        return self.folder / f"{identity.short_name}-root.qcow2"

    def make_root(self, identity: Identity, image: Path) -> None:
        """Make a server's root disk anew: an overlay on the image."""
        target = self.root(identity)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, target])

    def reset_luns(self) -> None:
        """Make the LUNs that are there from the start blank; the first has one partition."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_luns()
        for lun, size_mib in zip(self.luns, LUN_SIZES_MIB):
            _blank(lun.file, size_mib)
        table = "label: dos\nlabel-id: 0x0c5f2001\nstart=2048, type=83\n"
        run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", self.luns[0].file],
            input_text=table)  # fmt: skip

    def keep_luns(self, folder: Path) -> None:
        """Copy the shared LUNs, those added as well; nobody may write to them meanwhile."""
        for lun in self.luns:
            cache.copy_sparse(lun.file, folder / lun.file.name)
        if self._record.exists():
            shutil.copy(self._record, folder)

    def bring_back_luns(self, folder: Path) -> None:
        """Replace the shared LUNs by those kept; what was added since is gone."""
        self._remove_luns()
        if (folder / self._record.name).exists():
            shutil.copy(folder / self._record.name, self._record)
        for lun in self.luns:
            cache.copy_sparse(folder / lun.file.name, lun.file)

    def _remove_luns(self) -> None:
        for old in [*self.folder.glob("san*.img"), self._record]:
            old.unlink(missing_ok=True)

    def reset_local(self, identity: Identity) -> None:
        """Make a server's own disk blank."""
        _blank(self.local(identity).file, LOCAL_DISK_MIB)

    def add(self, size_mib: int) -> Disk:
        """Make one more blank LUN."""
        lun = self._lun(len(self.luns))
        _blank(lun.file, size_mib)
        self._record.write_text(json.dumps(len(self.luns) + 1))
        return lun


def _blank(path: Path, size_mib: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(size_mib << 20)
