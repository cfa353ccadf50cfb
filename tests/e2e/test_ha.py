"""Guest HA on a real pool: what befalls servers and agents, and that each guest then runs once.

Every test begins at the same kept moment, four guests running on three servers, and ends with one
check of it all: Pool.whole().
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.e2e import ha_guests, journey, pools
from tests.e2e.ha_guests import Guest
from tests.e2e.ha_pool import AGENT, LIMIT_S, Happening, Pool, at_moment
from tests.lab import moment
from tests.lab.lab import Lab
from tests.lab.lives import Life, parse_log
from tests.lab.server import Server

pytestmark = pytest.mark.lab(scope="module", begin=(pools.ocfs2_root,))

Record = Callable[[str, object], None]
ONE, TWO, THREE = (f"vmserver{number}.example.com" for number in (1, 2, 3))
WEB1, WEB2 = Guest("web1", ONE), Guest("web2", TWO)
#: where it likes to be, and where alone it may be
DB1, DB2 = Guest("db1", THREE, (THREE, ONE)), Guest("db2", TWO, (TWO, THREE), is_strict=True)
GUESTS = (WEB1, WEB2, DB1, DB2)
HOMES = {"web1": ONE, "web2": TWO, "db1": THREE, "db2": TWO}
#: T x 2 s
HEARTBEAT_LIMIT_S = 14
MOMENT = "ha"


@pytest.fixture
def pool(lab: Lab) -> Pool:
    """Return the pool at the moment when every guest runs at home."""
    return at_moment(MOMENT, lambda: make(lab))


def make(lab: Lab) -> Pool:
    """Return a pool whose guests run at home.

    A first start asks every agent twice; where the machine is too loaded for that, it is refused,
    and the guest starts elsewhere.
    """
    pool = Pool(lab, GUESTS)
    pool.make()
    pool.policy()
    for guest in GUESTS:
        pool.add(guest)
    homes = pool.whole()
    for guest in [each for each in GUESTS if homes[each.name] != HOMES[each.name]]:
        home = HOMES[guest.name]
        pool.any.run("ovstools", "vm", "relocate", guest.name, home, timeout_s=LIMIT_S)
    return pool


def lives(pool: Pool) -> dict[str, list[str]]:
    """Return each guest's runs so far, by name."""
    return {
        guest.name: [life.ident for life in ha_guests.lives(pool.any, guest)]
        for guest in pool.guests
    }


def last_life(pool: Pool, guest: Guest) -> Life:
    """Return a guest's latest run."""
    return ha_guests.lives(pool.any, guest)[-1]


def agent_pid(server: Server) -> str:
    """Return the pid of a server's agent; 0: it does not run."""
    return server.run("systemctl", "show", "-P", "MainPID", AGENT).stdout.strip()


def record_failover(pool: Pool, record: Record, since: float) -> None:
    """Note what took how long, part by part, the kernel's share beside ours."""
    for each in pool.events():
        if each.event in ("ordered", "started") and each.parts and stamp(each) > since:
            record(f"{each.event} {each.guest}", dict(each.parts))


def stamp(happening: Happening) -> float:
    """Return when it happened, in seconds; the servers' clocks are set alike."""
    whole, _, parts = happening.time.rstrip("Z").partition(".")
    moment_ = time.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    return time.mktime(moment_) - time.timezone + float(f"0.{parts or 0}")


def test_a_second_writer_would_be_noticed() -> None:
    first, second = (f"{letter * 8}-0000-0000-0000-{letter * 12}" for letter in "ab")
    lines = [f"one {first} 1", f"one {first} 2", f"two {second} 1", f"two {second} 2"]
    ran = parse_log("\n".join(lines))
    assert [(life.server, life.counts) for life in ran] == [("one", (1, 2)), ("two", (1, 2))]
    with pytest.raises(AssertionError, match="two writers"):
        parse_log("\n".join([*lines, f"one {first} 3"]))


def test_start_of_the_pool(pool: Pool) -> None:
    assert pool.whole() == HOMES
    assert all(len(runs) == 1 for runs in lives(pool).values()), "started once"
    said = [(each.event, each.guest) for each in pool.events()]
    for guest in GUESTS:
        assert said.index(("certificate", guest.name)) < said.index(("started", guest.name))


