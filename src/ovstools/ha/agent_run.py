"""Run the agent as systemd's service or by hand: signals, readiness, watchdog, the loop."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Union

from ..errors import RefusedError
from ..model.command import Command
from ..system import child, lock, notify
from ..system.clock import Clock
from ..system.host import Host
from ..system.notify import Notifier
from ..system.program import Program
from . import agent_place
from .agent import Agent
from .driver.driver import Driver
from .driver.loop import Loop, Pause, Task
from .driver.place import Place
from .pool_place import Missing
from .report import POWER_OFF, REBOOT

LOCK = "agent.lock"
JOBS = Command(("systemctl", "list-jobs", "--plain", "--no-legend"), changes=False, timeout_s=30)
#: a systemd that is about to shut down may be long in answering: so long it is asked, so often
ASK_S, ASK_AGAIN_S = 120.0, 0.5
#: targets that systemd starts to shut down (systemd.special(7)), and what each means
SHUTDOWNS = {
    "reboot.target": REBOOT,
    "soft-reboot.target": REBOOT,
    "kexec.target": REBOOT,
    "poweroff.target": POWER_OFF,
    "halt.target": POWER_OFF,
}
EXTEND_S = 60.0
#: between two looks for what is missing, or for a pool file system that was mounted anew
SEARCH_S = 5.0

Find = Callable[[], Union[Place, Missing]]
Again = Callable[[list[str]], object]


class Service:
    """An agent's process: what systemd and signals say, around the driver.

    It runs, ready, also while this server has no pool: it waits for one.
    """

    def __init__(self, find: Find, say: Callable[[str], None], systemd: Notifier | None) -> None:
        self._find = find
        self._say = say
        self._systemd = systemd
        self.loop = Loop(Clock())
        self.driver: Driver | None = None
        self.is_ending = False
        self.wants_reload = False
        self.jobs = JOBS

    def run(self) -> bool:
        """Run until a signal ends it; return whether to start anew with fresh settings."""
        wakeup = self._watch_signals()
        try:
            self._tell_systemd(lambda systemd: systemd.ready(), 0.0)
            period_s = watchdog_s(os.environ)
            if period_s:
                self._ping(period_s / 3)
            self._search("")
            while not (self.is_ending or self.wants_reload):
                if self.driver is None:
                    self.loop.run_once()
                else:
                    self.driver.run_once()
                    self.is_ending = self.is_ending or self.driver.has_left
            if self.driver is not None:
                self.driver.let_go()
        finally:
            signal.set_wakeup_fd(-1)
            wakeup.close()
        self._say("ends; guests and their locks stay as they are")
        return self.wants_reload

    def _search(self, before: str) -> None:
        """Begin as soon as there is a pool; begin anew when another one took its place."""
        found = self._find()
        if isinstance(found, Missing):
            if found.reason != before and self.driver is None:
                self._say(f"waits: {found.reason} ({found.hint})")
            before = found.reason
        elif self.driver is None:
            self._say(f"begins as {found.identity.node}")
            self.driver = Driver(self.loop, found, Agent(found.identity))
            self.driver.begin()
        elif not found.is_same(self.driver.place):
            self._say("the pool file system was mounted anew, or cluster.conf has changed")
            self.wants_reload = True
        self.loop.after(SEARCH_S, lambda: self._search(before))

    # ------------------------------------------------------------ signals

    def _watch_signals(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, frame: None)
        self.loop.watch(ours.fileno(), lambda: self._signalled(ours))
        return ours

    def _signalled(self, wakeup: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in wakeup.recv(64):
                if number == signal.SIGHUP:
                    self.wants_reload = True
                elif number == signal.SIGINT:
                    self.is_ending = True
                elif number == signal.SIGTERM:
                    self.loop.start(self._ask_why(), self._told_why)

    def _ask_why(self) -> Task[str | None]:
        if self._systemd is None or self.driver is None:
            return None  # nobody to ask, or nothing to drain
        until = self.loop.clock.monotonic() + ASK_S
        while True:
            result = yield Program(self.jobs, self.loop.clock)
            if result.status == 0 or self.loop.clock.monotonic() >= until:
                return shutdown_of(result.stdout)
            yield Pause(ASK_AGAIN_S)

    def _told_why(self, how: str | None) -> None:
        if how is None or self.driver is None:
            self.is_ending = True  # stopped, restarted or upgraded: that concerns no guest
            return
        if self.driver.stopping:
            return
        self._say(f"this server shuts down ({how}): its guests are moved or stopped")
        self.driver.stopping = how
        self.driver.due()
        self._extend()

    # ------------------------------------------------------------ systemd

    def _extend(self) -> None:
        """Ask systemd for time as long as there is something to drain."""
        text = f"EXTEND_TIMEOUT_USEC={int(2 * EXTEND_S * 1e6)}"
        self._tell_systemd(lambda systemd: systemd.say(text), EXTEND_S, self._extend)

    def _ping(self, period_s: float) -> None:
        """Say that the loop turns; storage has no part in that."""
        self._tell_systemd(
            lambda systemd: systemd.say("WATCHDOG=1"), period_s, lambda: self._ping(period_s)
        )

    def _tell_systemd(
        self,
        tell: Callable[[Notifier], Any],
        again_s: float,
        again: Callable[[], None] | None = None,
    ) -> None:
        if self._systemd is None:
            return
        with contextlib.suppress(OSError):
            tell(self._systemd)
        if again is not None:
            self.loop.after(again_s, again)


def shutdown_of(jobs: str) -> str | None:
    """Return how the system shuts down, by `systemctl list-jobs --plain`; None: it does not.

    A line reads `1234 reboot.target start waiting`.
    """
    for line in jobs.splitlines():
        words = line.split()
        if len(words) >= 3 and words[1] in SHUTDOWNS and words[2] == "start":
            return SHUTDOWNS[words[1]]
    return None


def watchdog_s(environ: Any) -> float | None:
    """Return systemd's watchdog period in seconds (sd_watchdog_enabled(3)); None: it has none."""
    text = environ.get("WATCHDOG_USEC", "")
    pid = environ.get("WATCHDOG_PID", "")
    if not text.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(text) / 1e6


def serve(find: Find, say: Callable[[str], None], again: Again = child.begin_anew) -> None:
    """Run an agent until a signal ends it; again: what puts a new program in our place.

    Anew is a new program with the same pid: nothing of the old life is left in it, least of all
    a descriptor of a lock.
    """
    if Service(find, say, notify.notifier(os.environ)).run():
        again(sys.argv)


def run(host: Host) -> int:
    """Be this server's agent until a signal ends it.

    Raises BusyError when there is one already, RefusedError below another root.
    """
    if host.offline:
        raise RefusedError("with --root nothing is started")
    folder = host.path(host.settings.paths.run)
    with lock.held(folder / LOCK, "cluster-check --daemon", 0, host.clock):
        serve(agent_place.Search(host), host.talk.notice)
    return 0
