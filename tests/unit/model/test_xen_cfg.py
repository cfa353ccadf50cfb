"""vm.cfg: forms from xl.cfg(5) and xl-disk-configuration(5), and xm's older ones."""

from __future__ import annotations

import itertools

import pytest

from ovstools.model.guest_definition import Image, ImageKind
from ovstools.model.xen_cfg import cloned, parse_disk, parse_statements, parse_xen_cfg

CFG = """# made by hand
name = "web1"
uuid = '0004fb00-0006-0000-1f2c-9a3b5d7e8f60'
memory = 2048   # MiB
maxmem = 4096
vcpus = 2
bootloader = '/usr/bin/pygrub'
kernel = '/OVS/running_pool/web1/vmlinuz'
disk = [ 'file:/OVS/running_pool/web1/System.img,xvda,w',
         'file:/OVS/running_pool/web1/System.img2,xvdb,w',
         'file:/OVS/iso_pool/cd.iso,xvdc:cdrom,r', ]
vif = ['mac=00:16:3E:11:22:33, bridge=xenbr0', 'bridge=xenbr1,mac=00:16:3E:11:22:34']
on_crash = "restart"; extra = 'quiet'
"""


def test_what_a_configuration_says() -> None:
    found = parse_xen_cfg(CFG)
    assert (found.hypervisor, found.name, found.mem_mb, found.cpu) == ("xl", "web1", 4096, 2)
    assert found.uuid == "0004FB00000600001F2C9A3B5D7E8F60"
    assert found.images == (
        Image("/OVS/running_pool/web1/System.img"),
        Image("/OVS/running_pool/web1/System.img2"),
        Image("/OVS/iso_pool/cd.iso", is_writable=False),
        Image("/OVS/running_pool/web1/vmlinuz", is_writable=False),
    )


@pytest.mark.parametrize(
    ("spec", "image"),
    [
        ("file:/x.img,hda,w", Image("/x.img")),
        ("tap:aio:/x.img,xvda,w", Image("/x.img")),
        ("tap2:qcow2:/x.img,xvda,r", Image("/x.img", is_writable=False)),
        ("phy:/dev/vg/x,xvda,w", Image("/dev/vg/x", ImageKind.DEVICE)),
        ("/x.img,raw,xvda,rw", Image("/x.img")),
        ("/x.img,,xvda", Image("/x.img")),
        ("/x.img,qcow2,xvda,ro", Image("/x.img", is_writable=False)),
        ("/x.img,raw,xvda,w!", Image("/x.img", is_shareable=True)),
        ("file:/x.img,xvda,w!", Image("/x.img", is_shareable=True)),
        ("format=raw, vdev=xvda, access=ro, target=/x.img", Image("/x.img", is_writable=False)),
        ("vdev=xvda,target=/x.img", Image("/x.img")),
        ("/x.iso,,hdc,devtype=cdrom", Image("/x.iso", is_writable=False)),
        ("file:/x.iso,hdc:cdrom,r", Image("/x.iso", is_writable=False)),
        (",,hdc,cdrom", None),
        ("drbd:res0,xvda,w", Image("drbd:res0", ImageKind.REMOTE)),
    ],
)
def test_disks(spec: str, image: Image | None) -> None:
    assert parse_disk(spec) == image


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("memory = 5\n", "expected name"),
        ("name = 7\n", "expected name"),
        ("name = 'a'\nuuid = 'x'\n", "uuid: expected 32 hex digits"),
        ("name = 'a'\ndisk = 'x'\n", "disk: expected a list"),
        ("name = 'a'\nmemory = int(5)\n", "line 2"),
        ("name = 'a'\nimport os\n", "line 2"),
        ("name = 'a'\ndisk = ['x'\n", "line 3"),
        ("name = 'a' 'b'\n", "line 1"),
        ("name = 'a\n", "line 1"),
        ("disk += ['x']\n", "line 1"),
        ("<domain/>", "line 1"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_xen_cfg(text)


def test_statements_know_their_place() -> None:
    for each in parse_statements(CFG):
        assert CFG[each.begin : each.end].strip() == CFG[each.begin : each.end] != ""


def test_a_clone_differs_in_what_must_differ_only() -> None:
    paths = {f"/OVS/running_pool/web1/System.img{n}": f"/OVS/running_pool/web2/{n or 1}.img"
             for n in ("", "2")}  # fmt: skip
    macs = itertools.count()
    text = cloned(CFG, "web2", "A" * 32, paths, lambda: f"00:16:3e:00:00:0{next(macs)}")
    found = parse_xen_cfg(text)
    assert (found.name, found.uuid) == ("web2", "A" * 32)
    assert [each.path for each in found.images][:3] == [
        "/OVS/running_pool/web2/1.img", "/OVS/running_pool/web2/2.img", "/OVS/iso_pool/cd.iso",
    ]  # fmt: skip
    assert "00:16:3E:11" not in text and "00:16:3e:00:00:00" in text and "00:16:3e:00:00:01" in text
    assert text.startswith("# made by hand\n") and "memory = 2048   # MiB\n" in text
    assert parse_xen_cfg(cloned("name = 'a'\n", "b", "B" * 32, {}, str)).uuid == "B" * 32
