"""Files on an export: the very words, and that the real tools understand them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ovstools.errors import ToolError
from ovstools.model.source import NfsSource
from ovstools.settings import Settings
from ovstools.system import nfs
from ovstools.system.host import Host
from ovstools.system.runner import Runner
from ovstools.system.talk import Talk
from tests.fakes.machine import FakeMachine
from tests.fakes.nfs import FakeFileServer


@pytest.fixture
def real() -> Host:
    return Host(Runner(Talk(-1)), Talk(-1), settings=Settings())


@pytest.mark.parametrize(
    ("host", "protocol"),
    [
        ("fileserver.example.com", "tcp"),
        ("192.168.100.1", "tcp"),
        ("[fd00::1]", "tcp6"),
        ("only-ipv6.example.com", "tcp6"),
    ],
)
def test_protocol(machine: FakeMachine, tmp_path: Path, host: str, protocol: str) -> None:
    machine.nfs.use(FakeFileServer(tmp_path))
    assert nfs.protocol(machine.host(), NfsSource(host, "/OVS")) == protocol


def test_mount() -> None:
    command = nfs.mount(NfsSource("[fd00::1]", "/a b"), "/OVS", "hard,proto=tcp6", 180)
    assert command.argv == ("mount", "-t", "nfs", "-o", "hard,proto=tcp6", "[fd00::1]:/a b", "/OVS")
    assert command.timeout_s == 180 and command.changes


def test_fill_writes_a_part_and_leaves_no_hole() -> None:
    command = nfs.fill("/OVS/f", 15, 30, 60)
    assert command.shell() == (
        "dd if=/dev/zero of=/OVS/f bs=1M count=30 seek=15 conv=notrunc,fsync status=none"
    )


@pytest.mark.processes
def test_the_tools_do_it(real: Host, tmp_path: Path) -> None:
    new, name = str(tmp_path / "new"), str(tmp_path / "name")
    assert nfs.look(real, new) is None
    assert nfs.existing(real, (new, name)) == ()
    real.run(nfs.write(new, "text\n"))
    found = nfs.look(real, new)
    assert found is not None and found.is_file
    assert (found.size, found.owner) == (5, os.geteuid())
    assert real.run(nfs.link(new, name)).status == 0
    assert nfs.existing(real, (new, name, str(tmp_path / "x"))) == (new, name)
    real.run(nfs.flush(name))
    Path(new).unlink()
    Path(new).write_text("another\n")
    assert real.run(nfs.link(new, name)).status == 1, "never over what is there"
    assert Path(name).read_text() == "text\n"
    real.run(nfs.remove(new, str(tmp_path / "x")))
    assert os.listdir(tmp_path) == ["name"]
    folder = str(tmp_path / "a/b")
    real.run(nfs.make_folders(folder))
    found = nfs.look(real, folder)
    assert found is not None and not found.is_file
    assert nfs.free_bytes(real, folder) > 0


@pytest.mark.processes
def test_the_parts_of_a_file(real: Host, tmp_path: Path) -> None:
    path = tmp_path / "f"
    real.run(nfs.fill(str(path), 0, 1, 60))
    real.run(nfs.fill(str(path), 1, 2, 60))
    assert path.stat().st_size == 3 << 20
    assert path.stat().st_blocks * 512 >= 3 << 20


@pytest.mark.processes
def test_no_answer_is_no_absence(real: Host, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ToolError, match="cannot look at"):
        nfs.look(real, str(tmp_path / "file" / "below"))
