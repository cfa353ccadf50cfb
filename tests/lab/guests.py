"""Guests for tests: each writes the name of its server and a count to the repository, for ever.

Three kinds, one behaviour: `SERVER COUNT` once a second; the count begins anew at each start and
goes on over a migration. All obey a request to shut down, and `tell_off`, their own wish to.
"""

from __future__ import annotations

import shlex
import uuid
from dataclasses import dataclass

from .server import Server

QEMU, LXC, PROCESS = "qemu:///system", "lxc:///system", "process"
POOL = "/OVS/running_pool"
DISK_BYTES = 1 << 20
SECTOR = 512
#: the boot sector of beat.S: see there for how it is made
PROGRAM = bytes.fromhex(
    "31c08ed88ec08ed0bc007cba0206b80001efc706d07c0080c706d47c0000b442b281e89f000f829100be0080bf0082"
    "fcac3c207607aa81ff808272f4b020aa66a1dc7c664066a3dc7cb9080066c1c0046650240f3c0a1c692faa6658e2ee"
    "b00aaac706d07c0082c706d47c0100b443b280e85000c706d07c0080c706d47c0200b442b280e83d00803e00805375"
    "0ec606008000b443b280e82a00eb1e668b1e6c046683c312fbf4ba0006edf6c401750a66391e6c0472eee958ffba04"
    "06b80020eff4ebf6becc7c30c0cd13c3100001"
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
#!/bin/sh
# Say where I run, once a second; end when told to, by SIGTERM or by a file.
trap 'exit 0' TERM
cd {folder} || exit 1
count=0
while sleep 1 & wait $!; do
    [ -e off ] && rm -f off && exit 0
    count=$((count + 1))
    printf '%s %08X\\n' "$(cat /etc/hostname)" "$count" >beat.new
    mv beat.new beat.txt
done
"""


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


@dataclass(frozen=True)
class Beat:
    """What a guest wrote last: where it runs, and the seconds since its start, about."""

    server: str
    count: int


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
        server.run("truncate", f"--size={DISK_BYTES}", f"{folder}/disk.img")
        text = QEMU_XML.format(**words)
    else:
        server.write(f"{folder}/beat", SCRIPT.format(**words), mode=0o755)
        text = LXC_XML.format(**words)
        if hypervisor == PROCESS:
            text = f"command: [{folder}/beat]\n"
    server.write(f"{folder}/{file}", text)
    return TestGuest(name, ident, hypervisor, f"{folder}/{file}")


def last_beat(server: Server, guest: TestGuest) -> Beat | None:
    """Read, on any server, what the guest has written last; None: nothing yet."""
    if guest.hypervisor == QEMU:
        read = f"dd if={guest.folder}/disk.img iflag=direct bs={SECTOR} skip=1 count=1 status=none"
    else:
        read = f"cat {guest.folder}/beat.txt"
    line = server.sh(f"{read} | tr -d '\\0' | head -n 1", status=None).stdout
    host, _, count = line.strip().partition(" ")
    return Beat(host, int(count, 16)) if count else None


def tell_off(server: Server, guest: TestGuest) -> None:
    """Let the guest shut itself down, as a person inside would."""
    if guest.hypervisor == QEMU:
        words = f"printf S | dd of={guest.folder}/disk.img bs={SECTOR} seek=2 conv=notrunc,fsync"
        server.sh(f"{words} status=none")
    else:
        server.sh(f"touch {shlex.quote(guest.folder)}/off")


def kill(server: Server, guest: TestGuest, signal: str = "KILL") -> None:
    """Crash the guest: send its processes on the server a signal."""
    if guest.hypervisor == QEMU:
        pattern = f"[q]emu-system-x86_64 -name guest={guest.name},"  # [q]: not this very pkill
    else:
        pattern = f"{guest.folder}/[b]eat$"
    server.sh(f"pkill --signal {signal} --full {shlex.quote(pattern)}")