def test_nobody_pulls_the_floor_away(pool: Pool) -> None:
    """In whatever order somebody stops things below guests: the guests run on."""
    two, before = pool.named(TWO), lives(pool)
    two.wait_until("test $(systemctl show -P RefuseManualStop ocfs2) = yes")
    pool.policy(stale="6")
    for line in ("ovs-offlinerepo /OVS", "ovstools repositories stop"):
        outcome = two.sh(line, status=4, timeout_s=180)
        assert WEB2.name in outcome.stderr or DB2.name in outcome.stderr, outcome.describe()
    for agent_runs in (True, False):
        if not agent_runs:
            two.run("systemctl", "stop", AGENT)
        for unit in ("ovsrepositories", "ocfs2", "o2cb", "ovs-locks"):
            outcome = two.run("systemctl", "stop", unit, status=None)
            assert outcome.status != 0 and "refused" in outcome.stderr, outcome.describe()
        assert journey.mounted_device(two) == journey.DEVICE
    outcome = two.sh("ovstools services stop", status=4, timeout_s=180)
    assert WEB2.name in outcome.stderr, outcome.describe()
    time.sleep(8)  # its agent is silent by now: that is no reason to start anything elsewhere
    assert pool.whole() == HOMES
    two.run("systemctl", "start", AGENT)
    pool.wait(lambda: TWO in fresh_reports(pool), "its agent is back")
    assert pool.whole() == HOMES
    assert lives(pool) == before, "nobody was started anew"


def fresh_reports(pool: Pool) -> list[str]:
    """Name the servers whose agent lives."""
    return [name for name in pool.reports() if agent_pid(pool.named(name)) != "0"]


def test_a_guest_crashes_or_shuts_down(pool: Pool) -> None:
    before = lives(pool)
    one, two = pool.named(ONE), pool.named(TWO)
    two.sh(f"pkill --signal KILL --full '^/bin/bash {WEB2.folder}/'")
    one.sh(f"touch {WEB1.folder}/off")
    pool.wait(lambda: last_life(pool, WEB2).ident not in before["web2"], "it is started again")
    homes = pool.whole(off=(WEB1,))
    assert homes == {name: home for name, home in HOMES.items() if name != "web1"}, "in place"
    assert [each.text for each in pool.events() if each.event == "stopped by a person"]
    pool.wish(WEB1, "stopped")
    pool.wait(lambda: not pool.json("orders.json")["guests"]["web1"].get("halted"), "noted")
    pool.wish(WEB1, "started")
    assert pool.whole() == HOMES


def test_a_killed_agent_comes_back_and_finds_its_guests(pool: Pool) -> None:
    before = lives(pool)
    for server in pool.lab.servers:  # the master too
        pid = agent_pid(server)
        server.run("kill", "-KILL", pid)
        server.wait_until(f"test $(systemctl show -P MainPID {AGENT}) -gt 0")
        assert agent_pid(server) != pid
    pool.wait(lambda: pool.json("orders.json")["epoch"] > 1, "somebody is master again")
    assert pool.whole() == HOMES
    assert lives(pool) == before


def test_the_master_hangs(pool: Pool) -> None:
    """systemd's watchdog kills it; until then nobody decides, and guests run on."""
    master = pool.master()
    epoch = pool.json("orders.json")["epoch"]
    others = [guest for guest in GUESTS if HOMES[guest.name] != master.name]
    pid = agent_pid(master)
    master.run("kill", "-STOP", pid)
    pool.home(others[0]).sh(f"pkill --signal KILL --full '^/bin/bash {others[0].folder}/'")
    pool.wait(lambda: pool.json("orders.json")["epoch"] > epoch, "another one is master")
    assert agent_pid(master) != pid
    homes = pool.whole()
    assert homes == HOMES, "restarted in place, and nobody else"


def test_maintenance(pool: Pool) -> None:
    pool.policy(maintenance=f"[{TWO}]")
    pool.wait(lambda: TWO not in pool.agents_say().values(), "all have left")
    homes = pool.whole()
    assert homes["db2"] == THREE and homes["web2"] in (ONE, THREE)
    pool.policy()
    pool.wait(lambda: pool.agents_say() == HOMES, "they come back")
    assert pool.whole() == HOMES


