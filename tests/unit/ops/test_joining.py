"""Joining and leaving, killed at every step boundary: the same command finishes the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ovstools.ops import (
    cleanup,
    cluster_check,
    cluster_configure,
    install_units,
    makerepo,
    receive_config,
    repositories,
)
from ovstools.ops.plan import Plan
from ovstools.system.host import Host
from tests.fakes.joined import ALL, DEVICE, Server, make_pool

PROGRAM = "/usr/local/sbin/ovstools"
ADD = f"{ALL[3].name}={ALL[3].ip_address}"
NAMES = [node.name for node in ALL]
MakePlan = Callable[[Host], Plan]


@dataclass(frozen=True)
class Case:
    """What is run where, what was before, and what must be so in the end."""

    make_plan: MakePlan
    check: Callable[[list[Server]], None]
    before: Callable[[list[Server]], None] = lambda servers: None
    where: int = 0


def configure(**words: object) -> MakePlan:
    request = cluster_configure.Request(**words)  # type: ignore[arg-type]
    return lambda host: cluster_configure.plan(host, request)


def propagate(host: Host) -> Plan:
    return cluster_check.plan(host, cluster_check.Request(master=True, propagate=True))


def receiving(letter: str) -> MakePlan:
    return lambda host: receive_config.plan(host, receive_config.Request(letter))


def add_here(servers: list[Server]) -> None:
    servers[0].carry_out(configure(add=ADD))


def edit_here(servers: list[Server]) -> None:
    text = str(servers[0].cluster_conf().with_node(ALL[3]))
    servers[0].write("/etc/ocfs2/cluster.conf", text)


def be_away(servers: list[Server]) -> None:
    servers[1].kernel.umount("/OVS")
    add_here(servers)


def burn(servers: list[Server]) -> None:
    for server in servers[:2]:
        server.kernel.peers.discard(2)
        server.kernel._show_live()
    servers[2].state = "off"


def install(servers: list[Server]) -> None:
    servers[2].carry_out(lambda host: install_units.plan(host, install_units.Request(PROGRAM)))
    servers[2].carry_out(configure(timing="default"))


def everybody_knows_four(servers: list[Server]) -> None:
    for server in servers:
        assert server.kernel_nodes() == NAMES
        assert [node.name for node in server.cluster_conf().cluster.nodes] == NAMES
        assert "generation=1" in server.read("/etc/ovs/pool-config")


def second_has_caught_up(servers: list[Server]) -> None:
    assert servers[1].kernel_nodes() == NAMES
    assert " /OVS " in servers[1].read("/proc/self/mountinfo")


def third_is_forgotten(servers: list[Server]) -> None:
    for server in servers[:2]:
        assert server.kernel_nodes() == NAMES[:2]
        assert len(server.cluster_conf().cluster.nodes) == 2


def third_is_out(servers: list[Server]) -> None:
    gone = servers[2]
    for path in ("etc/ocfs2/cluster.conf", "etc/ovs/repositories", "etc/ovs/pool-config",
                 "etc/systemd/system/ovs-locks.service"):  # fmt: skip
        assert not (gone.root / path).exists()
    assert gone.kernel_nodes() == []
    assert gone.kernel.units["ovs-locks.service"][1] == "inactive"


def fourth_is_in(servers: list[Server]) -> None:
    assert servers[3].kernel_nodes() == NAMES
    assert " /OVS " in servers[3].read("/proc/self/mountinfo")


CASES = {
    "propagate": Case(propagate, everybody_knows_four, edit_here),
    "add to all": Case(configure(add=ADD, to_all=True), everybody_knows_four),
    "remove": Case(configure(remove=ALL[2].name), third_is_forgotten, burn),
    "catch up": Case(
        lambda host: repositories.plan(host, repositories.Request(repositories.START)),
        second_has_caught_up, be_away, 1,
    ),
    "makerepo of a newcomer": Case(
        lambda host: makerepo.plan(host, makerepo.Request(DEVICE, "C", "cluster root")),
        fourth_is_in, add_here, 3,
    ),
    "cleanup": Case(
        lambda host: cleanup.plan(host, cleanup.Request(PROGRAM)), third_is_out, install, 2
    ),
}  # fmt: skip


#: services stop, which cleanup does, lets go of the locks of servers each time anew
CHAINS = [name for name in CASES if name != "cleanup"]


@pytest.mark.parametrize("name", CHAINS)
def test_killed_behind_each_change_in_turn(tmp_path: Path, name: str) -> None:
    """Killed behind its first change, run again and killed behind the next, to the end."""
    case, servers = CASES[name], make_pool(tmp_path, 3)
    case.before(servers)
    kills = 0
    while servers[case.where].killed_behind_first_change(case.make_plan):
        kills += 1
        assert kills < 40
    servers[case.where].carry_out(case.make_plan)
    assert kills > 1
    case.check(servers)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_killed_once_at_any_boundary(tmp_path: Path, name: str) -> None:
    case, boundary, goes_on = CASES[name], 0, True
    while goes_on:
        folder = tmp_path / str(boundary)
        folder.mkdir()
        servers = make_pool(folder, 3)
        case.before(servers)
        goes_on = servers[case.where].killed_after(boundary, case.make_plan)
        servers[case.where].carry_out(case.make_plan)
        case.check(servers)
        boundary += 1
    assert boundary > 2


@pytest.mark.slow
def test_the_receiver_killed_at_any_boundary(tmp_path: Path) -> None:
    """The sender names it; sent once more, it goes on."""
    boundary, goes_on = 0, True
    while goes_on:
        folder = tmp_path / str(boundary)
        folder.mkdir()
        servers = make_pool(folder, 3)
        one, newcomer = servers[0], servers[3]
        newcomer.state = "off"
        one.carry_out(configure(add=ADD, to_all=True))
        letter = next(text for text in one.letters if f'"to": "{newcomer.hostname}"' in text)
        goes_on = newcomer.killed_after(boundary, receiving(letter))
        newcomer.state = "on"
        one.carry_out(propagate)
        everybody_knows_four(servers)
        boundary += 1
    assert boundary > 4
