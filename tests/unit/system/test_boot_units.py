from __future__ import annotations

import pytest

from ovstools.system.boot_units import BootUnit, read_boot_unit
from tests.fakes.machine import FakeMachine

NAME = "o2cb.service"
WANTS = "/etc/systemd/system/multi-user.target.wants/o2cb.service"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], BootUnit(NAME)),
        ([WANTS], BootUnit(NAME)),
        (["/usr/lib/systemd/system/o2cb.service"], BootUnit(NAME, exists=True)),
        (
            ["/lib/systemd/system/o2cb.service", WANTS],
            BootUnit(NAME, exists=True, is_enabled=True),
        ),
        (
            [
                "/usr/lib/systemd/system/o2cb.service",
                "/usr/lib/systemd/system/remote-fs.target.requires/o2cb.service",
            ],
            BootUnit(NAME, exists=True, is_enabled=True),
        ),
        (["/etc/init.d/o2cb"], BootUnit(NAME, exists=True)),
        (
            ["/etc/init.d/o2cb", "/etc/rcS.d/S12o2cb"],
            BootUnit(NAME, exists=True, is_enabled=True),
        ),
        (
            ["/etc/init.d/o2cb", "/etc/rc3.d/S12o2cb-other", "/etc/rc3.d/K12o2cb"],
            BootUnit(NAME, exists=True),
        ),
        (["/etc/init.d/o2cb", "/etc/rc0.d/S12o2cb"], BootUnit(NAME, exists=True)),
    ],
)
def test_files(machine: FakeMachine, files: list[str], expected: BootUnit) -> None:
    for path in files:
        machine.write(path, "")
    assert read_boot_unit(machine.host(), NAME) == expected


def test_masked(machine: FakeMachine) -> None:
    machine.write("/usr/lib/systemd/system/o2cb.service", "")
    link = machine.root / "etc/systemd/system/o2cb.service"
    link.parent.mkdir(parents=True)
    link.symlink_to("/dev/null")
    assert read_boot_unit(machine.host(), NAME) == BootUnit(NAME, exists=True, is_masked=True)
