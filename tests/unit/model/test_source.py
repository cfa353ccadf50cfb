from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import UsageError
from ovstools.model.source import (
    DeviceSource,
    IscsiSource,
    NfsSource,
    Source,
    parse_source,
)

IQN = "iqn.1992-04.com.emc:cx.apm00070202838.a2"


@pytest.mark.parametrize(
    ("word", "source"),
    [
        ("/dev/sdb1", DeviceSource("/dev/sdb1")),
        ("/dev/mapper/my ovs", DeviceSource("/dev/mapper/my ovs")),
        ("fileserver.example.com:/OVS", NfsSource("fileserver.example.com", "/OVS")),
        ("10.0.0.1:/", NfsSource("10.0.0.1", "/")),
        ("s:/a b/c..d", NfsSource("s", "/a b/c..d")),
        ("[2001:db8::10]:/export", NfsSource("[2001:db8::10]", "/export")),
        ("[fe80::1%eth0]:/export", NfsSource("[fe80::1%eth0]", "/export")),
        (f"iscsi://10.1.1.1/{IQN}", IscsiSource("10.1.1.1", 3260, IQN)),
        (f"iscsi://10.1.1.1:3261/{IQN}/0", IscsiSource("10.1.1.1", 3261, IQN, 0)),
        (f"iscsi://san/{IQN}/16", IscsiSource("san", 3260, IQN, 16)),
        ("iscsi://[fe80::1]/eui.02004567A425678D", IscsiSource("[fe80::1]", 3260,
                                                             "eui.02004567A425678D")),
    ],
)  # fmt: skip
def test_sources(word: str, source: Source) -> None:
    assert parse_source(word) == source
    assert parse_source(str(source)) == source


@pytest.mark.parametrize(
    "word",
    [
        "",
        "/",
        "/dev/",
        "sdb1",
        "dev/sdb1",
        "./sdb1",
        "../dev/sdb1",
        "/dev/../etc/passwd",
        "/dev/sdb1\n",
        "/dev/sd\x1b[31mb1",
        "/dev/sd\u202eb1",
        "server",
        "server:",
        "server:export",
        ":/export",
        "-server:/export",
        "ser ver:/export",
        "server:/a/../b",
        "user@server:/export",
        "fe80::1:/export",
        "[fe80::1:/export",
        "[]:/export",
        "iscsi://",
        "iscsi://10.1.1.1",
        "iscsi://10.1.1.1/",
        "iscsi:///" + IQN,
        f"iscsi://10.1.1.1:0/{IQN}",
        f"iscsi://10.1.1.1:65536/{IQN}",
        f"iscsi://10.1.1.1:/{IQN}",
        f"iscsi://10.1.1.1/{IQN}/",
        f"iscsi://10.1.1.1/{IQN}/x",
        f"iscsi://10.1.1.1/{IQN}/-1",
        f"iscsi://10.1.1.1/{IQN}/16384",
        f"iscsi://10.1.1.1/{IQN}/0/1",
        f"iscsi://10.1.1.1/{IQN},1",
        "iscsi://10.1.1.1/disk",
        f"ISCSI://10.1.1.1/{IQN}",
        "http://server/export",
    ],
)
def test_nonsense(word: str) -> None:
    with pytest.raises(UsageError):
        parse_source(word)


@given(st.text() | st.text(alphabet="/:.a[]iscqn0", max_size=30))
def test_what_is_read_can_be_written(word: str) -> None:
    try:
        source = parse_source(word)
    except UsageError:
        return
    assert parse_source(str(source)) == source
