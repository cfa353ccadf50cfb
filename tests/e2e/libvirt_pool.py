"""A pool of servers with QEMU guests under HA, brought up by ovstools' own commands."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ovstools.model.owner_record import OwnerRecord, parse_record
from tests.e2e import ha_guests
from tests.e2e.ha_guests import Guest
from tests.e2e.ha_pool import LIMIT_S, Pool
from tests.lab import guests as beating
from tests.lab.guests import QEMU
from tests.lab.job import Job
from tests.lab.lab import Lab
from tests.lab.server import Server

VIRSH = f"virsh --connect {QEMU}"
#: what an established connection is to be between two servers: ssh's, or o2net's
SSH, O2NET = 22, 7777
#: prints all connections, again and again
WATCH = "while :; do ss --no-header --tcp --numeric --processes; echo; sleep 0.1; done"


def make(lab: Lab, guests: Sequence[Guest]) -> Pool:
    """Return a pool whose guests are about to start, each at home."""
    pool = Pool(lab, guests, QEMU)
    pool.make()
    pool.policy()
    lab.on_all(_hook)
    for _ in range(2):  # each publishes its key, then each learns the others'
        lab.on_all(lambda server: server.run("ovstools", "ssh-setup", timeout_s=LIMIT_S))
    for guest in guests:
        _add(pool.named(guest.home), guest)
    return pool


def _hook(server: Server) -> None:
    server.run("ovstools", "install-hook", timeout_s=LIMIT_S)
    server.run("systemctl", "restart", "libvirtd", timeout_s=LIMIT_S)


def _add(server: Server, guest: Guest) -> None:
    made = beating.make_guest(server, QEMU, guest.name)
    preferred = [word for name in guest.servers for word in ("--preferred", name)]
    # its second disk is each server's own /etc/hostname
    line = ("vm", "add", guest.name, made.definition, "--in-place", *preferred)
    server.run("ovstools", *line, timeout_s=LIMIT_S)
    values = ("state=started", *(("policy=manual",) if guest.is_strict else ()))
    server.run("ovstools", "vm", "set", guest.name, *values, timeout_s=LIMIT_S)


def whole(pool: Pool, off: Collection[Guest] = ()) -> dict[str, str]:
    """Check what must hold after every case, see Pool.whole; return where each guest runs.

    No server has a further QEMU process of any guest, paused or half gone, and no line that a
    guest has written was lost, as it would be when two wrote to one sector.
    """
    homes = pool.whole(off)
    assert processes(pool.lab) == {name: [home] for name, home in homes.items()}
    for guest in pool.guests:
        for life in ha_guests.lives(pool.any, guest):
            assert life.counts == tuple(range(1, len(life.counts) + 1)), (guest.name, life)
    return homes


def processes(lab: Lab) -> dict[str, list[str]]:
    """Ask every server's kernel for processes of guests."""
    found: dict[str, list[str]] = {}
    running = [server for server in lab.servers if server.is_on()]
    line = "pgrep -af '[q]emu-system-x86_64 -name guest=' || true"
    for server, said in zip(running, lab.on_all(lambda each: each.sh(line), running)):
        for name in re.findall(r"-name guest=([^,]+),", said.stdout):
            found.setdefault(name, []).append(server.name)
    return found


def owner(pool: Pool, guest: Guest) -> OwnerRecord:
    """Read who the guest's owner record says it is."""
    text = pool.any.read(f"/OVS/.ovs/locks/guest-{guest.name}")
    record = parse_record(text.encode())
    assert isinstance(record, OwnerRecord), text
    return record


@dataclass(frozen=True)
class Connection:
    """One line of ss(8): an established connection and whose it is."""

    ours: tuple[str, int]
    theirs: tuple[str, int]
    users: str


class Wire:
    """Who is connected with whom, on several servers, from its making until it is read."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._jobs: Mapping[str, Job] = {
            server.address: server.start("bash", "-c", WATCH) for server in servers
        }

    def read(self) -> set[Connection]:
        """Stop, and return all connections that were seen."""
        found = set()
        for job in self._jobs.values():
            job.kill()
            found |= set(parse_connections(job.output()))
        return found

    def between(self) -> set[Connection]:
        """Stop, and return those between two of the servers."""
        return {each for each in self.read() if each.theirs[0] in self._jobs}


def parse_connections(text: str) -> list[Connection]:
    """Read the established connections in ss(8)'s output."""
    found = []
    for line in text.splitlines():
        state, _, rest = line.partition(" ")
        if state != "ESTAB":
            continue
        _, _, ours, theirs, *users = rest.split()
        found.append(Connection(_end(ours), _end(theirs), " ".join(users)))
    return found


def _end(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    return address.strip("[]").replace("::ffff:", ""), int(port)
