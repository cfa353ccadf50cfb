"""Process guests of the HA tests, and what all tests ask of all guests, from outside.

Each guest appends `SERVER LIFE COUNT` to a file on the repository, five times in two seconds, from
its start to its end; LIFE is new at each start. So two that ran at the same time stand between each
other's lines.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from tests.lab.lab import Lab
from tests.lab.server import Server

POOL = "/OVS/running_pool"
SCRIPT = """\
#!/bin/bash
# Say where I run, for ever; end when told to, by SIGTERM or by a file.
trap 'exit 0' TERM
life=$(cat /proc/sys/kernel/random/uuid)
server=$(cat /etc/hostname)
cd {folder} || exit 1
count=0
while :; do
    if [ -e off ]; then rm -f off; exit 0; fi
    count=$((count + 1))
    echo "$server $life $count" >>log
    sleep 0.4
done
"""
FILE = """\
format: 1
name: {name}
uuid: {uuid}
hypervisor: process
definition: {folder}/process.yaml
repository: {repository}
kind: ct
cpu: 1
mem_mb: 32
stop_s: 5
state: {state}
home: {home}
policy: {policy}
preferred_servers: [{tiers}]
max_restart: 1
"""


@dataclass(frozen=True)
class Guest:
    """A process guest; servers: its preferred ones, best first; with is_strict no others."""

    name: str
    home: str
    servers: tuple[str, ...] = ()
    is_strict: bool = False

    @property
    def folder(self) -> str:
        """Where its program and its log are."""
        return f"{POOL}/{self.name}"

    def file(self, repository: str, state: str = "started") -> str:
        """Return guests/NAME.yaml."""
        return FILE.format(
            name=self.name,
            uuid=uuid.uuid5(uuid.NAMESPACE_DNS, self.name).hex.upper(),
            folder=self.folder,
            repository=repository,
            state=state,
            home=self.home,
            policy="manual" if self.is_strict else "auto",
            tiers=", ".join(f"[{server}]" for server in self.servers),
        )


@dataclass(frozen=True)
class Life:
    """What one run of a guest has written."""

    server: str
    ident: str
    counts: tuple[int, ...]


def make(server: Server, guest: Guest, repository: str) -> None:
    """Put a guest on the repository and under HA."""
    server.write(f"{guest.folder}/beat", SCRIPT.format(folder=guest.folder), mode=0o755)
    server.write(f"{guest.folder}/process.yaml", f"command: [{guest.folder}/beat]\n")
    put(server, f"guests/{guest.name}.yaml", guest.file(repository))


def put(server: Server, name: str, text: str) -> None:
    """Replace an operator's file on the pool file system, as editors do."""
    path = f"/OVS/.ovs/{name}"
    server.write(f"{path}.new", text, mode=0o600)
    server.run("mv", f"{path}.new", path)


def lives(server: Server, guest: Guest) -> list[Life]:
    """Return a guest's runs in the order of their first lines; fail when two ran at once."""
    return parse_log(server.read(f"{guest.folder}/log"))


def parse_log(text: str) -> list[Life]:
    """Read a log. What a dead server had not written to its end is no line, or zeros."""
    found: list[Life] = []
    for line in text.replace("\0", "").splitlines():
        match = re.fullmatch(r"(\S+) ([0-9a-f-]{36}) (\d+)", line)
        if match is None:
            continue
        name, ident, count = match[1], match[2], int(match[3])
        if found and found[-1].ident == ident:
            found[-1] = Life(name, ident, (*found[-1].counts, count))
        else:
            found.append(Life(name, ident, (count,)))
    idents = [life.ident for life in found]
    assert len(set(idents)) == len(idents), f"two writers at once: {found}"
    for life in found:
        assert list(life.counts) == sorted(set(life.counts)), f"it went backwards: {life}"
    return found


def where(lab: Lab, guests: Sequence[Guest]) -> dict[str, list[str]]:
    """Ask every server's kernel where the guests' programs run."""
    found: dict[str, list[str]] = {guest.name: [] for guest in guests}
    running = [server for server in lab.servers if server.is_on()]
    outputs = lab.on_all(
        lambda server: server.sh(f"pgrep -af '^/bin/bash {POOL}/' || true"), running
    )
    for server, output in zip(running, outputs):
        for line in output.stdout.splitlines():
            match = re.search(rf"{POOL}/([^/]+)/beat", line)
            if match:
                found[match[1]].append(server.name)
    return found
