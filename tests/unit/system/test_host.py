"""The host: files, names and kinds, and that --root DIR never leads out of DIR."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ovstools.errors import RefusedError, ToolError
from ovstools.system.host import Host, below_root
from ovstools.system.links import link_target
from ovstools.system.runner import Runner
from ovstools.system.talk import Talk
from tests.fakes.machine import FakeMachine


@pytest.fixture
def image(tmp_path: Path) -> Host:
    """Return a host on an image whose links lead where an image's links lead."""
    root = tmp_path / "image"
    for folder in ("etc/ovs", "run", "usr/bin"):
        (root / folder).mkdir(parents=True)
    (root / "etc/ovs/repositories").write_text("inside\n")
    (root / "etc/hostname").write_text("vmserver7.example.com\n")
    (root / "var").mkdir()
    for link, target in {
        "var/run": "/run",
        "etc/list": "/etc/ovs/repositories",
        "etc/relative": "ovs/repositories",
        "etc/above": "../../../../../etc/ovs/repositories",
        "etc/chain": "/etc/list",
        "etc/a": "b",
        "etc/b": "/etc/a",
        "etc/dangling": "/nowhere/x",
        "srv": "/etc",
    }.items():
        (root / link).symlink_to(target)
    return Host(Runner(Talk()), root=root, offline=True)


@pytest.mark.parametrize(
    "path, real",
    [
        ("/etc/ovs/repositories", "etc/ovs/repositories"),
        ("/etc/list", "etc/ovs/repositories"),
        ("/etc/relative", "etc/ovs/repositories"),
        ("/etc/above", "etc/ovs/repositories"),
        ("/etc/chain", "etc/ovs/repositories"),
        ("/srv/list", "etc/ovs/repositories"),
        ("/srv/ovs/../list", "etc/ovs/repositories"),
        ("/../../etc/list", "etc/ovs/repositories"),
        ("/var/run/ovs/lock", "run/ovs/lock"),
        ("/etc/dangling", "nowhere/x"),
        ("/not/there/yet", "not/there/yet"),
        ("//etc/./list", "etc/ovs/repositories"),
        ("/", ""),
    ],
)
def test_links_lead_into_the_image(image: Host, path: str, real: str) -> None:
    assert image.file(path) == image.root / real


def test_what_an_image_says(image: Host) -> None:
    assert image.read("/etc/list") == "inside\n"
    assert image.read("/etc/dangling") is None
    assert image.kind("/etc/list") == "file"
    assert image.kind("/var/run") == "directory"
    assert image.kind("/etc/dangling") == "missing"
    assert image.names("/srv/ovs") == ("repositories",)
    assert image.resolve("/etc/chain") == "/etc/ovs/repositories"
    assert image.hostname() == "vmserver7.example.com"


def test_a_link_itself_is_not_followed(image: Host) -> None:
    assert image.path("/srv/list") == image.root / "etc/list"
    assert link_target(image, "/srv/list") == "/etc/ovs/repositories"
    assert link_target(image, "/etc/ovs/repositories") is None


def test_circles_are_refused(image: Host) -> None:
    with pytest.raises(RefusedError, match="leads round in circles"):
        image.read("/etc/a")


def test_a_running_machine_s_links_are_the_kernel_s_affair(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "target").write_text("x")
    host = Host(Runner(Talk()), root=tmp_path)
    assert host.path("/link") == host.file("/link") == tmp_path / "link"
    assert host.read("/link") == "x"
    assert host.resolve("/link") == "/target"


def test_resolve_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "null").symlink_to("/dev/null")
    assert Host(Runner(Talk()), root=root).resolve("/null") == "/dev/null"


def test_kinds(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "fifo")
    host = Host(Runner(Talk()), root=tmp_path)
    found = {name: host.kind(f"/{name}") for name in ("", "file", "fifo", "none", "file/x")}
    assert found == {
        "": "directory",
        "file": "file",
        "fifo": "other",
        "none": "missing",
        "file/x": "missing",
    }


def test_names(tmp_path: Path) -> None:
    for name in ("b", "a", ".c"):
        (tmp_path / name).write_text("")
    host = Host(Runner(Talk()), root=tmp_path)
    assert host.names("/") == (".c", "a", "b")
    assert host.names("/none") == host.names("/a") == ()


def test_links_to(machine: FakeMachine) -> None:
    machine.add_disk("/dev/sdc", "8:32", link="/dev/disk/by-id/wwn-0x1")
    host = machine.host()
    folders = ("/dev/disk/by-id", "/dev/disk/by-path")
    assert host.links_to("/dev/sdc", folders) == ("/dev/disk/by-id/wwn-0x1",)


def test_the_real_machine_s_own_words() -> None:
    host = Host(Runner(Talk()))
    assert host.hostname() == os.uname().nodename
    assert host.is_root() == (os.geteuid() == 0)
    assert "127.0.0.1" in host.addresses()


@pytest.mark.processes  # asks the resolver, for names that need no server
def test_resolves_names() -> None:
    host = Host(Runner(Talk()))
    assert host.resolve_name("127.0.0.1") == ("127.0.0.1",)
    assert host.resolve_name("no such name.invalid") == ()


def test_addresses_come_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(socket.AF_INET, 1, 6, "", (ip, 0)) for ip in ("10.0.0.2", "10.0.0.1", "10.0.0.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words: answer)
    assert Host(Runner(Talk())).resolve_name("vmserver1") == ("10.0.0.2", "10.0.0.1")


def test_peek(tmp_path: Path) -> None:
    (tmp_path / "device").write_bytes(b"abc" + bytes(100))
    host = Host(Runner(Talk()), root=tmp_path)
    assert host.peek("/device", 1, 4) == b"bc\0\0"
    with pytest.raises(RefusedError, match="cannot read /none: No such file"):
        host.peek("/none", 0, 5)


def test_below_root_keeps_the_last_link(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/b")
    assert below_root(tmp_path, "/a", follow_last=False) == tmp_path / "a"
    assert below_root(tmp_path, "/a") == tmp_path / "b"


def test_poke_does_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sysfs refuses even root to open what can only be written for reading too."""
    opened = []
    real = os.open

    def noted(path: str, flags: int, *rest: int, **words: int) -> int:
        opened.append(flags & os.O_ACCMODE)
        return real(path, flags, *rest, **words)

    (tmp_path / "rescan").write_text("")
    host = Host(Runner(Talk()), root=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", noted)
        host.poke("/rescan")
    assert opened[-1] == os.O_WRONLY
    assert (tmp_path / "rescan").read_text() == "1\n"


def test_poke(tmp_path: Path) -> None:
    host = Host(Runner(Talk()), root=tmp_path)
    (tmp_path / "rescan").write_text("")
    host.poke("/rescan")
    assert (tmp_path / "rescan").read_text() == "1\n"
    with pytest.raises(ToolError, match="cannot write /gone: No such file"):
        host.poke("/gone")
    assert not (tmp_path / "gone").exists()
