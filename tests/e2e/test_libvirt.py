"""Guest HA with libvirt's QEMU guests: power cuts, migrations, starts by hand, and races of both.

Every test begins at the same kept moment, two guests running on two servers, and ends with one
check of it all: libvirt_pool.whole().
"""

from __future__ import annotations

import pytest

from ovstools.model.owner_record import GuestState
from tests.e2e import ha_guests, pools
from tests.e2e.ha_guests import Guest
from tests.e2e.ha_pool import AGENT, LIMIT_S, Pool, at_moment
from tests.e2e.libvirt_pool import O2NET, SSH, VIRSH, Wire, make, owner, processes, whole
from tests.lab.guests import QEMU
from tests.lab.job import Job
from tests.lab.lab import Lab
from tests.lab.lives import Life
from tests.lab.outcome import Outcome
from tests.lab.server import Server

pytestmark = pytest.mark.lab(scope="module", servers=2, begin=(pools.ocfs2_root,))

ONE, TWO = "vmserver1.example.com", "vmserver2.example.com"
WEB1 = Guest("web1", ONE, hypervisor=QEMU)
#: it may run on the second server only
DB1 = Guest("db1", TWO, (TWO,), is_strict=True, hypervisor=QEMU)
HOMES = {"web1": ONE, "db1": TWO}
DEFINITION = f"{WEB1.folder}/vm.xml"
RECORD = f"/OVS/.ovs/locks/guest-{WEB1.name}"


@pytest.fixture
def pool(lab: Lab) -> Pool:
    """Return the pool at the moment when both guests run at home."""
    return at_moment("libvirt", lambda: make(lab, (WEB1, DB1)))


def lives(pool: Pool, guest: Guest) -> list[Life]:
    """Return a guest's runs so far; fail when two ran at once."""
    return ha_guests.lives(pool.any, guest)


def migrate(server: Server) -> Job:
    """Begin to move the guest from the first server to the second."""
    return server.start("ovstools", "vm", "migrate", WEB1.name, TWO)


def migrate_half_way(pool: Pool, teller: str) -> Job:
    """Tell a server to migrate, and wait until the memory is on its way: it takes 9 s, at 1 MiB/s.

    The record says so by then, and a copy of the guest waits at the other end.
    """
    pool.named(ONE).sh(f"{VIRSH} migrate-setspeed {WEB1.name} 1")
    job = migrate(pool.named(teller))
    copy = f"{VIRSH} domstate --reason {WEB1.name} | grep -qx 'paused (migrating)'"
    line = f"grep -q '^state=migrating' {RECORD} && {copy}"
    pool.named(TWO).wait_until(line, LIMIT_S, poll_s=0.05)
    return job


def test_power_cut(pool: Pool) -> None:
    assert whole(pool) == HOMES
    pool.named(ONE).cut_power()
    assert whole(pool) == {"web1": TWO, "db1": TWO}
    assert [life.server for life in lives(pool, WEB1)] == [ONE, TWO]
    assert len(lives(pool, DB1)) == 1


def test_live_migration(pool: Pool) -> None:
    (before,) = lives(pool, WEB1)
    wire = Wire(pool.lab.servers)
    migrate(pool.named(ONE)).wait(LIMIT_S, status=0)
    seen = wire.between()
    assert whole(pool) == {"web1": TWO, "db1": TWO}
    (after,) = lives(pool, WEB1)
    assert after.ident == before.ident and after.server == TWO, "it has not noticed"
    ports = {each.ours[1] if each.ours[1] in (SSH, O2NET) else each.theirs[1] for each in seen}
    assert ports == {SSH, O2NET}, seen
    assert not [each for each in seen if "qemu" in each.users]
    assert owner(pool, WEB1).owner == TWO


def test_the_source_dies_half_way(pool: Pool) -> None:
    job = migrate_half_way(pool, TWO)
    pool.named(ONE).cut_power()
    assert whole(pool) == {"web1": TWO, "db1": TWO}
    job.wait(LIMIT_S)


def test_the_source_dies_when_all_has_been_sent(pool: Pool) -> None:
    """Its agent hangs, so it still has the lock: the copy that waits elsewhere is the guest."""
    one, two = pool.named(ONE), pool.named(TWO)
    (before,) = lives(pool, WEB1)
    job = migrate_half_way(pool, TWO)
    one.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", AGENT)
    two.wait_until(f"{VIRSH} domstate --reason {WEB1.name} | grep -qx 'paused (user)'", LIMIT_S)
    one.cut_power()
    assert whole(pool) == {"web1": TWO, "db1": TWO}
    assert [life.ident for life in lives(pool, WEB1)] == [before.ident], "it went on"
    job.wait(LIMIT_S)


def test_the_target_dies_half_way(pool: Pool) -> None:
    (before,) = lives(pool, WEB1)
    job = migrate_half_way(pool, ONE)
    pool.named(TWO).cut_power()
    assert whole(pool, off=(DB1,)) == {"web1": ONE}
    assert [life.ident for life in lives(pool, WEB1)] == [before.ident], "it ran on"
    assert job.wait(LIMIT_S, status=1)
    assert owner(pool, WEB1).state is GuestState.RUNNING


def test_a_start_by_hand_elsewhere_is_refused(pool: Pool) -> None:
    two = pool.named(TWO)
    lines = (f"{VIRSH} create {DEFINITION}",
             f"{VIRSH} define {DEFINITION} && {VIRSH} start {WEB1.name}")  # fmt: skip
    for line in lines:
        refused = two.sh(line, status=1)
        assert f"its record names {ONE}, running" in refused.stderr, refused.describe()
    two.sh(f"{VIRSH} undefine {WEB1.name}")
    assert whole(pool) == HOMES
    assert len(lives(pool, WEB1)) == 1


def create(server: Server) -> Outcome:
    """Start the guest by hand."""
    return server.sh(f"{VIRSH} create {DEFINITION}", status=None, timeout_s=LIMIT_S)


def start_at_once(pool: Pool) -> Server:
    """Let both servers start the guest at the same time; return the one that did."""
    before = len(lives(pool, WEB1))
    said = pool.lab.on_all(create)
    won = [server for server, outcome in zip(pool.lab.servers, said) if outcome.status == 0]
    assert len(won) == 1, [outcome.describe() for outcome in said]
    assert processes(pool.lab)[WEB1.name] == [won[0].name]
    pool.wait(lambda: len(lives(pool, WEB1)) == before + 1, "it writes")
    pool.wait(lambda: owner(pool, WEB1).state is GuestState.RUNNING, "its agent has seen it")
    assert owner(pool, WEB1).owner == won[0].name
    return won[0]


def test_two_servers_start_it_at_once(pool: Pool) -> None:
    one = pool.named(ONE)
    one.run("ovstools", "vm", "stop", WEB1.name, timeout_s=LIMIT_S)
    one.run("ovstools", "pool", "ha", "off", timeout_s=LIMIT_S)  # the hook holds all the same
    for _ in range(3):
        start_at_once(pool).sh(f"{VIRSH} destroy {WEB1.name}")
        pool.wait(lambda: owner(pool, WEB1).state is GuestState.STOPPED, "it is let go")
        pool.wait(lambda: WEB1.name not in pool.locked(), "its lock is free")
    one.run("ovstools", "pool", "ha", "on", timeout_s=LIMIT_S)
    one.run("ovstools", "vm", "start", WEB1.name, timeout_s=LIMIT_S)
    assert whole(pool)["db1"] == TWO