def test_planned_shutdown_and_return(pool: Pool) -> None:
    three = pool.named(THREE)
    three.shutdown()
    assert pool.whole() == {**HOMES, "db1": ONE}
    said = [each for each in pool.events() if (each.event, each.guest) == ("certificate", "db1")]
    assert "released: the record says stopped" in said[-1].proofs, "nobody waited for a death"
    three.power_on()
    pool.wait(lambda: pool.agents_say() == HOMES, "it fails back")
    assert pool.whole() == HOMES


def test_power_cut_of_the_master(pool: Pool, record_property: Record) -> None:
    since = time.time()
    pool.named(ONE).cut_power()
    homes = pool.whole()
    assert homes == {**HOMES, "web1": homes["web1"]} and homes["web1"] in (TWO, THREE)
    record_failover(pool, record_property, since)


def test_isolated_server(pool: Pool, record_property: Record) -> None:
    """Cut off from the others it fences itself, and only then its guests start elsewhere."""
    two, since = pool.named(TWO), time.time()
    two.isolate()
    two.wait_until_off(120)
    assert "very sorry to be fencing" in two.console()
    homes = pool.whole()
    assert homes["db2"] == THREE and homes["web2"] in (ONE, THREE)
    assert [homes["web1"], homes["db1"]] == [ONE, THREE]
    record_failover(pool, record_property, since)


def test_storage_lost_on_one_server(pool: Pool, record_property: Record) -> None:
    three, since = pool.named(THREE), time.time()
    three.lose_storage()
    three.wait_until_off(60)
    assert "Heartbeat write timeout" in three.console()
    assert pool.whole() == {**HOMES, "db1": ONE}
    record_failover(pool, record_property, since)


#: what makes a blank server this one; and where its kernel tells boots apart
CONFIGURATION = "/etc/ocfs2 /etc/default/o2cb /etc/ovs /etc/systemd/system"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def keep_booted(pool: Pool, server: Server, name: str) -> None:
    """Keep a state of the server in which it has just booted, configured but not heartbeating.

    A real boot takes longer here than the heartbeat limit. Saved states have one boot id.
    """
    configuration = server.sh(f"tar -cz {CONFIGURATION} | base64").stdout
    pool.lab.begin_anew(server)
    server.run("sh", "-c", "base64 -d | tar -xz -C /", input=configuration)
    server.sh(f"cat /proc/sys/kernel/random/uuid >/run/id && mount --bind /run/id {BOOT_ID}")
    server.sh("systemctl daemon-reload && systemctl restart o2cb", timeout_s=180)
    moment.keep_server(pool.lab, server, name)


def test_reboot_within_the_heartbeat_limit(pool: Pool, record_property: Record) -> None:
    """Nobody misses it, but its locks are gone: its guests start anew, for they are not there."""
    three, before = pool.named(THREE), lives(pool)
    keep_booted(pool, three, "booted")
    moment.go_back(pool.lab, MOMENT)
    begin = time.monotonic()
    moment.begin_as(pool.lab, three, "booted")
    # by hand, for an emulated server's ovsrepositories looks at everything for too long
    three.start("sh", "-c", f"mkdir --parents /OVS && mount -t ocfs2 {journey.DEVICE} /OVS")
    pool.wait(lambda: journey.region_is_active(three, pool.uuid), "it heartbeats", pause_s=0.1)
    gone_s = time.monotonic() - begin
    record_property("gone_s", gone_s)
    three.start("systemctl", "start", "ovsrepositories", "ovs-locks", "ovs-agent")
    pool.wait(lambda: last_life(pool, DB1).ident not in before["db1"], "it is started anew")
    homes = pool.whole()
    said = [each for each in pool.events() if (each.event, each.guest) == ("certificate", "db1")]
    if gone_s < HEARTBEAT_LIMIT_S - 2:  # else it was declared dead: a power cut, another test's
        assert homes == HOMES
        assert f"{THREE}: asked here" in said[-1].proofs, said
