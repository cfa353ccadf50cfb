"""A pool on iSCSI: the white paper's steps, one command for all of them, a boot, a power cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.e2e import iscsi_journey, iscsi_stories, journey
from tests.e2e.iscsi_journey import FORMAT, IQN, MAKE, PORTAL, SOURCE
from tests.e2e.iscsi_stories import OFFERED, SECOND, SLOW_S, refused, run, state
from tests.e2e.journey import Typist
from tests.e2e.test_kill import chain
from tests.lab import targets as lab_targets
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.targets import Targets

pytestmark = pytest.mark.lab(scope="module")

_started: list[Targets] = []
_told: dict[Callable[[Server], None], Exception | None] = {}


@pytest.fixture
def targets(lab: Lab) -> Targets:
    """Return the white paper's storage, started once for all tests here."""
    if not _started:
        made = iscsi_journey.start_targets(lab)
        iscsi_stories.add_targets(made)
        _started.append(made)
    return _started[0]


@pytest.fixture(scope="module", autouse=True)
def _stopped() -> Iterator[None]:
    """End the targets with the module."""
    yield
    while _started:
        _started.pop().stop()


STORIES = (
    iscsi_stories.the_white_papers_steps,
    iscsi_stories.chap,
    iscsi_stories.makerepo_that_cannot_be,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.__name__))
def test_on_one_server(lab: Lab, targets: Targets, story: Callable[[Server], None]) -> None:
    """Three stories, told side by side: one server leaves the machine idle."""
    if not _told:
        journey.configure(lab, Typist())
        _told.update(zip(STORIES, lab.on_all(lambda server: tell(lab, server))))
    if error := _told[story]:
        raise error


def tell(lab: Lab, server: Server) -> Exception | None:
    """Tell the server's story; return how it failed."""
    try:
        STORIES[lab.servers.index(server)](server)
    except (AssertionError, LabError, ValueError) as error:
        return error
    return None


# ---------------------------------------------------------------- the pool


#: stands before the real one in ovstools' path, and counts
MKFS_COUNTED = """#!/bin/sh
case "$1" in -n) ;; *) echo "$@" >>/root/formatted ;; esac
exec /usr/sbin/mkfs.ocfs2 "$@"
"""


def test_two_servers_format_one_blank_lun_at_once(lab: Lab, targets: Targets) -> None:
    """The first by the one command alone; the second logged in by the white paper's lines."""
    one, two, _ = lab.servers
    for server in (one, two):
        server.write("/usr/local/sbin/mkfs.ocfs2", MKFS_COUNTED, mode=0o755)
        run(server, f"touch /root/formatted; iscsiadm -m discovery -t st -p {PORTAL}")
    run(two, f"iscsiadm -m node -T {IQN} -p {PORTAL} --login")
    line = f"{MAKE.format(SOURCE)} {FORMAT}"
    more = {one: "", two: " --prune"}
    outcomes = lab.on_all(lambda server: run(server, line + more[server]), [one, two])
    formatted = [len(server.read("/root/formatted").splitlines()) for server in (one, two)]
    assert formatted == [1, 0], "the lowest-numbered node formats, the others wait for it"
    assert all("is mounted at /OVS" in outcome.stdout for outcome in outcomes)
    assert len(iscsi_journey.records(one)) == OFFERED, "only with --prune"


def test_the_third_server_joins(lab: Lab, targets: Targets) -> None:
    one, two, three = lab.servers
    run(three, MAKE.format(SOURCE))
    assert iscsi_journey.records(three) == [f"{PORTAL}:3260,1 {IQN}"]
    uuid = journey.root_uuid(one)
    for server in lab.servers:
        assert journey.root_uuid(server) == uuid
        assert journey.region_is_active(server, uuid)
        assert iscsi_journey.sessions(server) == [f"{PORTAL}:3260,1 {IQN}"]
        assert run(server, "iscsiadm -m node -o show").stdout.count("startup = automatic") == 1
        journey.wait_for_live_nodes(server, 0, 1, 2, timeout_s=SLOW_S)
    assert iscsi_journey.records(two) == [f"{PORTAL}:3260,1 {IQN}"]
    one.write("/OVS/seed_pool/from-one", "one\n")
    assert three.read("/OVS/seed_pool/from-one") == "one\n"


def test_a_session_in_use_is_never_logged_out(lab: Lab, typist: Typist) -> None:
    one = lab.servers[0]
    other = lab_targets.iqn("b0")
    for line in (f"logout {IQN}", f"prune --keep {other}"):
        refused(one, f"ovstools iscsi {line}", "in use; nothing was logged out", "mounted at /OVS")
    refused(one, f"ovstools iscsi prune --keep {IQN}x", "is to be kept, but there is no")
    run(one, f"{MAKE.format(SOURCE)} --prune")
    assert iscsi_journey.records(one) == [f"{PORTAL}:3260,1 {IQN}"]
    before = state(one)
    assert "already mounted at /OVS" in typist.type(one, MAKE.format(SOURCE)).stdout
    assert state(one) == before


def test_the_list_says_what_uses_the_device(lab: Lab) -> None:
    (row,) = run(lab.servers[0], "ovstools iscsi list --json").json()["iscsi"]
    assert (row["target"], row["state"], row["file_system"]) == (IQN, "LOGGED_IN", "ocfs2")
    assert row["portal"] == f"{PORTAL}:3260" and row["size_bytes"] == 2 << 30
    assert row["used_by"] == [f"{row['device']} is mounted at /OVS"]


