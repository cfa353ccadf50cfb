"""Guests for tests: each writes where it runs, and counts, on the repository, for ever.

Three kinds, one behaviour: lives.py says what they write and how it is read. All obey a request to
shut down, and `tell_off`, their own wish to.
"""

from __future__ import annotations

import shlex
import uuid
from dataclasses import dataclass
from typing import Protocol

from .lives import Life, parse_log
from .server import Server

QEMU, LXC, PROCESS = "qemu:///system", "lxc:///system", "process"
POOL = "/OVS/running_pool"
#: the log of the QEMU guest has room for more than an hour
DISK_BYTES, SECTOR = 4 << 20, 512
#: the boot sector of beat.S: see there for how it is made
PROGRAM = bytes.fromhex(
    "31c08ed88ec08ed0bc007cfc0f3166a3507dfa0f0116407d0f20c0400f22c0bb08008ee3480f22c066bb0000100064"
    "6766891b6681c3001000006681fb0000900072ebba0206b80001ef31c9bb0080ba8142e8c400bf0082b9000131c0f3"
    "abbe0080bf0082ac3c207607aa81ff808272f466a1507de88400be547db90400f98a04140027880446e2f666a1547d"
    "e86c00b00aaaff06587d8b0e587dbb0084ba8042e87500803e00840075e8bb0082ba8043e86500b90100bb0084ba80"
    "42e85900803e008453750dc606008400ba8043e84700eb1e668b1e6c046683c309fbf4ba0006edf6c401750a66391e"
    "6c0472eee958ffba0406b80020eff4ebf66650b020aa6658b9080066c1c0046650240f3c0a1c692faa6658e2eec389"
    "1e347d890e387dbe307d88f430c0cd1372c6c38d7400100001000000000000000000000000000f00407d00000000ff"
    "ff00000092cf00000000000000000001"
)

# Without a place in the boot order, SeaBIOS does not even look at the second disk.
QEMU_XML = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source file='{folder}/disk.img'/>
      <target dev='vda' bus='virtio'/>
      <boot order='1'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/etc/hostname'><seclabel model='dac' relabel='no'/></source>
      <target dev='vdb' bus='virtio'/>
      <boot order='2'/>
      <readonly/>
    </disk>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""

# A /run of its own: `virsh shutdown` writes to /run/initctl there, and would mean the server.
LXC_XML = """\
<domain type='lxc'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>exe</type><init>{folder}/beat</init></os>
  <devices>
    <filesystem type='mount'><source dir='/'/><target dir='/'/></filesystem>
    <filesystem type='ram'><source usage='1' unit='MiB'/><target dir='/run'/></filesystem>
    <console type='pty'/>
  </devices>
</domain>
"""

SCRIPT = """\
#!/bin/bash
# Say where I run, for ever; end when told to, by SIGTERM or by a file. The
# pause waits for a pipe on which nobody writes, since to start a sleep costs
# an emulated processor more than all the rest.
trap 'exit 0' TERM
cd {folder} || exit 1
exec {{pipe}}<> <(:) || exit 1
life=$(cat /proc/sys/kernel/random/uuid)
server=$(cat /etc/hostname)
count=0
while :; do
    if [ -e off ]; then rm -f off; exit 0; fi
    count=$((count + 1))
    echo "$server $life $count" >>log
    read -r -t 0.4 -u "$pipe"
done
"""


class OnRepository(Protocol):
    """What is asked of any guest here."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def hypervisor(self) -> str:
        """QEMU, LXC or PROCESS."""
        ...

    @property
    def folder(self) -> str:
        """Where its definition, and its disk or its log, are."""
        ...


@dataclass(frozen=True)
class TestGuest:
    """A guest on the repository; the fields that a guest's file has as well."""

    __test__ = False  # for pytest: no test class

    name: str
    uuid: str
    hypervisor: str
    definition: str
    stop_s: float = 10.0

    @property
    def folder(self) -> str:
        """Where its definition and its disk are."""
        return self.definition.rpartition("/")[0]


def make_guest(server: Server, hypervisor: str, name: str, pool: str = POOL) -> TestGuest:
    """Make a guest on the repository that the server has mounted; nothing is started."""
    folder = f"{pool}/{name}"
    ident = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    words = {"name": name, "uuid": ident, "folder": folder}
    file = {QEMU: "vm.xml", LXC: "vm.xml", PROCESS: "process.yaml"}[hypervisor]
    server.run("mkdir", "-p", folder)
    if hypervisor == QEMU:
        disk = PROGRAM.ljust(SECTOR - 2, b"\0") + b"\x55\xaa"
        server.write(f"{folder}/disk.img", disk)
        # all of it allocated: a dead server leaves no trace of what it wrote into a hole
        zeros = f"head -c {DISK_BYTES - SECTOR} /dev/zero >>{folder}/disk.img"
        server.sh(f"{zeros} && sync -f {folder}")
        text = QEMU_XML.format(**words)
    else:
        server.write(f"{folder}/beat", SCRIPT.format(**words), mode=0o755)
        text = LXC_XML.format(**words)
        if hypervisor == PROCESS:
            text = f"command: [{folder}/beat]\n"
    server.write(f"{folder}/{file}", text)
    return TestGuest(name, ident, hypervisor, f"{folder}/{file}")


def lives(server: Server, guest: OnRepository) -> list[Life]:
    """Read, on any server, the guest's runs so far; fail when two ran at once."""
    if guest.hypervisor == QEMU:
        flags = f"iflag=direct,skip_bytes skip={2 * SECTOR} bs=1M status=none"
        return parse_log(server.sh(f"dd if={guest.folder}/disk.img {flags} | tr -d '\\0'").stdout)
    return parse_log(server.read(f"{guest.folder}/log"))


def tell_off(server: Server, guest: OnRepository) -> None:
    """Let the guest shut itself down, as a person inside would."""
    if guest.hypervisor == QEMU:
        words = f"printf S | dd of={guest.folder}/disk.img bs={SECTOR} seek=1 conv=notrunc,fsync"
        server.sh(f"{words} status=none")
    else:
        server.sh(f"touch {shlex.quote(guest.folder)}/off")


def kill(server: Server, guest: OnRepository, signal: str = "KILL") -> None:
    """Crash the guest: send its processes on the server a signal."""
    if guest.hypervisor == QEMU:
        pattern = f"[q]emu-system-x86_64 -name guest={guest.name},"  # [q]: not this very pkill
    else:
        pattern = f"{guest.folder}/[b]eat$"
    server.sh(f"pkill --signal {signal} --full {shlex.quote(pattern)}")
