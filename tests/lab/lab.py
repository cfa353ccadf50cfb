"""The whole lab: servers, network and storage of one instance."""

from __future__ import annotations

import dataclasses
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, Sequence, TypeVar

from . import bundle, cache, known, leftovers, settings, state
from .errors import LabError
from .image import Image
from .machine import Machine
from .network import Network
from .progress import Progress
from .server import Server
from .settings import RUN, Settings
from .ssh import Keys, Ssh
from .storage import Disk, Storage
from .together import together

BUILD_WAIT_S = 1800  # another instance may be building the image
INSTANCE_WAIT_S = 30
Answer = TypeVar("Answer")


class Lab:
    """One instance: open it, restore it, use its servers, put it down.

    `Lab.open()` takes the instance's lock, so that nobody restores the lab under somebody's
    test; `Lab.attach()` does without, for a look at or a login to a lab that is up.
    """

    def __init__(self, configuration: Settings, progress: Progress) -> None:
        self.settings = configuration
        self.progress = progress
        self.network = Network(configuration.name)
        self.storage = Storage(configuration.disks_dir)
        self.servers: list[Server] = []
        self._image: Image | None = None
        self.accel = ""
        self._known: Path | None = None
        self._pin = False
        self._held = ExitStack()

    @classmethod
    def open(
        cls,
        name: str | None = None,
        servers: int = 3,
        checkout: Path | None = None,
        progress: Progress | None = None,
        wait_s: float = INSTANCE_WAIT_S,
        pin: bool = False,
    ) -> Lab:
        """Take the instance for ourselves; what is up stays up.

        With `pin`, all restores bring the ovstools of the first one, whatever is edited meanwhile.
        """
        lab = cls(settings.from_environment(name, servers, checkout), progress or Progress())
        lab._pin = pin
        lock = RUN / f"{lab.settings.name}.lock"
        lab._held.enter_context(cache.locked(lock, lab.progress, wait_s))
        return lab

    @classmethod
    def attach(cls, name: str | None = None, progress: Progress | None = None) -> Lab:
        """Look at the instance that is up, as it was made."""
        configuration = settings.from_environment(name)
        try:
            record = json.loads((configuration.run_dir / "lab.json").read_text())
        except (OSError, ValueError):
            raise LabError(f"the lab {configuration.name} is not up") from None
        configuration = dataclasses.replace(
            configuration, count=record["count"], cache=Path(record["cache"])
        )
        lab = cls(configuration, progress or Progress())
        lab._image, lab.accel = Image(Path(record["image"])), record["accel"]
        lab._make_servers()
        return lab

    def close(self) -> None:
        """Give up the instance's lock; what is up stays up."""
        self._held.close()

    # Servers

    def server(self, name: str) -> Server:
        """Find a server by either form of its name."""
        for server in self.servers:
            if name in (server.name, server.short_name):
                return server
        raise LabError(f"no server {name} among {', '.join(s.short_name for s in self.servers)}")

    def on_all(
        self, action: Callable[[Server], Answer], servers: Sequence[Server] | None = None
    ) -> list[Answer]:
        """Do the same with all servers at once; answers in their order, the first error raised."""
        return together(action, self.servers if servers is None else servers)

    def add_lun(self, size_mib: int) -> Disk:
        """Give all servers one more blank LUN, until the next restore; see Disk.by_id."""
        lun = self.storage.add(size_mib)
        index = len(self.storage.luns) - 1
        running = [server for server in self.servers if server.is_on()]
        self.on_all(lambda server: server.attach_lun(index), running)
        self.on_all(lambda server: server.wait_until(f"test -b {lun.by_id}"), running)
        return lun

    def grow_lun(self, index: int, size_mib: int) -> None:
        """Make a LUN larger, as a SAN does, until the next restore; servers must ask to notice."""
        running = [server for server in self.servers if server.is_on()]
        self.on_all(lambda server: server.resize_lun(index, size_mib), running)

    # Known state

    def is_up(self) -> bool:
        """Tell whether all servers are on."""
        return bool(self.servers) and all(server.is_on() for server in self.servers)

    def restore(self, servers: int | None = None) -> None:
        """Bring all servers to the known state: booted, ovstools installed, LUNs blank.

        What that needs is made first, once: the image, the booted servers, ovstools in them.
        """
        if servers is not None and servers != self.settings.count:
            self._clear()
            self._known = None
            self.settings = dataclasses.replace(self.settings, count=servers)
        if not (self._pin and self._known and self._known.exists()):
            self._known = known.find(self)
        if self._known is None:
            with cache.locked(self.settings.cache / "lock", self.progress, BUILD_WAIT_S):
                self._known = known.make(self)
        with self.progress.step(f"Restoring {self.settings.count} servers"):
            self.restore_from(self._known)

    def begin_anew(self, server: Server) -> None:
        """Bring one server alone to the known state; the others and the LUNs stay."""
        if self._known is None:
            self._known = known.find(self)
        if self._known is None:
            raise LabError(f"the lab {self.settings.name} has no known state")
        state.restore(server, self._known)

    def push(self, checkout: Path | None = None) -> None:
        """Install the checkout's ovstools in the servers that are on."""
        checkout = checkout or self.settings.checkout
        if not bundle.is_there(checkout):
            self.progress.say(f"Nothing to install: {checkout} has no package src/ovstools yet")
            return
        with bundle.snapshot(checkout) as sources:
            self.install_snapshot(sources)

    install = push

    def down(self) -> None:
        """Remove all of the instance: processes, namespace, disks; fine if it is gone already."""
        leftovers.remove(self.settings)
        self.servers = []
        self._known = None

    # Its parts, for the making of the known state (known.py)

    @property
    def image(self) -> Image:
        """The image that the servers stand on."""
        if self._image is None:
            raise LabError(f"the lab {self.settings.name} is not up")
        return self._image

    def use(self, made: Image, choice: str) -> None:
        """Take this image and acceleration for the servers from now on."""
        same = made == self._image and choice == self.accel
        self._image, self.accel = made, choice
        if not same or len(self.servers) != self.settings.count:
            self._clear()
            self._make_servers()
        record = {"count": self.settings.count, "cache": str(self.settings.cache)}
        record.update({"image": str(made.folder), "accel": choice})
        (self.settings.run_dir / "lab.json").write_text(json.dumps(record))

    def boot(self) -> None:
        """Boot all servers for the first time, on the bare image."""
        self._clear()
        self.network.up(self.settings.identities)
        self.storage.reset_luns()
        for server in self.servers:
            self.storage.make_root(server.identity, self.image.root)
            self.storage.reset_local(server.identity)
            server.machine.console.unlink(missing_ok=True)
        with self.progress.step(f"Booting {self.settings.count} servers"):
            self.on_all(lambda server: server.power_on())

    def restore_from(self, folder: Path) -> None:
        """Bring all servers to a saved state."""
        self._clear()
        self.network.up(self.settings.identities)
        self.storage.reset_luns()
        self.on_all(lambda server: state.restore(server, folder))

    def install_snapshot(self, sources: Path) -> None:
        """Install ovstools from a snapshot of its sources in the servers that are on."""
        running = [server for server in self.servers if server.is_on()]
        with self.progress.step(f"Installing ovstools in {len(running)} servers"):
            made = bundle.Bundle(sources, self.image)
            said = self.on_all(lambda server: made.install(server), running)
        for line in sorted({line for line in said if line}):
            self.progress.say(line)

    def _make_servers(self) -> None:
        keys = Keys(self.settings.cache / "ssh")
        everyone = self.settings.identities
        self.servers = []
        for identity in everyone:
            folder = self.settings.run_dir / identity.short_name
            folder.mkdir(parents=True, exist_ok=True)
            machine = Machine(
                identity, everyone, self.image, self.storage, self.network, folder, self.accel
            )
            ssh = Ssh(identity, self.network, keys, folder)
            ssh.trust(self.image.host_key)
            self.servers.append(Server(machine, ssh))

    def _clear(self) -> None:
        """Switch everything off, that a later state shall not inherit."""
        leftovers.kill(self.settings)
        for server in self.servers:
            server.ssh.forget()
