"""The fake machine's open-iscsi, and the targets that it can see.

Records are files and sessions are sysfs, as the real ones leave them (see tests/data/iscsiadm).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ovstools.model.command import Result
from ovstools.model.iscsi import Portal

from .disk import Disk

if TYPE_CHECKING:
    from .machine import FakeMachine

NODES = "/etc/iscsi/nodes"
SESSIONS = "/sys/class/iscsi_session"
CONNECTIONS = "/sys/class/iscsi_connection"
RECORD = """\
# BEGIN RECORD 2.1.8
node.name = {iqn}
node.tpgt = {tag}
node.startup = {startup}
node.leading_login = No
iface.iscsi_ifacename = default
node.discovery_type = static
node.session.auth.authmethod = None
node.session.auth.chap_algs = MD5
node.conn[0].address = {address}
node.conn[0].port = 3260
node.conn[0].startup = manual
# END RECORD
"""


@dataclass
class FakeTarget:
    """A target behind one portal; chap: what node records must have to get in."""

    iqn: str
    address: str
    tag: int = 1
    luns: dict[int, Disk] = field(default_factory=dict)
    chap: dict[str, str] = field(default_factory=dict)
    late: dict[int, Disk] = field(default_factory=dict)  #: LUNs that only a rescan finds

    @property
    def name(self) -> str:
        """Return the portal as iscsiadm prints it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:3260,{self.tag}"


