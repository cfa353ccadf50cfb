"""A libvirt domain's XML: what it says, and how a clone's differs."""

from __future__ import annotations

import itertools

import pytest

from ovstools.ha.operating.definition import parse, recognized
from ovstools.ha.operating.domain_xml import cloned, parse_domain_xml, with_uuid
from ovstools.model.guest_definition import Image, ImageKind

UUID = "0004FB00000600001F2C9A3B5D7E8F60"
XML = """<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web1</name>
  <uuid>0004fb00-0006-0000-1f2c-9a3b5d7e8f60</uuid>
  <genid>0004fb00-0006-0000-1f2c-9a3b5d7e8f60</genid>
  <memory unit='KiB'>1048577</memory>
  <vcpu placement='static'>2</vcpu>
  <sysinfo type='smbios'><system>
    <entry name='uuid'>0004fb00-0006-0000-1f2c-9a3b5d7e8f60</entry>
  </system></sysinfo>
  <os>
    <loader readonly='yes'>/usr/share/OVMF/OVMF_CODE.fd</loader>
    <nvram>/OVS/running_pool/web1/vars.fd</nvram>
    <kernel>/OVS/running_pool/web1/vmlinuz</kernel>
  </os>
  <devices>
    <disk type='file' device='disk'><source file='/OVS/running_pool/web1/a.qcow2'/>
      <backingStore type='file'><source file='/OVS/seed_pool/base.qcow2'/>
        <backingStore/></backingStore></disk>
    <disk type='file' device='cdrom'><source file='/OVS/iso_pool/cd.iso'/></disk>
    <disk type='file' device='cdrom'/>
    <disk type='block' device='disk'><source dev='/dev/vg/data'/></disk>
    <disk type='file' device='disk'><source file='/OVS/sharedDisk/q.img'/><shareable/></disk>
    <disk type='network' device='disk'><source protocol='rbd' name='rbd/web1'/></disk>
    <disk type='volume' device='disk'><source pool='p' volume='v'/></disk>
    <interface type='bridge'><mac address='52:54:00:11:22:33'/></interface>
    <interface type='bridge'><mac address='52:54:00:11:22:34'/></interface>
  </devices>
  <qemu:commandline><qemu:arg value='-x'/></qemu:commandline>
</domain>
"""
LXC = """<domain type='lxc'><name>c1</name><memory unit='MiB'>64</memory>
  <devices>
    <filesystem type='mount'><source dir='/OVS/running_pool/c1/root'/><target dir='/'/></filesystem>
    <filesystem type='ram'><source usage='1'/><target dir='/tmp'/></filesystem>
  </devices></domain>"""


def test_what_a_domain_says() -> None:
    found = parse_domain_xml(XML)
    assert (found.hypervisor, found.name, found.uuid) == ("qemu:///system", "web1", UUID)
    assert (found.mem_mb, found.cpu, found.kind) == (1025, 2.0, "vm"), "memory is rounded up"
    assert found.images == (
        Image("/OVS/running_pool/web1/a.qcow2"),
        Image("/OVS/seed_pool/base.qcow2", is_writable=False),
        Image("/OVS/iso_pool/cd.iso", is_writable=False),
        Image("/dev/vg/data", ImageKind.DEVICE),
        Image("/OVS/sharedDisk/q.img", is_shareable=True),
        Image("rbd/web1", ImageKind.REMOTE),
        Image("p/v", ImageKind.REMOTE),
        Image("/OVS/running_pool/web1/vmlinuz", is_writable=False),
        Image("/OVS/running_pool/web1/vars.fd"),
    )


def test_a_container() -> None:
    found = parse_domain_xml(LXC)
    assert (found.hypervisor, found.kind, found.uuid) == ("lxc:///system", "ct", "")
    assert found.images == (Image("/OVS/running_pool/c1/root", ImageKind.FOLDER),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no xml", "no XML"),
        ("<network/>", "expected <domain>, found <network>"),
        ("<domain><name> </name></domain>", "expected a <name>"),
        ("<domain><name>a</name><uuid>x</uuid></domain>", "<uuid>: expected 32 hex digits"),
        ("<domain><name>a</name><memory unit='X'>1</memory></domain>", "<memory>: expected"),
        ("<domain><name>a</name><memory>lots</memory></domain>", "<memory>: expected"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_domain_xml(text)


@pytest.mark.parametrize(
    ("memory", "mib"),
    [
        ("<memory>1024</memory>", 1),
        ("<memory unit='GiB'>2</memory>", 2048),
        ("<memory unit='MB'>100</memory>", 96),
        ("<memory unit='b'>1</memory>", 1),
        ("", None),
    ],
)
def test_units_of_memory(memory: str, mib: int | None) -> None:
    assert parse_domain_xml(f"<domain><name>a</name>{memory}</domain>").mem_mb == mib


def test_a_uuid_is_put_behind_the_name() -> None:
    text = with_uuid(LXC, UUID)
    assert parse_domain_xml(text).uuid == UUID
    assert text.replace("\n  <uuid>0004fb00-0006-0000-1f2c-9a3b5d7e8f60</uuid>", "") == LXC


def test_a_clone_is_another_guest() -> None:
    paths = {"/OVS/running_pool/web1/a.qcow2": "/OVS/running_pool/web2/a.qcow2",
             "/OVS/running_pool/web1/vars.fd": "/OVS/running_pool/web2/vars.fd"}  # fmt: skip
    macs = itertools.count()
    text = cloned(XML, "web2", "A" * 32, paths, lambda: f"52:54:00:00:00:0{next(macs)}")
    before, after = parse_domain_xml(XML), parse_domain_xml(text)
    assert (after.name, after.uuid) == ("web2", "A" * 32)
    changed = [path for path in paths.values() if path in {image.path for image in after.images}]
    assert changed == list(paths.values())
    kept = {image.path for image in before.images} - paths.keys()
    assert kept < {image.path for image in after.images}
    assert "0004fb00" not in text, "nowhere: not in genid, nor in what SMBIOS says"
    assert "52:54:00:11" not in text and "52:54:00:00:00:01" in text
    assert "<qemu:commandline>" in text


@pytest.mark.parametrize(
    ("text", "hypervisor"),
    [
        (XML, "qemu:///system"),
        ("\n<!-- by hand -->\n" + LXC, "lxc:///system"),
        ("<domain type='xen'><name>a</name></domain>", "xen:///system"),
        ("command: [/bin/true]\n", "process"),
        ('{"command": ["/bin/true"]}', "process"),
        ("# x\nname = 'command: x'\n", "xl"),
    ],
)
def test_a_definition_is_recognized(text: str, hypervisor: str) -> None:
    assert parse(text, "x").hypervisor == hypervisor


def test_a_process_that_is_wrong_is_called_one() -> None:
    assert recognized("command: 7\n") == "process"
