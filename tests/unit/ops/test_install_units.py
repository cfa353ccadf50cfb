"""install-units: the files, enabling, updates and removal."""

from __future__ import annotations

import pytest

from ovstools.errors import RefusedError
from ovstools.ops import install_units as ops
from ovstools.ops.install_units import Request
from ovstools.ops.plan import Plan, apply
from ovstools.settings import Paths, Settings
from ovstools.system import guest_units
from tests.fakes.machine import FakeMachine

PROGRAM = "/usr/local/bin/ovstools"
FOLDER = "/etc/systemd/system"
NAMES = ("ovsrepositories.service", "ovs-locks.service", "ovs-agent.service")
UNIT, KEEPER, AGENT = (f"{FOLDER}/{name}" for name in NAMES)
DROP_INS = (f"{FOLDER}/OVS.mount.d/10-ovstools.conf", f"{FOLDER}/OVS-.mount.d/10-ovstools.conf")
SCOPES = f"{FOLDER}/machine-.scope.d/10-ovstools.conf"
WANTS = f"{FOLDER}/multi-user.target.wants"
ENABLED = [
    f"systemctl enable {' '.join(NAMES)}",
    f"systemctl start --no-block {' '.join(NAMES)}",
]


def install(machine: FakeMachine, **words: bool) -> Plan:
    return machine.carry_out(lambda host: ops.plan(host, Request(PROGRAM, **words)))


def values(text: str, key: str) -> set[str]:
    lines = [line for line in text.splitlines() if line.startswith(f"{key}=")]
    return {word for line in lines for word in line.partition("=")[2].split()}


def test_installs_and_enables(machine: FakeMachine) -> None:
    machine.write(PROGRAM, "")
    plan = install(machine)
    assert machine.commands == ["systemctl daemon-reload", *ENABLED]
    assert f"ExecStart={PROGRAM} repositories start --lock-wait 60" in machine.read(UNIT)
    assert f"ExecStart={PROGRAM} keeper\n" in machine.read(KEEPER)
    assert f"ExecStart={PROGRAM} cluster-check --daemon\n" in machine.read(AGENT)
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


def test_the_order_of_a_shutdown(machine: FakeMachine) -> None:
    """Agent, guests, libvirt, keeper, repositories, o2cb: each stops before what it is after."""
    install(machine)
    hypervisors = {
        "libvirtd.service", "virtqemud.service", "virtlxcd.service", "virtxend.service",
        "xendomains.service",
    }  # fmt: skip
    keeper, agent = machine.read(KEEPER), machine.read(AGENT)
    storage = {"o2cb.service", "ocfs2.service", "ovsrepositories.service"}
    assert values(keeper, "After") == storage
    assert values(keeper, "Before") == hypervisors
    scopes = machine.read(SCOPES)
    assert values(scopes, "After") == {"ovs-locks.service", "ovsrepositories.service"}
    assert values(scopes, "Before") == {"ovs-agent.service"}
    assert (set(guest_units.AFTER), set(guest_units.BEFORE)) == (  # guests that are processes
        values(scopes, "After"), values(scopes, "Before"))  # fmt: skip
    guests = {"libvirt-guests.service", "virt-guest-shutdown.target", "machine.slice"}
    assert values(agent, "After") >= storage | hypervisors | guests | {"ovs-locks.service"}
    assert values(agent, "Before") == set()
    for text in (keeper, agent):
        assert not values(text, "Requires") | values(text, "BindsTo") | values(text, "PartOf")


@pytest.mark.parametrize("path", [UNIT, KEEPER, AGENT])
def test_no_service_comes_before_what_every_service_comes_after(
    machine: FakeMachine, path: str
) -> None:
    """basic.target, and what is before that: slices and targets. systemd breaks such a cycle.

    In a shutdown it leaves out the stop of any unit in it, the repositories' as well.
    """
    install(machine)
    assert all(name.endswith(".service") for name in values(machine.read(path), "Before"))


@pytest.mark.parametrize(
    "line",
    ["Type=notify", "NotifyAccess=main", "Restart=always", "KillMode=process", "WatchdogSec=30s",
     "StartLimitIntervalSec=0", "TimeoutStopSec=20min", "ExecReload=/bin/kill -HUP $MAINPID"],
)  # fmt: skip
def test_the_agents_unit(machine: FakeMachine, line: str) -> None:
    install(machine)
    assert f"\n{line}\n" in machine.read(AGENT)
    assert "RefuseManualStop" not in machine.read(AGENT)


