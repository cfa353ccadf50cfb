"""Who uses a file system, from a /proc of which parts vanish or are denied."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from ovstools.errors import RefusedError
from ovstools.system.host import Host
from ovstools.system.processes import Process, users_of
from ovstools.system.runner import Runner
from ovstools.system.talk import Talk
from tests.fakes.machine import FakeHost, FakeMachine


def add(machine: FakeMachine, pid: int, **files: str) -> Path:
    """Make a process; cwd, root, exe and fd3 are links, maps and comm are texts."""
    folder = machine.root / "proc" / str(pid)
    (folder / "fd").mkdir(parents=True)
    for name, target in files.items():
        if name in ("maps", "comm"):
            (folder / name).write_bytes(target.encode("latin-1"))
        else:
            (folder / name.replace("fd", "fd/")).symlink_to(target)
    return folder


def used(machine: FakeMachine, mountpoint: str = "/OVS") -> list[str]:
    return [str(process) for process in users_of(machine.host(), mountpoint)]


@pytest.mark.parametrize("kind", ["cwd", "root", "exe", "fd3"])
@pytest.mark.parametrize(
    "path, counts",
    [
        ("/OVS", True),
        ("/OVS/running_pool/vm1/System.img", True),
        ("/OVS/gone (deleted)", True),
        ("/OVS2/x", False),
        ("/srv/OVS/x", False),
        ("socket:[4711]", False),
        ("/", False),
    ],
)
def test_what_a_process_uses(machine: FakeMachine, kind: str, path: str, counts: bool) -> None:
    add(machine, 7, comm="qemu\n", **{kind: path})
    assert used(machine) == ([f"qemu (pid 7) has {path}"] if counts else [])


def test_a_map_counts(machine: FakeMachine) -> None:
    row = "7f0000000000-7f0000001000 r-xp 00000000 08:11 42"
    text = (
        f"{row}                         /lib/x.so\n{row}\n{row}    [heap]\n{row}    /OVS/a b\xff\n"
    )
    add(machine, 7, comm="qemu\n", maps=text)
    assert users_of(machine.host(), "/OVS") == (Process(7, "qemu", "/OVS/a b\udcff"),)


def test_in_the_order_of_their_numbers(machine: FakeMachine) -> None:
    for pid in (100, 20, 3):
        add(machine, pid, comm="sh\n", cwd="/OVS")
    machine.write("/proc/sys/x", "")
    machine.write("/proc/uptime", "1 2\n")
    assert used(machine) == [f"sh (pid {pid}) has /OVS" for pid in (3, 20, 100)]


def test_the_root_file_system(machine: FakeMachine) -> None:
    add(machine, 7, comm="sh\n", cwd="/home")
    assert used(machine, "/") == ["sh (pid 7) has /home"]


def test_a_process_without_a_name(machine: FakeMachine) -> None:
    add(machine, 7, cwd="/OVS")
    assert used(machine) == ["? (pid 7) has /OVS"]


@dataclass(frozen=True)
class VanishingHost(FakeHost):
    """A host on which process 7 ends, or is somebody else's, while it is looked at."""

    trouble: type[OSError] = OSError

    def names(self, absolute: str) -> tuple[str, ...]:
        if absolute == "/proc/7/fd":
            raise self.trouble(1, "trouble")
        return super().names(absolute)

    def read(self, absolute: str) -> str | None:
        if absolute.startswith("/proc/7/"):
            raise RefusedError(f"cannot read {absolute}")
        return super().read(absolute)


@pytest.mark.parametrize("trouble", [ProcessLookupError, PermissionError])
@pytest.mark.parametrize("files", [{"maps": ""}, {"cwd": "/OVS"}], ids=str)
def test_survives_what_vanishes_or_is_denied(
    machine: FakeMachine, trouble: type[OSError], files: dict[str, str]
) -> None:
    add(machine, 7, comm="gone\n", **files)
    add(machine, 8, comm="here\n", cwd="/OVS")
    host = VanishingHost(**vars(machine.host()), trouble=trouble)
    assert [process.pid for process in users_of(host, "/OVS")] == [8]


def test_finds_a_real_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = users_of(Host(Runner(Talk())), str(tmp_path))
    assert os.getpid() in [process.pid for process in found]
