"""Guest HA on NFS: locks on the pool file system in the heartbeat file, guests on the export.

One story: each test begins where the one before it ended.
"""

from __future__ import annotations

import pytest

from tests.e2e import journey, nfs_journey
from tests.e2e.ha_guests import Guest
from tests.e2e.ha_pool import Pool
from tests.e2e.journey import Typist
from tests.e2e.nfs_journey import FILE, POOL, SOURCE
from tests.e2e.test_kill import chain, is_killed
from tests.lab import fileserver
from tests.lab.fileserver import FileServer
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.settings import STORAGE_ADDRESS

pytestmark = pytest.mark.lab(scope="module")

MAKE = f"ovs-makerepo {SOURCE} C 'Cluster Root' --heartbeat-size 128M"
ONE, TWO, THREE = (f"vmserver{number}.example.com" for number in (1, 2, 3))
GUESTS = (
    Guest("web1", ONE),
    Guest("web2", TWO),
    Guest("db1", THREE, (THREE, ONE), is_strict=True),
)
HOMES = {"web1": ONE, "web2": TWO, "db1": THREE}
#: when an isolated or hanging server has surely fenced itself: T of 7 is 12 s
FENCED_S = 120.0
LIST = "/etc/ovs/repositories"


@pytest.fixture
def pool(lab: Lab) -> Pool:
    """Return the pool that the first two tests make."""
    return Pool(lab, GUESTS, folder=POOL)


def test_makerepo_killed_behind_each_change(lab: Lab, typist: Typist) -> None:
    """From the blank export on: no file is half-written, one heartbeat file, one loop device."""
    files, one = FileServer(lab), lab.servers[0]
    files.start()
    journey.configure(lab, typist)
    whole = (
        f"test ! -e {FILE} || test $(stat -c %s {FILE}) = {128 << 20};"
        " test $(losetup --list --noheadings | wc -l) -le 1;"
        f" test ! -e {LIST} || grep -qE '^@[0-9A-F]+ {SOURCE}$' {LIST};"
        " test ! -e /OVS/.ovsrepo || grep -q '^SHARED=C$' /OVS/.ovsrepo"
    )
    # What is not published yet is begun anew, so each run goes one change further than the last.
    line, kills, behind = MAKE.replace("ovs-", "", 1), 0, 1
    published = [one.exists(FILE), one.exists("/OVS/.ovsrepo")]
    while is_killed(one, line, whole, behind):
        before, published = published, [one.exists(FILE), one.exists("/OVS/.ovsrepo")]
        kills, behind = kills + 1, behind + 1 if published == before else 1
        assert kills < 40
    assert kills > 6
    assert journey.mounted_device(one) == SOURCE and len(nfs_journey.attached(one)) == 1
    assert nfs_journey.direct_io(one) == "1"
    assert journey.region_is_active(one, nfs_journey.heartbeat_uuid(one))
    there = [path.name for path in files.path(fileserver.ROOT).glob(".server_pool_hb*")]
    assert there == [".server_pool_hb"]
    assert "already mounted" in one.sh(MAKE).stdout
    # by its source: its description cannot be read any more once it is unmounted
    offline = f"offlinerepo -d {SOURCE}"
    assert chain(one, offline, "test $(losetup --list --noheadings | wc -l) -le 1") >= 1
    assert nfs_journey.attached(one) == [] and journey.mounted_device(one) is None


def test_guests_start(pool: Pool, typist: Typist) -> None:
    typist.together(pool.lab, pool.lab.servers, MAKE)
    pool.make()
    pool.policy()
    for guest in GUESTS:
        pool.add(guest)
    assert set(pool.whole()) == set(HOMES)
    assert not pool.any.exists("/OVS/.ovs/locks"), "nothing of the pool is on the export"


def lose_file_server(server: Server) -> None:
    """Let nothing of it reach the file server, nor ssh from there; it reaches the other servers."""
    line = f"ip neigh replace {STORAGE_ADDRESS} lladdr 02:00:00:00:00:fe nud permanent dev eth0"
    server.run("systemd-run", "--on-active=5", *line.split())


def test_storage_hangs_on_one_server(pool: Pool) -> None:
    three, before = pool.named(THREE), pool.where()
    lose_file_server(three)
    three.wait_until_off(FENCED_S)
    assert "Heartbeat write timeout" in three.console()
    homes = pool.whole()
    assert homes["db1"] == ONE and set(homes.values()) <= {ONE, TWO}
    assert all(homes[guest] == at[0] for guest, at in before.items() if at != [THREE]), "stayed"


def test_isolated_server(pool: Pool) -> None:
    """Two are left; the network takes the storage with it, so the one cut off is the one to go."""
    two = pool.named(TWO)
    two.isolate()
    two.wait_until_off(FENCED_S)
    assert "very sorry to be fencing" in two.console()
    assert set(pool.whole().values()) == {ONE}


def test_power_cut_of_the_master(pool: Pool) -> None:
    """After the others have come back by themselves, and the guest that may go home has."""
    pool.named(TWO).reconnect()
    for name in (TWO, THREE):
        pool.named(name).power_on(settle=False)
    journey.wait_for_live_nodes(pool.named(ONE), 0, 1, 2, timeout_s=300)
    pool.wait(lambda: pool.agents_say().get("db1") == THREE, "db1 fails back")
    assert pool.master().name == ONE
    pool.named(ONE).cut_power()
    homes = pool.whole()
    assert homes["db1"] == THREE and set(homes.values()) <= {TWO, THREE}
