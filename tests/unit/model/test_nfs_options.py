from __future__ import annotations

import pytest

from ovstools.errors import RefusedError
from ovstools.model.mountinfo import Mount, parse_mountinfo
from ovstools.model.nfs_options import compose, faults, is_nfs, port, value

from .captured import captured

WHERE = "/etc/ovs/repositories.options"


@pytest.mark.parametrize(
    ("given", "protocol", "options"),
    [
        ("", "tcp", "hard,proto=tcp"),
        ("", "tcp6", "hard,proto=tcp6"),
        ("hard,proto=tcp,rw", "tcp6", "hard,proto=tcp6"),
        ("vers=3,nolock", "tcp", "hard,proto=tcp,vers=3,nolock"),
        ("tcp,timeo=50,defaults,sec=krb5p", "tcp", "hard,proto=tcp,timeo=50,sec=krb5p"),
        ("softreval", "tcp", "hard,proto=tcp,softreval"),
    ],
)
def test_options_that_are_fit(given: str, protocol: str, options: str) -> None:
    assert compose(given, protocol, WHERE) == options


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("soft", "every server of the pool fences itself"),
        ("softerr", "every server of the pool fences itself"),
        ("udp", "only TCP"),
        ("proto=udp", "only TCP"),
        ("proto=rdma", "only TCP"),
        ("mountproto=udp", "only TCP"),
        ("ro", "is written to"),
        ("bg", "mount later or never"),
        ("vers=2", "version 2"),
        ("nfsvers=2", "version 2"),
    ],
)
def test_options_that_are_refused(word: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why) as caught:
        compose(f"vers=4.1,{word},timeo=10", "tcp", WHERE)
    assert caught.value.hint == f"take {word} out of {WHERE}"


def mount(options: str, fstype: str = "nfs4", flags: str = "rw,relatime") -> Mount:
    line = f"99 21 0:44 / /OVS {flags} - {fstype} filer:/OVS {options}\n"
    return parse_mountinfo(line).mounts[0]


@pytest.mark.parametrize(
    ("options", "flags", "said"),
    [
        ("rw,vers=4.2,hard,proto=tcp,addr=10.0.0.1", "rw", []),
        ("rw,vers=3,hard,proto=tcp6", "rw", []),
        ("rw,vers=4.2,soft,proto=tcp", "rw", ["it is mounted soft"]),
        ("rw,softerr,proto=udp", "rw", ["it is mounted soft", "proto=udp"]),
        ("ro,hard,proto=tcp", "rw", ["read-only"]),
        ("rw,hard,proto=tcp", "ro", ["read-only"]),
        ("rw,hard", "rw", ["proto=?"]),
    ],
)
def test_faults_of_a_mount(options: str, flags: str, said: list[str]) -> None:
    found = faults(mount(options, flags=flags))
    assert len(found) == len(said)
    assert all(word in text for word, text in zip(said, found))


@pytest.mark.parametrize(
    ("case", "address"), [("nfs-pool", "192.168.100.1"), ("nfs3-ipv6", "fd00:100::1")]
)
def test_as_real_servers_mounted_them(case: str, address: str) -> None:
    seen = parse_mountinfo(captured("mountinfo", case)).mounts[0]
    assert is_nfs(seen) and faults(seen) == ()
    assert value(seen, "addr") == address
    assert port(",".join(seen.super_options)) == 2049


def test_facts() -> None:
    seen = mount("rw,vers=3,addr=10.0.0.1", "nfs")
    assert is_nfs(seen) and is_nfs(mount("rw")) and not is_nfs(mount("rw", "ocfs2"))
    assert (value(seen, "addr"), value(seen, "clientaddr")) == ("10.0.0.1", "")


@pytest.mark.parametrize(
    ("options", "number"),
    [("", 2049), ("hard,port=20490", 20490), ("mountport=5", 2049), ("port=0", 2049),
     ("port=x", 2049)],
)  # fmt: skip
def test_port(options: str, number: int) -> None:
    assert port(options) == number
