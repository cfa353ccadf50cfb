"""The white paper's procedure "OCFS2 on iSCSI", step by step, on the lab's servers.

The demo shows these steps and the tests assert on what they return: one code.
"""

from __future__ import annotations

from tests.e2e.journey import Storage, Typist
from tests.lab import targets as lab_targets
from tests.lab.lab import Lab
from tests.lab.outcome import Outcome
from tests.lab.server import Server
from tests.lab.targets import Targets

PORTAL = lab_targets.PORTALS[0]
#: the one of six targets that the pool uses
WANTED = "a2"
IQN = lab_targets.iqn(WANTED)
SOURCE = f"iscsi://{PORTAL}/{IQN}/1"
BY_PATH = f"/dev/disk/by-path/ip-{PORTAL}:3260-iscsi-{IQN}-lun-1"
MAKE = '/usr/lib/ovs/ovs-makerepo {} C "cluster root"'
SIZE_MIB, OTHERS_MIB = 2048, 64
#: 16 journals of 64 MiB do not fit 2 GiB
FORMAT = "--format --journal-size 16M"


def start_targets(lab: Lab) -> Targets:
    """Give the lab the white paper's storage: three portals, six targets, a LUN each."""
    targets = Targets(lab)
    targets.start()
    for name in lab_targets.NAMES:
        targets.add(name, SIZE_MIB if name == WANTED else OTHERS_MIB)
    return targets


def discover(server: Server, typist: Typist) -> Outcome:
    """Steps 2 and 3: start the service, run discovery."""
    typist.say("White paper, iSCSI steps 2 and 3: start the service, run discovery")
    return typist.type(server, f"ovstools iscsi discover {PORTAL}")


def prune(server: Server, typist: Typist) -> list[Outcome]:
    """Steps 4 and 5: delete the entries that are not wanted, verify."""
    typist.say("Steps 4 and 5: delete the entries that are not wanted, verify")
    return [
        typist.type(server, f"ovstools iscsi prune --keep {IQN}@{PORTAL}"),
        typist.type(server, "iscsiadm -m node"),
    ]


def login(server: Server, typist: Typist) -> list[Outcome]:
    """Steps 6 to 8: review the partitions, log in, review them again."""
    typist.say("Steps 6 to 8: review the partitions, log in, review them again: a new device")
    return [
        typist.type(server, "cat /proc/partitions"),
        typist.type(server, "ovstools iscsi login"),
        typist.type(server, "cat /proc/partitions"),
        typist.type(server, "ovstools iscsi list"),
    ]


def make_cluster_root(lab: Lab, typist: Typist) -> list[Outcome]:
    """All of it in one command, on the master, then the same words on each further server."""
    master, *others = lab.servers
    line = MAKE.format(SOURCE)
    return [typist.type(master, f"{line} {FORMAT}"), *typist.together(lab, others, line)]


def by_hand(lab: Lab, typist: Typist) -> None:
    """Go through the white paper's steps on one server, and undo them: one command does all."""
    one = lab.servers[0]
    start_targets(lab)
    typist.say("Three servers, and iSCSI portals with six targets, of which one is wanted")
    discover(one, typist)
    prune(one, typist)
    login(one, typist)
    typist.say("ovs-makerepo does all of this in one command; so first everything back")
    typist.type(one, f"ovstools iscsi logout {IQN} && iscsiadm -m node -o delete")


ISCSI = Storage(SOURCE, by_hand, make_cluster_root)


def records(server: Server) -> list[str]:
    """Return the node records as iscsiadm lists them."""
    return sorted(server.sh("iscsiadm -m node", status=None).lines)


def sessions(server: Server) -> list[str]:
    """Return the sessions as iscsiadm lists them, without their numbers."""
    lines = server.sh("iscsiadm -m session 2>/dev/null", status=None).lines
    return sorted(line.split("] ")[1].removesuffix(" (non-flash)") for line in lines)


def forget(server: Server) -> None:
    """Leave no record and no session, by the system's own tool."""
    server.sh("iscsiadm -m node --logoutall=all; iscsiadm -m node -o delete", status=None)
