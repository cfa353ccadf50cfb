"""A driver on a folder of this machine: real children and keeper, an invented hypervisor."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ovstools.ha.agent import Agent
from ovstools.ha.driver.driver import Driver
from ovstools.ha.driver.loop import Loop
from ovstools.ha.driver.membership import Members
from ovstools.ha.driver.place import Pace, Place
from ovstools.ha.forms.guest_file import GuestFile, format_guest
from ovstools.ha.hypervisors.protocol import Guest, Look, Outcome, Pause, Steps, Unknown
from ovstools.ha.keeper import Keeper, listen
from ovstools.ha.keeper_client import KeeperClient
from ovstools.ha.keeper_shelf import Shelf
from ovstools.ha.observation import Identity
from ovstools.ha.pool_io import Job, PoolIo
from ovstools.ha.report import Power
from ovstools.model.command import Command
from ovstools.system.clock import Clock

LIMIT_S = 20.0


class Hypervisor:
    """Guests that are words in a table; `fails` are verbs that do not succeed."""

    name = "process"
    look_every_s = 0.05
    can_migrate = True

    def __init__(self) -> None:
        self.table: dict[str, Power] = {}
        self.told: list[tuple[Any, ...]] = []
        self.fails: set[str] = set()
        self.unknown = ""
        self.quiet = False
        self.looks = 0

    def is_quiet(self) -> bool:
        return self.quiet

    def look(self) -> Look:
        self.looks += 1
        yield Command(("true",))
        return Unknown(self.unknown) if self.unknown else dict(self.table)

    def _do(self, verb: str, guest: Guest, power: Power | None, *words: Any) -> Steps:
        self.told.append((verb, guest.name, *words))
        yield Pause(0.01)
        if verb in self.fails:
            return Outcome(False, f"cannot {verb}")
        if power is None:
            self.table.pop(guest.name, None)
        else:
            self.table[guest.name] = power
        return Outcome(True)

    def start(self, guest: Guest) -> Steps:
        return self._do("start", guest, Power.RUNNING)

    def stop(self, guest: Guest, within_s: float) -> Steps:
        return self._do("stop", guest, Power.SHUT_DOWN, within_s)

    def migrate(self, guest: Guest, to: str) -> Steps:
        return self._do("migrate", guest, Power.MIGRATED, to)

    def suspend(self, guest: Guest) -> Steps:
        return self._do("suspend", guest, Power.PAUSED)

    def resume(self, guest: Guest) -> Steps:
        return self._do("resume", guest, Power.RUNNING)

    def forget(self, guest: Guest) -> Steps:
        return self._do("forget", guest, None)

    def events(self) -> Command | None:
        return None


class Disk(PoolIo):
    """A pool file system that can be full: real children say so."""

    is_full = False

    def __init__(self, root: str, clock: Clock | None = None) -> None:
        super().__init__(root, clock)
        self._jobs = weakref.WeakSet[Job[Any]]()

    def ask(self, verb: str, words: Any, *rest: Any, **more: Any) -> Any:
        if self.is_full and verb in ("replace", "append", "room"):
            verb, words = "room", (str(2**62),)
        job = super().ask(verb, words, *rest, **more)
        self._jobs.add(job)
        return job

    def close(self) -> None:
        """Give up what is under way: a child that still writes would do so in a removed folder."""
        for job in self._jobs:
            job.abandon()
        self.children.close()


class Heart:
    """Which servers are alive, as a test says."""

    def __init__(self) -> None:
        self.live: frozenset[int] | None = frozenset({0})

    def look(self, now: float) -> Members:
        return Members(self.live, 0.0)


class Rig:
    """One server; run(until) turns its loop."""

    def __init__(self, folder: Path, numbers: dict[str, int] | None = None) -> None:
        self.folder = folder
        self.pool = folder / "pool"
        self.pool.mkdir(exist_ok=True)
        self.definition = folder / "definition"
        self.definition.touch()
        self.said: list[str] = []
        self.heart = Heart()
        self.hypervisor = Hypervisor()
        self.numbers = numbers or {"one": 0}
        self.notify = ""
        self.lives = 0
        self.start()

    def start(self) -> None:
        """Begin a life of the agent."""
        self.lives += 1
        identity = Identity("one", "boot-1", f"life-{self.lives}", self.numbers, dead_s=0.1)
        self.io = Disk(str(self.pool), Clock())
        self.place = Place(
            identity, self.io, KeeperClient(str(self.folder / "keeper.sock")), self.heart,
            (self.hypervisor,), self.folder, self.said.append, notify=self.notify,
            pace=Pace(0.02, 0.01, 0.1, 0.2),
        )  # fmt: skip
        self.driver = Driver(Loop(Clock()), self.place, Agent(identity))
        self.driver.begin()

    def run(self, until: Callable[[], Any], what: str = "") -> Any:
        """Turn the loop until something is the case; return it."""
        end = time.monotonic() + LIMIT_S
        self.driver.loop.after(LIMIT_S + 0.1, lambda: None)
        while not (found := until()):
            assert time.monotonic() < end, (what, self.said)
            self.driver.run_once()
        return found

    def add(self, name: str, **values: Any) -> None:
        """Put a guest's file into the pool."""
        given = {
            "uuid": "",
            "hypervisor": "process",
            "definition": str(self.definition),
            "state": "started",
            "home": "one",
            "mem_mb": 16,
            **values,
        }
        (self.pool / "guests").mkdir(exist_ok=True)
        new = self.pool / "guests" / f".{name}"
        new.write_bytes(format_guest(GuestFile(name=name, **given)))
        new.replace(self.pool / "guests" / f"{name}.yaml")

    def close(self) -> None:
        """End this life: what the keeper does not have is free."""
        for name in self.driver.locks.held:
            self.driver.loop.start(self.driver.locks.release(name))
        self.io.close()
        end = time.monotonic() + LIMIT_S
        while self.io.children.collect() and time.monotonic() < end:
            time.sleep(0.01)


@contextlib.contextmanager
def keeper(folder: Path) -> Iterator[Keeper]:
    """Run a keeper that listens in a folder."""
    import socket

    with listen(folder / "keeper.sock") as listener:
        made = Keeper(listener, Shelf(None))
        wakeup, trigger = socket.socketpair()
        made.end_with(wakeup)
        thread = threading.Thread(target=made.serve)
        thread.start()
        try:
            yield made
        finally:
            trigger.send(b"\0")
            thread.join()
            wakeup.close()
            trigger.close()