def test_an_upgrade_stops_nothing(machine: FakeMachine) -> None:
    install(machine)
    for path in (UNIT, KEEPER, AGENT):
        machine.write(path, machine.read(path).replace("Restart=always\n", ""))
    machine.keeper.hold("guest-web1")
    machine.commands.clear()
    install(machine)
    assert machine.commands == ["systemctl daemon-reload"]
    assert "Restart=always\n" in machine.read(KEEPER)


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
    for steps in range(13):
        machine.killed_after(steps, lambda host: ops.plan(host, Request(PROGRAM)))
        install(machine)
        for name in NAMES:
            assert machine.kernel.units[name][1:] == ["active", "enabled"], (steps, name)
        assert ops.plan(machine.host(), Request(PROGRAM)).steps == ()
        machine.killed_after(steps, lambda host: ops.plan(host, Request(PROGRAM, remove=True)))
        install(machine, remove=True)
        for path in (UNIT, KEEPER, AGENT, *DROP_INS):
            assert machine.host().read(path) is None


def test_killed_before_daemon_reload(machine: FakeMachine) -> None:
    install(machine)
    machine.kernel.outdated.add("ovsrepositories.service")
    machine.commands.clear()
    install(machine)
    assert machine.commands == ["systemctl daemon-reload"]


def test_no_enable(machine: FakeMachine) -> None:
    install(machine, enable=False)
    assert machine.commands == ["systemctl daemon-reload"]


@pytest.mark.parametrize("name", NAMES)
def test_a_masked_unit_is_left_masked(machine: FakeMachine, name: str) -> None:
    machine.kernel.units[name] = ["masked", "inactive", "masked-runtime"]
    with pytest.raises(RefusedError, match=f"{name} is masked"):
        install(machine)
    assert machine.commands == []


@pytest.mark.parametrize("enable", [True, False])
def test_the_link_of_a_mask_is_never_written_through(machine: FakeMachine, enable: bool) -> None:
    link = machine.root / AGENT.lstrip("/")
    link.parent.mkdir(parents=True)
    link.symlink_to("/dev/null")
    with pytest.raises(RefusedError, match=r"ovs-agent\.service is masked"):
        install(machine, enable=enable)
    install(machine, remove=True)
    assert str(link.readlink()) == "/dev/null"


def test_remove(machine: FakeMachine) -> None:
    install(machine)
    machine.commands.clear()
    plan = install(machine, remove=True)
    assert machine.commands == [
        f"systemctl disable {' '.join(NAMES)}",
        "systemctl stop ovs-agent.service",
        "systemctl daemon-reload",
    ]
    assert plan.notices == (
        "what is mounted stays mounted",
        "ovs-locks.service runs on; end it with: systemctl stop ovs-locks.service",
    )
    for path in (UNIT, KEEPER, AGENT, *DROP_INS):
        assert machine.host().read(path) is None
    assert install(machine, remove=True).steps == ()


def test_remove_refuses_while_guests_run(machine: FakeMachine) -> None:
    install(machine)
    machine.keeper.hold("guest-web1")
    machine.commands.clear()
    with pytest.raises(RefusedError, match="guests of the pool run here") as error:
        install(machine, remove=True)
    assert error.value.evidence == ("guest web1: its lock is held here",)
    assert machine.commands == []


def test_below_another_root_only_files(machine: FakeMachine) -> None:
    host = machine.host(offline=True)
    plan = ops.plan(host, Request(PROGRAM))
    assert plan.notices == (f"there is no {machine.root}{PROGRAM} yet: install ovstools there",)
    apply(plan, host)
    links = [machine.root / WANTS.lstrip("/") / name for name in NAMES]
    for link in links:
        assert str(link.readlink()) == f"../{link.name}" and link.exists()
    assert ops.plan(host, Request(PROGRAM)).steps == ()
    apply(ops.plan(host, Request(PROGRAM, remove=True)), host)
    assert not any(link.is_symlink() for link in links) and host.read(UNIT) is None
    assert ops.plan(host, Request(PROGRAM, remove=True)).steps == ()
    assert machine.commands == []


def test_another_cluster_root_has_drop_ins_of_its_name(machine: FakeMachine) -> None:
    settings = Settings(paths=Paths(cluster_root="/srv/my-ovs"))
    plan = ops.plan(machine.host(settings=settings), Request(PROGRAM))
    paths = [getattr(step.change, "path", "") for step in plan.steps]
    assert f"{FOLDER}/srv-my\\x2dovs.mount.d/10-ovstools.conf" in paths
    assert f"{FOLDER}/srv-my\\x2dovs-.mount.d/10-ovstools.conf" in paths
