"""The unit that a process belongs to."""

from __future__ import annotations

import pytest

from ovstools.model.cgroup import unit_of


@pytest.mark.parametrize(
    "text, unit",
    [
        ("0::/system.slice/ovs-agent.service\n", "ovs-agent.service"),
        ("0::/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt/emulator\n",
         "machine-qemu\\x2d1\\x2dweb1.scope"),
        ("0::/user.slice/user-0.slice/user@0.service/app.slice/x.scope\n", "x.scope"),
        ("0::/\n", ""),
        ("", ""),
        # cgroup v1, as on Oracle Linux 8
        ("12:pids:/system.slice/a.service\n1:name=systemd:/system.slice/b.service\n", "b.service"),
        ("12:pids:/system.slice/a.service\n1:name=systemd:/\n0::/\n", ""),
        ("nonsense", ""),
    ],
)  # fmt: skip
def test_unit_of(text: str, unit: str) -> None:
    assert unit_of(text) == unit