class FakeIscsi:
    """One server's initiator. secrets_seen: words that must never be among iscsiadm's."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine = machine
        self.targets: list[FakeTarget] = []
        self.dead: set[str] = set()  #: addresses that nobody listens at
        self.startup = "manual"
        self._next_sid = 1

    def install(self, *targets: FakeTarget) -> None:
        """Be installed, as Debian's package leaves it, with these targets on the network."""
        self.targets += targets
        units = self.machine.kernel.units
        units["iscsid.socket"] = ["loaded", "active", "enabled"]
        units["iscsid.service"] = ["loaded", "inactive", "disabled"]
        units["open-iscsi.service"] = ["loaded", "inactive", "enabled"]
        text = "InitiatorName=iqn.1993-08.org.debian:01:vmserver\n"
        self.machine.write("/etc/iscsi/initiatorname.iscsi", text)

    def why_unreachable(self, address: str, port: int) -> str:
        """Be the network."""
        known = {target.address for target in self.targets} - self.dead
        return "" if Portal(address).address in known and port == 3260 else "Connection refused"

    def iscsiadm(self, *words: str) -> Result:
        """Be iscsiadm(8)."""
        options, flags = _options(words)
        mode, op = options["--mode"], options.get("--op", "")
        if mode == "discovery":
            assert op == "nonpersistent", "other discoveries overwrite the records"
            return self._discover(options["--portal"])
        if mode == "session":
            return self._session(int(options["--sid"]), flags)
        if op == "show":
            texts = [path.read_text() for path in sorted(self._path(NODES).glob("*/*/default"))]
            shown = "".join(map(_shown, texts))
            return Result(0, shown) if texts else Result(21, "", "iscsiadm: No records found\n")
        return self._node(options, op, flags)

    def _discover(self, portal: str) -> Result:
        host = portal.rpartition(":")[0].strip("[]")
        assert not self.why_unreachable(host, 3260)
        return Result(0, "".join(f"{each.name} {each.iqn}\n" for each in self.targets))

    def _node(self, options: dict[str, str], op: str, flags: set[str]) -> Result:
        iqn = options["--targetname"]
        portal, _, tag = options["--portal"].partition(",")
        host = portal.rpartition(":")[0].strip("[]")
        file = self._path(f"{NODES}/{iqn}/{host},3260,{tag}/default")
        if op == "new":
            text = RECORD.format(iqn=iqn, tag=tag, address=host, startup=self.startup)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o600)
            return Result(0, f"New iSCSI node [tcp:... {host},3260,{tag} {iqn}] added\n")
        if not file.exists():
            return Result(21, "", "iscsiadm: No records found\n")
        if op == "delete":
            shutil.rmtree(file.parent)
        elif op == "update":
            name, value = options["--name"], options["--value"]
            assert "password" not in name, "a secret among the words"
            lines = file.read_text().splitlines()
            lines = [
                f"{name} = {value}" if line.startswith(f"{name} =") else line for line in lines
            ]
            file.write_text("\n".join(lines) + "\n")
        else:
            assert "--login" in flags
            return self._login(iqn, host, file.read_text())
        return Result(0)

    def _login(self, iqn: str, host: str, record: str) -> Result:
        found = [t for t in self.targets if (t.iqn, t.address) == (iqn, host)]
        said = f"iscsiadm: Could not login to [iface: default, target: {iqn}, portal: {host},3260]."
        if not found:
            return Result(19, "", f"{said}\niscsiadm: initiator reported error (19)\n")
        target = found[0]
        given = dict(line.partition(" = ")[::2] for line in record.splitlines())
        if any(given.get(f"node.session.auth.{k}") != v for k, v in target.chap.items()):
            return Result(
                24,
                "",
                f"{said}\niscsiadm: initiator reported error (24 - iSCSI login failed due to "
                "authorization failure)\niscsiadm: Could not log into all portals\n",
            )
        if self.sid_of(target) is not None:
            return Result(15, "", f"{said}\niscsiadm: initiator reported error (15)\n")
        self.add_session(target)
        return Result(0, f"Login to [iface: default, target: {iqn}, ...] successful.\n")

    def add_session(self, target: FakeTarget) -> int:
        """Let there be a session, with its disks."""
        sid, self._next_sid = self._next_sid, self._next_sid + 1
        write = self.machine.write
        write(f"{SESSIONS}/session{sid}/targetname", f"{target.iqn}\n")
        write(f"{SESSIONS}/session{sid}/tpgt", f"{target.tag}\n")
        write(f"{SESSIONS}/session{sid}/state", "LOGGED_IN\n")
        write(f"{CONNECTIONS}/connection{sid}:0/persistent_address", f"{target.address}\n")
        write(f"{CONNECTIONS}/connection{sid}:0/persistent_port", "3260\n")
        self._attach(sid, target, target.luns)
        return sid

    def _attach(self, sid: int, target: FakeTarget, luns: dict[int, Disk]) -> None:
        for lun, disk in luns.items():
            base = f"{SESSIONS}/session{sid}/device/target{sid}:0:0/{sid}:0:0:{lun}"
            self.machine.write(f"{base}/block/{disk.name}/size", "8388608\n")
            self.machine.write(f"{base}/wwid", f"naa.6{lun:031x}\n")
            by_path = f"/dev/disk/by-path/ip-{target.address}:3260-iscsi-{target.iqn}-lun-{lun}"
            self.machine.add_disk(disk.path, disk.number)
            self.machine.disks[disk.path] = disk
            link = self._path(by_path)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(self._path(disk.path))

    def _session(self, sid: int, flags: set[str]) -> Result:
        base = self._path(f"{SESSIONS}/session{sid}")
        if not base.exists():
            return Result(21, "", f"iscsiadm: Could not find session {sid}\n")
        (target,) = [each for each in self.targets if self.sid_of(each) == sid]
        if "--rescan" in flags:
            self._attach(sid, target, target.late)
            return Result(0)
        assert "--logout" in flags
        for disk in {**target.luns, **target.late}.values():
            mounted = f" {disk.number} " in self.machine.read("/proc/self/mountinfo")
            assert not mounted, f"{disk.path} is mounted and was logged out"
            self.machine.disks.pop(disk.path, None)
            self._path(disk.path).unlink(missing_ok=True)
        shutil.rmtree(base)
        shutil.rmtree(self._path(f"{CONNECTIONS}/connection{sid}:0"))
        return Result(0)

    def sid_of(self, target: FakeTarget) -> int | None:
        """Return the number of the session with a target; None without one."""
        for path in sorted(self._path(SESSIONS).glob("session*")):
            sid = int(path.name[len("session") :])
            address = self.machine.read(f"{CONNECTIONS}/connection{sid}:0/persistent_address")
            name = (path / "targetname").read_text()
            if (name, address) == (f"{target.iqn}\n", f"{target.address}\n"):
                return sid
        return None

    def records(self) -> dict[str, str]:
        """Return the records: IQN and portal, and their text."""
        found = sorted(self._path(NODES).glob("*/*/default"))
        return {f"{p.parent.parent.name} {p.parent.name}": p.read_text() for p in found}

    def _path(self, absolute: str) -> Path:
        return self.machine.root / absolute.lstrip("/")


def _options(words: tuple[str, ...]) -> tuple[dict[str, str], set[str]]:
    flags = {word for word in words if word in ("--login", "--logout", "--rescan")}
    rest = [word for word in words if word not in flags]
    return dict(zip(rest[::2], rest[1::2])), flags


def _shown(text: str) -> str:
    """Mask what iscsiadm masks."""
    lines = text.splitlines()
    secret = ("node.session.auth.password = ", "node.session.auth.password_in = ")
    return "".join(
        f"{line.partition(' = ')[0]} = ********\n" if line.startswith(secret) else f"{line}\n"
        for line in lines
    )
