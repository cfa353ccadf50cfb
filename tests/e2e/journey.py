"""The white paper's procedure "OCFS2 on SAN", step by step, on the lab's servers.

The demo shows these steps and the tests assert on what they return: one code.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.lab.lab import Lab
from tests.lab.outcome import Outcome
from tests.lab.server import Server

DEVICE = "/dev/sdb1"
LIVE_NODES = "/sys/kernel/debug/o2hb/livenodes"
#: the shortest that o2cb's init script takes: a dead server is declared dead after 14 s
TIMING = "threshold=7,idle=10000"
#: 16 journals of 64 MiB fit the lab's 4 GiB, but take a minute to write under emulation
WHITE_PAPER_MKFS = "mkfs.ocfs2 -L mylabel -b 4K -C 4K -J size=64M -N 16 /dev/sdb1"


class Typist:
    """Runs command lines on servers; a demo shows them, a test does not."""

    def type(
        self, server: Server, line: str, status: int | None = 0, timeout_s: float = 180
    ) -> Outcome:
        """Run a line as a person would type it."""
        return server.sh(line, status=status, timeout_s=timeout_s)

    def say(self, text: str) -> None:
        """Tell what comes."""

    def together(self, lab: Lab, servers: Sequence[Server], line: str) -> list[Outcome]:
        """Run the same line on several servers at once."""
        return lab.on_all(lambda server: self.type(server, line), servers)


def node_options(servers: Sequence[Server]) -> str:
    """Return --node for each server."""
    return " ".join(f"--node {server.name}={server.address}" for server in servers)


def configure(lab: Lab, typist: Typist, timing: str = TIMING) -> list[Outcome]:
    """Step 1: cluster.conf and o2cb on every server."""
    line = f"ovs-cluster-configure {node_options(lab.servers)} --timing {timing}"
    return typist.together(lab, lab.servers, line)


def make_cluster_root(lab: Lab, typist: Typist, form: str = "--format") -> list[Outcome]:
    """Step 2: the cluster root on the master, then the same words on each further server."""
    master, *others = lab.servers
    first = typist.type(
        master, f'/usr/lib/ovs/ovs-makerepo {DEVICE} C "cluster root" {form}'.strip()
    )
    line = f'/usr/lib/ovs/ovs-makerepo {DEVICE} C "cluster root"'
    return [first, *typist.together(lab, others, line)]


def show_disks(lab: Lab, typist: Typist) -> None:
    """White paper, SAN step 1: review the partitions."""
    typist.say("Three servers, one shared disk: /dev/sdb with a partition, the same on all")
    typist.type(lab.servers[0], "cat /proc/partitions")


@dataclass(frozen=True)
class Storage:
    """A kind of storage: the source of its cluster root, how to show it, how to make that.

    is_formatted: it is a device; an export has its file system already.
    """

    source: str
    show: Callable[[Lab, Typist], None]
    make_cluster_root: Callable[[Lab, Typist], list[Outcome]]
    is_formatted: bool = True


SAN = Storage(DEVICE, show_disks, make_cluster_root)


def start_at_boot(lab: Lab, typist: Typist) -> None:
    """Let every server mount its repositories at boot."""
    typist.together(lab, lab.servers, "ovstools install-units")


def make_pool(lab: Lab, typist: Typist | None = None) -> None:
    """Make the whole pool."""
    typist = typist or Typist()
    configure(lab, typist)
    make_cluster_root(lab, typist)


def live_nodes(server: Server) -> set[int]:
    """Return the numbers of the nodes that the server's kernel sees alive."""
    return {int(word) for word in server.read(LIVE_NODES).split()}


def wait_for_live_nodes(server: Server, *numbers: int, timeout_s: float = 10) -> None:
    """Wait until the server sees exactly these nodes alive: who leaves cleanly goes in a beat."""
    words = " ".join(map(str, numbers))
    server.wait_until(f"test \"$(echo $(cat {LIVE_NODES}))\" = '{words}'", timeout_s)


def mounted_device(server: Server, mountpoint: str = "/OVS") -> str | None:
    """Return which device is mounted there, from mountinfo."""
    for line in server.read("/proc/self/mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        if fields.split()[4] == mountpoint:
            return rest.split()[1]
    return None


def listed(server: Server) -> list[str]:
    """Return the lines of /etc/ovs/repositories that are no comments."""
    lines = server.read("/etc/ovs/repositories").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def root_uuid(server: Server) -> str:
    """Return the UUID of the cluster root, as listed."""
    (line,) = [line for line in listed(server) if line.startswith("@")]
    match = re.fullmatch(r"@([0-9A-F]{32}) \S+", line)
    assert match, line
    return match[1]


def region_is_active(server: Server, uuid: str) -> bool:
    """Tell from configfs whether the server heartbeats in the region."""
    path = f"/sys/kernel/config/cluster/ocfs2/heartbeat/{uuid}/pid"
    return bool(server.sh(f"cat {path}", status=None).stdout.strip())


@dataclass(frozen=True)
class PowerCut:
    """What the survivors saw; seconds from the cut."""

    before: set[int]
    after: set[int]
    declared_dead_s: float
    written_s: float


def cut_power(lab: Lab, typist: Typist, victim: Server) -> PowerCut:
    """Cut a server's power; wait until a survivor's kernel calls it dead, and write."""
    survivors = [server for server in lab.servers if server is not victim]
    witness, writer = survivors[0], survivors[-1]
    before = live_nodes(witness)
    number = lab.servers.index(victim)
    begin = time.monotonic()
    victim.cut_power()
    # The writer's file needs the dead server's locks to be recovered first.
    line = f"date > /OVS/{shlex.quote('written after the power cut')} && sync -f /OVS"
    witness.wait_until(f"! grep -qw {number} {LIVE_NODES}", timeout_s=60)
    declared_dead_s = time.monotonic() - begin
    typist.type(writer, line, timeout_s=90)
    written_s = time.monotonic() - begin
    return PowerCut(before, live_nodes(witness), declared_dead_s, written_s)
