"""The network namespace: a bridge, a tap for each server, and no way out.

There is no veth and no route, so no packet leaves it; whatever speaks to the servers runs
inside it (`inside()`).
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Iterable

from .process import Word, run
from .settings import PREFIX_LENGTH, STORAGE_ADDRESS, Identity

BRIDGE = "san"


class Network:
    """The namespace called like the lab's instance."""

    def __init__(self, name: str) -> None:
        self.name = name

    def inside(self, *argv: Word) -> list[str]:
        """Build the command that runs `argv` in the namespace."""
        return ["ip", "netns", "exec", self.name, *(str(word) for word in argv)]

    def exists(self) -> bool:
        """Tell whether the namespace is there."""
        return Path("/run/netns", self.name).exists()

    def up(self, identities: Iterable[Identity]) -> None:
        """Make namespace, bridge and taps; what is there already stays."""
        if not self.exists():
            run(["ip", "netns", "add", self.name])
            settings = ("all", "default")
            quiet = [f"net.ipv6.conf.{which}.disable_ipv6=1" for which in settings]
            run(self.inside("sysctl", "-q", "-w", *quiet))
            self._ip("link", "set", "lo", "up")
            self._ip(
                "link", "add", BRIDGE, "type", "bridge", "stp_state", "0", "forward_delay", "0"
            )
            self._ip("address", "add", f"{STORAGE_ADDRESS}/{PREFIX_LENGTH}", "dev", BRIDGE)
            self._ip("link", "set", BRIDGE, "up")
        there = self._ip("-o", "link", "show")
        for identity in identities:
            if f" {identity.tap}:" not in there:
                self._ip("tuntap", "add", "dev", identity.tap, "mode", "tap")
                self._ip("link", "set", identity.tap, "up")
            self.plug(identity)

    def plug(self, identity: Identity) -> None:
        """Put a server's cable in the bridge."""
        self._ip("link", "set", identity.tap, "master", BRIDGE)

    def unplug(self, identity: Identity) -> None:
        """Take it out: nobody hears the server any more, and it hears nobody."""
        self._ip("link", "set", identity.tap, "nomaster")

    def processes(self) -> list[int]:
        """List what runs in the namespace."""
        if not self.exists():
            return []
        return [int(word) for word in run(["ip", "netns", "pids", self.name]).split()]

    def down(self) -> None:
        """Kill what runs in the namespace and delete it; fine if it is gone already."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self.exists():
            run(["ip", "netns", "delete", self.name])

    def _ip(self, *words: str) -> str:
        return run(["ip", "-n", self.name, *words])