def leave(server: Server, source: str) -> None:
    """Leave the pool's storage, and be a server that never heard of any target."""
    run(server, f"ovs-offlinerepo -d {source}")
    assert journey.mounted_device(server) is None and journey.listed(server) == []
    assert len(iscsi_journey.sessions(server)) >= 1, "the session stays"
    run(server, f"ovstools iscsi logout {IQN} && iscsiadm -m node -o delete")
    assert iscsi_journey.records(server) == iscsi_journey.sessions(server) == []


def test_killed_behind_each_change_and_over_ipv6(lab: Lab, targets: Targets) -> None:
    three = lab.servers[2]
    leave(three, SOURCE)
    journey.wait_for_live_nodes(lab.servers[0], 0, 1, timeout_s=SLOW_S)
    targets.listen_too(lab_targets.IPV6_PORTAL)
    at = f"[{lab_targets.IPV6_PORTAL}]"
    line = f"makerepo iscsi://{at}/{IQN}/1 C 'cluster root'"
    whole = "test $(iscsiadm -m node 2>/dev/null | wc -l) -le 1"
    assert chain(three, line, whole) == 3, "behind the record, the log-in and the mount"
    assert iscsi_journey.sessions(three) == [f"{at}:3260,1 {IQN}"]
    journey.wait_for_live_nodes(lab.servers[0], 0, 1, 2, timeout_s=SLOW_S)
    assert "already mounted" in run(three, f"ovstools {line}").stdout
    leave(three, f"iscsi://{at}/{IQN}/1")


def test_multipath(lab: Lab, targets: Targets) -> None:
    three = lab.servers[2]
    line = f"{MAKE.format(SOURCE)} --all-portals"
    refused(three, line, "need multipathd")
    three.write("/etc/multipath.conf", "defaults {\n\tfind_multipaths yes\n}\n")
    run(three, "systemctl enable --now multipathd")
    # tgtd tells only of the portal that was asked
    run(three, f"ovstools iscsi discover {SECOND} && ovstools iscsi prune --keep {IQN}")
    run(three, line)
    (listed,) = journey.listed(three)
    name = listed.split()[1]
    assert name.startswith("/dev/mapper/")
    assert journey.mounted_device(three) == name
    assert len(iscsi_journey.sessions(three)) == 2
    rows = run(three, "ovstools iscsi list --json").json()["iscsi"]
    assert {row["device"] for row in rows} == {name}
    path = rows[0]["path"]
    refused(three, MAKE.format(path), "part of another device", "/dev/mapper")
    refused(three, f"ovstools iscsi logout {IQN}@{SECOND}", "in use", "mounted at /OVS")


def healthy(lab: Lab) -> None:
    """Check the cluster on every server."""
    for outcome in lab.on_all(lambda server: run(server, "ovs-cluster-check --json")):
        assert outcome.json()["healthy"] is True, outcome.describe()
        assert not any("iscsi" in found["code"] for found in outcome.json()["findings"])


def test_a_boot_brings_all_back_without_a_hand(lab: Lab) -> None:
    """One server with a single path, one with multipathd."""
    one, two, three = lab.servers
    lab.on_all(lambda server: run(server, "ovstools install-units"))
    devices = [journey.mounted_device(server) for server in (two, three)]
    uuid = journey.root_uuid(one)
    one.write("/OVS/seed_pool/before-the-boot", "one\n")
    lab.on_all(lambda server: server.reboot(), [two, three])
    for server, device in zip((two, three), devices):
        assert journey.mounted_device(server) == device
        assert journey.region_is_active(server, uuid)
        assert server.read("/OVS/seed_pool/before-the-boot") == "one\n"
        assert server.sh("systemctl --failed --no-legend").stdout == ""
    journey.wait_for_live_nodes(one, 0, 1, 2, timeout_s=SLOW_S)
    healthy(lab)


def test_the_check_knows_when_no_boot_would(lab: Lab) -> None:
    two = lab.servers[1]
    update = f"iscsiadm -m node -T {IQN} -p {PORTAL} -o update -n node.startup -v"
    two.sh(f"{update} manual")
    outcome = run(two, "ovs-cluster-check --json")
    assert "iscsi-not-at-boot" in [found["code"] for found in outcome.json()["findings"]]
    two.sh(f"{update} automatic")


def test_a_power_cut(lab: Lab, typist: Typist) -> None:
    three = lab.servers[2]
    cut = journey.cut_power(lab, typist, three)
    assert (cut.before, cut.after) == ({0, 1, 2}, {0, 1})
    three.power_on()
    assert three.exists("/OVS/written after the power cut")
    for server in lab.servers:
        journey.wait_for_live_nodes(server, 0, 1, 2, timeout_s=SLOW_S)


def test_offline(lab: Lab) -> None:
    """By the words of makerepo; then there is nothing that a log-out would take away."""
    line = f"systemctl stop ovs-agent && ovs-offlinerepo -d {SOURCE}"
    lab.on_all(lambda server: run(server, line))
    for server in lab.servers:
        assert journey.mounted_device(server) is None and journey.listed(server) == []
    lab.on_all(lambda server: run(server, f"ovstools iscsi logout {IQN}"))
    assert [iscsi_journey.sessions(server) for server in lab.servers] == [[], [], []]
