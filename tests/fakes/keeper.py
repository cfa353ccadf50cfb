"""A keeper of locks: names by hand, and the lock files that it then has open."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ovstools.errors import OvsError, RefusedError
from ovstools.model.keeper_words import LockState
from ovstools.system import pool_fs

if TYPE_CHECKING:
    from .machine import FakeMachine

PID, STORE_PID = 800, 1


class FakeKeeper:
    """What ovs-locks.service does as commands see it; trouble: it does not answer."""

    def __init__(self, machine: FakeMachine) -> None:
        self.trouble: OvsError | None = None
        self._machine = machine
        self._held: dict[str, LockState] = {}

    def hold(self, name: str, state: LockState = LockState.HELD) -> None:
        """Hold a lock; its file is open in the keeper, and in systemd's store."""
        self._held[name] = state
        self._show()

    def forget_for_now(self) -> None:
        """Be killed: nobody listens, and systemd's store has the files open."""
        self._held.clear()
        shutil.rmtree(self._machine.root / f"proc/{PID}")

    def names(self) -> Mapping[str, LockState]:
        """Return what is held."""
        if self.trouble:
            raise self.trouble
        return dict(self._held)

    def let_go(self, name: str) -> None:
        """Drop a lock."""
        if name not in self.names():
            raise RefusedError(f"the keeper refused: {name} is not held")
        del self._held[name]
        self._show()

    def _show(self) -> None:
        for pid, name, unit in (
            (PID, "ovstools", "ovs-locks.service"), (STORE_PID, "systemd", "init.scope"),
        ):  # fmt: skip
            folder = self._machine.root / f"proc/{pid}"
            shutil.rmtree(folder, ignore_errors=True)
            if self._held:
                self._machine.write(f"/proc/{pid}/comm", f"{name}\n")
                self._machine.write(f"/proc/{pid}/cgroup", f"0::/system.slice/{unit}\n")
                (folder / "fd").mkdir()
                for number, lock in enumerate(self._held, 3):
                    (folder / f"fd/{number}").symlink_to(f"{self._folder()}/locks/{lock}")

    def _folder(self) -> str:
        found = pool_fs.find(self._machine.host())
        return "/OVS/.ovs" if found is None else found.folder
