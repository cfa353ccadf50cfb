"""install-units: the files, enabling, updates and removal."""

from __future__ import annotations

import pytest

from ovstools.errors import RefusedError
from ovstools.ops import install_units as ops
from ovstools.ops.install_units import Request
from ovstools.ops.plan import Plan, apply
from ovstools.settings import Paths, Settings
from tests.fakes.machine import FakeMachine

PROGRAM = "/usr/local/bin/ovstools"
FOLDER = "/etc/systemd/system"
UNIT = f"{FOLDER}/ovsrepositories.service"
DROP_INS = (f"{FOLDER}/OVS.mount.d/10-ovstools.conf", f"{FOLDER}/OVS-.mount.d/10-ovstools.conf")
LINK = f"{FOLDER}/multi-user.target.wants/ovsrepositories.service"


def install(machine: FakeMachine, **words: bool) -> Plan:
    return machine.carry_out(lambda host: ops.plan(host, Request(PROGRAM, **words)))


def values(text: str, key: str) -> set[str]:
    lines = [line for line in text.splitlines() if line.startswith(f"{key}=")]
    return {word for line in lines for word in line.partition("=")[2].split()}


def test_installs_and_enables(machine: FakeMachine) -> None:
    machine.write(PROGRAM, "")
    plan = install(machine)
    assert machine.commands == [
        "systemctl daemon-reload",
        "systemctl enable ovsrepositories.service",
        "systemctl start --no-block ovsrepositories.service",
    ]
    assert f"ExecStart={PROGRAM} repositories start --lock-wait 60" in machine.read(UNIT)
    assert plan.notices == ()
    for path in DROP_INS:
        assert "Before=ovsrepositories.service" in machine.read(path)


def test_the_order_of_the_unit(machine: FakeMachine) -> None:
    install(machine)
    after = {
        "network.target", "network-online.target", "remote-fs-pre.target", "open-iscsi.service",
        "iscsi.service", "iscsid.service", "multipathd.service", "o2cb.service", "ocfs2.service",
    }  # fmt: skip
    unit = machine.read(UNIT)
    assert after <= values(unit, "After")
    assert "libvirtd.service" in values(unit, "Before")
    assert values(unit, "Wants") == {"network-online.target", "o2cb.service", "ocfs2.service"}
    assert not values(unit, "Requires") | values(unit, "BindsTo") | values(unit, "PartOf")
    # what systemd unmounts by itself at shutdown keeps the same order
    for path in DROP_INS:
        text = machine.read(path)
        assert values(text, "After") == values(unit, "After")
        assert values(text, "Before") == values(unit, "Before") | {"ovsrepositories.service"}


def test_again_changes_nothing(machine: FakeMachine) -> None:
    install(machine)
    machine.commands.clear()
    plan = install(machine)
    assert plan.steps == () and machine.commands == []
    assert "already installed" in plan.report.lines[0]


def test_an_older_text_is_updated(machine: FakeMachine) -> None:
    install(machine)
    machine.write(UNIT, machine.read(UNIT).replace("30min", "5min"))
    machine.commands.clear()
    preview = ops.plan(machine.host(), Request(PROGRAM)).preview()
    assert "-TimeoutStartSec=5min\n+TimeoutStartSec=30min" in preview
    install(machine)
    assert machine.commands == ["systemctl daemon-reload"]
    assert "TimeoutStartSec=30min" in machine.read(UNIT)


def test_killed_anywhere_the_next_run_finishes(machine: FakeMachine) -> None:
    for steps in range(6):
        machine.killed_after(steps, lambda host: ops.plan(host, Request(PROGRAM)))
        install(machine)
        assert machine.kernel.units["ovsrepositories.service"][2] == "enabled", steps
        assert ops.plan(machine.host(), Request(PROGRAM)).steps == ()
        machine.killed_after(steps, lambda host: ops.plan(host, Request(PROGRAM, remove=True)))
        install(machine, remove=True)
        assert not (machine.root / UNIT.lstrip("/")).exists()


def test_killed_before_daemon_reload(machine: FakeMachine) -> None:
    install(machine)
    machine.kernel.outdated.add("ovsrepositories.service")
    machine.commands.clear()
    install(machine)
    assert machine.commands == ["systemctl daemon-reload"]


def test_no_enable(machine: FakeMachine) -> None:
    install(machine, enable=False)
    assert machine.commands == ["systemctl daemon-reload"]


def test_a_masked_unit_is_left_masked(machine: FakeMachine) -> None:
    machine.kernel.units["ovsrepositories.service"] = ["masked", "inactive", "masked"]
    with pytest.raises(RefusedError, match="masked"):
        install(machine)


def test_remove(machine: FakeMachine) -> None:
    install(machine)
    machine.commands.clear()
    install(machine, remove=True)
    assert machine.commands == [
        "systemctl disable ovsrepositories.service",
        "systemctl daemon-reload",
    ]
    for path in (UNIT, *DROP_INS):
        assert machine.host().read(path) is None
    assert install(machine, remove=True).steps == ()


def test_below_another_root_only_files(machine: FakeMachine) -> None:
    host = machine.host(offline=True)
    plan = ops.plan(host, Request(PROGRAM))
    assert plan.notices == (f"there is no {machine.root}{PROGRAM} yet: install ovstools there",)
    apply(plan, host)
    link = machine.root / LINK.lstrip("/")
    assert str(link.readlink()) == "../ovsrepositories.service" and link.exists()
    assert ops.plan(host, Request(PROGRAM)).steps == ()
    apply(ops.plan(host, Request(PROGRAM, remove=True)), host)
    assert not link.is_symlink() and host.read(UNIT) is None
    assert ops.plan(host, Request(PROGRAM, remove=True)).steps == ()
    assert machine.commands == []


def test_another_cluster_root_has_drop_ins_of_its_name(machine: FakeMachine) -> None:
    settings = Settings(paths=Paths(cluster_root="/srv/my-ovs"))
    plan = ops.plan(machine.host(settings=settings), Request(PROGRAM))
    paths = [getattr(step.change, "path", "") for step in plan.steps]
    assert f"{FOLDER}/srv-my\\x2dovs.mount.d/10-ovstools.conf" in paths
    assert f"{FOLDER}/srv-my\\x2dovs-.mount.d/10-ovstools.conf" in paths
