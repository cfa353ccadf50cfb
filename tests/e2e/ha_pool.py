"""A pool with guests under HA for tests: what is asked of it, and the check behind every case."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.e2e import ha_guests, journey
from tests.e2e.ha_guests import Guest
from tests.lab import moment
from tests.lab.guests import PROCESS, make_guest
from tests.lab.lab import Lab
from tests.lab.lives import Life
from tests.lab.server import Server

#: the pool file system of an OCFS2 cluster root
FOLDER = "/OVS/.ovs"
#: for whatever has to happen; more than a loaded machine needs
LIMIT_S = 300.0
POLICY = {"startup_wait": "30", "stable": "20"}
#: hook_s: an emulated server takes seconds to start a child
SETTINGS = "ha:\n  reserve_mb: 256\n  hypervisors: {}\nlimits:\n  hook_s: 60\n"
AGENT, KEEPER = "ovs-agent", "ovs-locks"


@dataclass(frozen=True)
class Happening:
    """One line of events/NODE.jsonl."""

    time: str
    node: str
    event: str
    guest: str
    text: str
    proofs: str
    parts: Mapping[str, float]


class Pool:
    """Servers, a cluster root, and guests; folder: where its pool file system is mounted."""

    def __init__(
        self,
        lab: Lab,
        guests: Sequence[Guest],
        hypervisors: str = "process",
        folder: str = FOLDER,
    ) -> None:
        self.lab = lab
        self.folder = folder
        self.hypervisors = hypervisors  # asking those that have no guest takes emulated time
        self.guests = tuple(guests)
        self.uuid = ""

    # ------------------------------------------------------------ doing

    def make(self) -> None:
        """Start the agents on servers that have the cluster root mounted; no guests yet."""
        self.uuid = journey.root_uuid(self.lab.servers[0])
        self.lab.on_all(self._install)
        self.wait(lambda: len(self.reports()) == len(self.lab.servers), "all agents report")

    def _install(self, server: Server) -> None:
        server.write("/etc/ovs/ovstools.yaml", SETTINGS.format(self.hypervisors))
        server.run("ovstools", "install-units", timeout_s=LIMIT_S)

    def policy(self, **changes: str) -> None:
        """Replace pool.yaml."""
        values = {"format": "1", "uuid": self.uuid, "ha": "on", **POLICY, **changes}
        text = "".join(f"{key}: {value}\n" for key, value in values.items())
        self._put("pool.yaml", text)

    def wish(self, guest: Guest, state: str) -> None:
        """Say what its operator wants of a guest."""
        self._put(f"guests/{guest.name}.yaml", guest.file(self.uuid, state))

    def add(self, guest: Guest) -> None:
        """Put a process on the repository and under HA."""
        make_guest(self.any, PROCESS, guest.name)
        self.wish(guest, "started")

    def _put(self, name: str, text: str) -> None:
        ha_guests.put(self.any, f"{self.folder}/{name}", text)

    # ------------------------------------------------------------ asking

    @property
    def any(self) -> Server:
        """Return a server that is on."""
        return next(server for server in self.lab.servers if server.is_on())

    def named(self, name: str) -> Server:
        """Return a server by its name."""
        return self.lab.server(name)

    def json(self, name: str) -> Any:
        """Read a file of the pool file system."""
        return json.loads(self.any.read(f"{self.folder}/{name}"))

    def reports(self) -> list[str]:
        """Name the servers whose agent has its node lock and has asked its hypervisors."""
        lines = self.any.sh(f"cat {self.folder}/nodes/*.json", status=None).stdout
        return [each["node"] for each in _documents(lines) if each["node_lock"] and each["asked"]]

    def master(self) -> Server:
        """Return the server whose agent decided last."""
        return self.named(self.json("orders.json")["master"])

    def where(self) -> dict[str, list[str]]:
        """Ask every server where guests run."""
        return ha_guests.where(self.lab, self.guests)

    def home(self, guest: Guest) -> Server:
        """Return the one server where a guest runs."""
        (name,) = self.where()[guest.name]
        return self.named(name)

    def events(self) -> list[Happening]:
        """Read what happened, in order."""
        lines = self.any.sh(f"cat {self.folder}/events/*.jsonl").stdout.splitlines()
        found = [json.loads(line) for line in lines]
        return sorted(
            (
                Happening(
                    each["time"], each["node"], each["event"], each.get("guest") or "",
                    each.get("text", ""), " ".join(each.get("proofs", ())),
                    each.get("parts", {}),
                )
                for each in found
            ),
            key=lambda each: each.time,
        )  # fmt: skip

    # ------------------------------------------------------------ waiting and checking

    def wait(
        self, until: Callable[[], Any], what: str, limit_s: float = LIMIT_S, pause_s: float = 2.0
    ) -> Any:
        """Wait until something is the case; return it."""
        end = time.monotonic() + limit_s
        while not (found := until()):
            assert time.monotonic() < end, f"waited {limit_s:.0f} s until {what}\n{self.describe()}"
            time.sleep(pause_s)
        return found

    def whole(self, off: Collection[Guest] = (), limit_s: float = LIMIT_S) -> dict[str, str]:
        """Check what must hold after every case; return where each guest runs.

        Asked of the kernels, of the guests' own logs, of the keepers and of the agents: each guest
        runs once, on a server where it may, under its lock, and never had a second writer.
        """
        wanted = [guest for guest in self.guests if guest not in off]

        def placed() -> dict[str, str] | None:
            homes = self.agents_say()  # a look at files; to ask every kernel takes far longer
            if homes.keys() != {guest.name for guest in wanted}:
                return None
            found = self.where()
            assert all(len(servers) < 2 for servers in found.values()), f"twice: {found}"
            running = {name: servers[0] for name, servers in found.items() if servers}
            return homes if homes == running else None

        homes: dict[str, str] = self.wait(placed, "every guest runs once, and the agents say so")
        for guest in wanted:
            assert not guest.is_strict or homes[guest.name] in guest.servers, (guest, homes)
        self.logs(homes)
        self.wait(lambda: self.locked() == homes, "each is under its lock, and no other")
        return homes

    def logs(self, homes: Mapping[str, str]) -> None:
        """Check that nobody else writes, or wrote at the same time, and that it goes on."""
        for guest in self.guests:
            lives = ha_guests.lives(self.any, guest)
            if guest.name in homes:  # one that has only just started may not have written yet
                home, last = homes[guest.name], lives[-1]
                self.wait(
                    partial(self._writes_on, guest, home, last),
                    f"{guest.name} on {home} counts on from {last}",
                )

    def _writes_on(self, guest: Guest, server: str, since: Life) -> bool:
        life = ha_guests.lives(self.any, guest)[-1]
        return life.server == server and life != since

    def agents_say(self) -> dict[str, str]:
        """Return where the agents report guests that run, and the master takes them as running."""
        text = self.any.sh(f"cat {self.folder}/nodes/*.json {self.folder}/orders.json").stdout
        *reports, orders = _documents(text)
        live = {server.name for server in self.lab.servers if server.is_on()}
        return {
            guest: report["node"]
            for report in reports
            if report["node"] in live
            for guest, local in report["guests"].items()
            if local["power"] == "running"
            and local["locked"]
            and _is_settled(orders["guests"].get(guest), report["node"])
        }

    def locked(self) -> dict[str, str]:
        """Ask the keepers' processes which guests' locks they hold."""
        line = f"ls -l /proc/$(systemctl show -P MainPID {KEEPER})/fd | grep -o 'guest-.*' || true"
        running = [server for server in self.lab.servers if server.is_on()]
        found: dict[str, str] = {}
        for server, said in zip(running, self.lab.on_all(lambda each: each.sh(line), running)):
            for word in said.stdout.split():
                guest = word[len("guest-") :]
                assert guest not in found, f"{guest} is locked on {found[guest]} and {server.name}"
                found[guest] = server.name
        return found

    def describe(self) -> str:
        """Return what the agents said last, for a failure's message."""
        text = [str(self.where())]
        for server in self.lab.servers:
            if server.is_on():
                lines = f"journalctl -u {AGENT} -u {KEEPER} --no-pager -o short-precise -n 25"
                text += [f"-- {server.short_name}", server.sh(lines, status=None).stdout]
        text.append(self.any.sh(f"cat {self.folder}/orders.json", status=None).stdout)
        return "\n".join(text)


_KEPT: dict[str, Pool] = {}


def at_moment(name: str, make: Callable[[], Pool]) -> Pool:
    """Return a pool as it was when every guest had just come to run; made once a session."""
    if name in _KEPT:
        moment.go_back(_KEPT[name].lab, name)
    else:
        made = make()
        made.whole()
        moment.keep(made.lab, name)
        _KEPT[name] = made
    return _KEPT[name]


def _is_settled(entry: Any, node: str) -> bool:
    return bool(entry) and entry["phase"] == "running" and entry["node"] == node


def _documents(text: str) -> list[Any]:
    """Read JSON documents one after the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text.rstrip()):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return found
