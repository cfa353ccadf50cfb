from __future__ import annotations

import pytest

from ovstools.model.fstab import Fstab
from ovstools.model.fstab_storage import (
    device_path,
    export,
    is_storage,
    mount_options,
    spec_uuid,
    udev_name,
)

UUID = "0123abcd-0123-4567-89ab-0123456789AB"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/dev/sdb1 /OVS ocfs2 _netdev 0 0", True),
        ("LABEL=ovs /OVS ocfs2 _netdev 0 0", True),
        ("UUID=0123-4567 /OVS ext4", True),
        ("/dev/mapper/vg-ovs /OVS ext3 defaults 1 2", True),
        ("filer.example.com:/OVS /OVS nfs hard 0 0", True),
        ("[fd00::1]:/OVS /OVS nfs4 hard 0 0", True),
        ("filer /OVS nfs hard 0 0", False),
        ("/srv/iso /OVS/iso_pool none bind 0 0", False),
        ("/dev/sdb1 /OVS/x ext4 ro,bind 0 0", False),
        ("/dev/sdb1 /OVS/x iso9660 loop=/dev/loop3 0 0", False),
        ("tmpfs /OVS/tmp tmpfs size=1g 0 0", False),
        ("sshfs#a:/b /OVS/b fuse defaults 0 0", False),
        ("//filer/share /OVS/c cifs guest 0 0", False),
    ],
)
def test_is_storage(line: str, expected: bool) -> None:
    (entry,) = Fstab.parse(line).entries
    assert is_storage(entry) is expected


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("/dev/sdb1", "/dev/sdb1"),
        (f"UUID={UUID}", f"/dev/disk/by-uuid/{UUID.lower()}"),
        ("UUID=AB12-CD34", "/dev/disk/by-uuid/AB12-CD34"),
        ('LABEL="ovs"', "/dev/disk/by-label/ovs"),
        ("LABEL=my ovs/1", "/dev/disk/by-label/my\\x20ovs\\x2f1"),
        ("PARTLABEL=ovs", "/dev/disk/by-partlabel/ovs"),
        ("ID=wwn-0x5000", "/dev/disk/by-id/wwn-0x5000"),
        ('LABEL="ovs', "/dev/disk/by-label/\\x22ovs"),
        ("LABEL=", None),
        ("filer:/OVS", None),
        ("none", None),
    ],
)
def test_device_path(spec: str, path: str | None) -> None:
    assert device_path(spec) == path


@pytest.mark.parametrize(
    ("spec", "uuid"),
    [
        (f"UUID={UUID}", "0123ABCD0123456789AB0123456789AB"),
        (f'UUID="{UUID}"', "0123ABCD0123456789AB0123456789AB"),
        ("UUID=AB12-CD34", None),
        (f"PARTUUID={UUID}", None),
        ("/dev/sdb1", None),
    ],
)
def test_spec_uuid(spec: str, uuid: str | None) -> None:
    assert spec_uuid(spec) == uuid


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ("defaults", ""),
        ("_netdev,noatime", "noatime"),
        ("rw,auto,nofail,x-systemd.requires=o2cb.service,_netdev", ""),
        ("hard,proto=tcp,_netdev,bg", "hard,proto=tcp"),
        ("ro,,data=writeback", "ro,data=writeback"),
        ("comment=ovs,rwx", "rwx"),
    ],
)
def test_mount_options(options: str, kept: str) -> None:
    assert mount_options(options) == kept


def test_export_is_spelled_as_in_the_list() -> None:
    (entry,) = Fstab.parse("filer:/a\\040b /OVS nfs4").entries
    assert export(entry) == "filer:/a b"


def test_udev_keeps_letters_of_other_scripts() -> None:
    assert udev_name("Speicher-Größe_1") == "Speicher-Größe_1"
