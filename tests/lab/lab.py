"""The whole lab: servers, network and storage of one instance."""

from __future__ import annotations

import dataclasses
import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, Sequence, TypeVar

from . import accel, bundle, cache, image, leftovers, machine, packages, settings, state, storage
from .errors import LabError
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
# A saved machine fits only the hardware it was saved on, which these describe.
MADE_BY = cache.digest(*(Path(str(part.__file__)) for part in (machine, settings, storage, state)))
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
        self._image: image.Image | None = None
        self._accel = ""
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
        lab._image, lab._accel = image.Image(Path(record["image"])), record["accel"]
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
        with cache.locked(self.settings.cache / "lock", self.progress, BUILD_WAIT_S):
            self._prepare()
            if not (self._pin and self._known and self._known.exists()):
                self._known = self._known_state()
            with self.progress.step(f"Restoring {self.settings.count} servers"):
                self._restore_from(self._known)

    def push(self, checkout: Path | None = None) -> None:
        """Install the checkout's ovstools in the servers that are on."""
        checkout = checkout or self.settings.checkout
        if not bundle.is_there(checkout):
            self.progress.say(f"Nothing to install: {checkout} has no package src/ovstools yet")
            return
        with bundle.snapshot(checkout) as sources:
            self._install(sources)

    def _install(self, sources: Path) -> None:
        running = [server for server in self.servers if server.is_on()]
        if self._image is None:
            raise LabError("the lab is not up")
        with self.progress.step(f"Installing ovstools in {len(running)} servers"):
            made = bundle.Bundle(sources, self._image)
            said = self.on_all(lambda server: made.install(server), running)
        for line in sorted({line for line in said if line}):
            self.progress.say(line)

    install = push

    def down(self) -> None:
        """Remove all of the instance: processes, namespace, disks; fine if it is gone already."""
        leftovers.remove(self.settings)
        self.servers = []

    # How the known state comes about

    def _prepare(self) -> None:
        packages.ensure(self.progress)
        folder = self.settings.cache
        keys = Keys(folder / "ssh")
        self._image = image.ensure(folder / "images", keys.public, self.progress)
        self._accel = accel.choose(self._image, folder, self.progress)
        self._clear()
        self.network.up(self.settings.identities)
        self._make_servers()
        record = {
            "count": self.settings.count,
            "cache": str(folder),
            "image": str(self._image.folder),
            "accel": self._accel,
        }
        (self.settings.run_dir / "lab.json").write_text(json.dumps(record))

    def _make_servers(self) -> None:
        assert self._image is not None
        keys = Keys(self.settings.cache / "ssh")
        everyone = self.settings.identities
        self.servers = []
        for identity in everyone:
            folder = self.settings.run_dir / identity.short_name
            folder.mkdir(parents=True, exist_ok=True)
            machine = Machine(
                identity, everyone, self._image, self.storage, self.network, folder, self._accel
            )
            ssh = Ssh(identity, self.network, keys, folder)
            ssh.trust(self._image.host_key)
            self.servers.append(Server(machine, ssh))

    def _clear(self) -> None:
        """Switch everything off, that a later state shall not inherit."""
        leftovers.kill(self.settings)
        for server in self.servers:
            server.ssh.forget()

    def _known_state(self) -> Path:
        """Name the folder of the newest complete state for these sources."""
        assert self._image is not None
        parts = (self._image.build_id, self._accel, str(self.settings.count))
        states = self.settings.cache / "states"
        booted = states / f"booted-{cache.digest(MADE_BY, *parts)}"
        if not booted.exists():
            cache.prune(states, keep=2)
            with self.progress.step(f"Booting {self.settings.count} servers"):
                self._boot()
            self._save(booted)
        booted.touch()
        if not bundle.is_there(self.settings.checkout):
            return booted
        with bundle.snapshot(self.settings.checkout) as sources:
            installed = states / f"installed-{cache.digest(booted.name, bundle.key(sources))}"
            if not installed.exists():
                cache.prune(states, keep=3)
                with self.progress.step(f"Restoring {self.settings.count} servers, as booted"):
                    self._restore_from(booted)
                self._install(sources)
                self._save(installed)
        installed.touch()
        return installed

    def _boot(self) -> None:
        assert self._image is not None
        root = self._image.root
        self.storage.reset_luns()
        for server in self.servers:
            self.storage.make_root(server.identity, root)
            self.storage.reset_local(server.identity)
            server.machine.console.unlink(missing_ok=True)
        self.on_all(lambda server: server.power_on())

    def _save(self, folder: Path) -> None:
        with self.progress.step("Saving their state"), cache.new_folder(folder) as aside:
            begin = time.monotonic()
            self.on_all(lambda server: state.save(server, aside))
            (aside / "seconds").write_text(f"{time.monotonic() - begin:.1f}\n")

    def _restore_from(self, folder: Path) -> None:
        self._clear()
        self.network.up(self.settings.identities)
        self.storage.reset_luns()
        self.on_all(lambda server: state.restore(server, folder))
