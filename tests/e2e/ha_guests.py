"""Guests of the HA tests, and what all tests ask of all guests, from outside.

What they write while they run says tests/lab/lives.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from tests.lab import guests as beating
from tests.lab.guests import POOL, PROCESS, QEMU
from tests.lab.lab import Lab
from tests.lab.lives import Life
from tests.lab.server import Server

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
#: what makes a server name the guests that run there, a line each
ASK = {
    # sort: a bash that is about to run another program looks like a second one
    PROCESS: rf"pgrep -af '^/bin/bash {POOL}/' |"
    rf" sed -n 's|.* {POOL}/\([^/]*\)/beat$|\1|p' | sort -u",
    QEMU: f"virsh --connect {QEMU} list --state-running --name",
}


@dataclass(frozen=True)
class Guest:
    """A guest; servers: its preferred ones, best first; with is_strict no others."""

    name: str
    home: str
    servers: tuple[str, ...] = ()
    is_strict: bool = False
    hypervisor: str = PROCESS

    @property
    def folder(self) -> str:
        """Where its definition and its log are."""
        return f"{POOL}/{self.name}"

    def file(self, repository: str, state: str = "started") -> str:
        """Return guests/NAME.yaml of a process."""
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


def put(server: Server, path: str, text: str) -> None:
    """Replace an operator's file on the pool file system, as editors do."""
    server.write(f"{path}.new", text, mode=0o600)
    server.run("mv", f"{path}.new", path)


def lives(server: Server, guest: Guest) -> list[Life]:
    """Return a guest's runs in the order of their first lines; fail when two ran at once."""
    return beating.lives(server, guest)


def where(lab: Lab, guests: Sequence[Guest]) -> dict[str, list[str]]:
    """Ask every server where guests run: the kernel for processes, libvirt for its own."""
    line = " && ".join(f"{{ {ASK[kind]}; }}" for kind in sorted({g.hypervisor for g in guests}))
    found: dict[str, list[str]] = {guest.name: [] for guest in guests}
    running = [server for server in lab.servers if server.is_on()]
    for server, said in zip(running, lab.on_all(lambda each: each.sh(line), running)):
        for name in said.lines:
            if name:
                found[name].append(server.name)
    return found
