"""A try with a vocabulary for tests: servers with power, guests that are asked from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ovstools.ha.forms.event import Event, parse_events
from ovstools.ha.forms.orders import parse_orders
from ovstools.ha.orders import Orders
from ovstools.ha.trial import control, layout, power
from ovstools.ha.trial.layout import Trial
from ovstools.system.clock import Clock

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = CHECKOUT / "bin" / "ovstools"
DEAD_S = 2.0
#: for whatever a test waits for; longer than a loaded machine needs
LIMIT_S = 60.0


class Pool:
    """A pool of servers on this machine."""

    def __init__(self, folder: Path, servers: int = 3, program: Path = PROGRAM) -> None:
        self.clock = Clock()
        self.program = program
        wanted = control.Wanted(servers, 0, DEAD_S)
        self.trial: Trial = control.start(folder, wanted, program, self.clock, lambda text: None)

    # ------------------------------------------------------------ doing

    def add(self, name: str, home: str, command: Sequence[str] = (), **changes: Any) -> None:
        """Add a guest; command: what it runs instead of counting."""
        definition = self.trial.definitions / f"{name}.yaml"
        path = self.trial.pool / "guests" / f"{name}.yaml"
        if command:
            definition.write_text(json.dumps({"command": list(command)}))
        control.add_guest(self.trial, name, home, changes)
        assert path.exists()

    def change(self, name: str, **changes: Any) -> None:
        """Change a guest's file as a command would: replaced at once."""
        from ovstools.ha.forms.edit import with_changes

        path = self.trial.pool / "guests" / f"{name}.yaml"
        new = path.with_name(f".{name}.new")
        new.write_text(with_changes(path.read_text(), changes))
        new.replace(path)

    def power_off(self, node: str) -> None:
        """Cut a server's power."""
        assert power.cut(self.trial, node, self.clock)

    def power_on(self, node: str) -> None:
        """Switch a server on."""
        assert power.switch_on(self.trial, node, self.program, self.clock)

    def signal_agent(self, node: str, number: int) -> int:
        """Send a signal to a server's agent; return its pid."""
        pid = self.agent(node)
        os.kill(pid, number)
        return pid

    def stop(self) -> None:
        """Cut all power, and remove everything."""
        for each in self.trial.nodes:
            agent = self.agent_or_none(each)
            if agent is not None:
                os.kill(agent, signal.SIGCONT)
        control.stop(self.trial, self.clock)

    def run(self, node: str, *words: str, ok: int = 0) -> str:
        """Run an ovstools command as on that server; return what it answers."""
        environment = dict(os.environ)
        for line in control.environment(self.trial, node):
            name, _, value = line.removeprefix("export ").partition("=")
            environment[name] = value
        found = subprocess.run(
            [sys.executable, str(PROGRAM), *words],
            env=environment, text=True, capture_output=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
        assert found.returncode == ok, (found.stdout, found.stderr)
        return found.stdout

    # ------------------------------------------------------------ seeing

    def agent_or_none(self, node: str) -> int | None:
        """Return the pid of a server's agent, if it runs."""
        first = power.owner(self.trial, node)
        for pid in power.session(first) if first else ():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"agent" in words and b"ha-try" in words:
                    return pid
        return None

    def agent(self, node: str) -> int:
        """Return the pid of a server's agent."""
        pid: int = self.wait(lambda: self.agent_or_none(node), f"there is an agent on {node}")
        return pid

    def running(self, guest: str) -> dict[str, int]:
        """Return where a guest runs: asked of every process of every server, not of the agents."""
        found = {}
        for node in self.trial.nodes:
            first = power.owner(self.trial, node)
            for pid in power.session(first) if first else ():
                if self._is_guest(pid, guest):
                    assert node not in found, f"{guest} runs twice on {node}"
                    found[node] = pid
        return found

    def _is_guest(self, pid: int, guest: str) -> bool:
        folder = Path(f"/proc/{pid}")
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            above = Path(f"/proc/{parent}/environ").read_bytes().split(b"\0")
        except OSError:
            return False
        marks = {f"GUEST={guest}".encode(), f"TRY={self.trial.folder}".encode()}
        # its first process, not a child of it
        return marks <= set(environment) and not marks <= set(above)

    def processes_of(self, guest: str) -> list[int]:
        """Return a guest's first processes, whatever session they are in."""
        found = (int(name) for name in os.listdir("/proc") if name.isdigit())
        return [pid for pid in found if self._is_guest(pid, guest)]

    def orders(self) -> Orders:
        """Return what the master has decided."""
        path = self.trial.pool / "orders.json"
        if not path.exists():
            return Orders()
        found = parse_orders(path.read_bytes())
        assert isinstance(found, Orders), found
        return found

    def events(self) -> list[Event]:
        """Return the events of all servers, by time."""
        found: list[Event] = []
        for path in (self.trial.pool / "events").glob("*.jsonl"):
            found += parse_events(path.read_bytes())
        return sorted(found, key=lambda event: event.time_s)

    def lines(self, guest: str) -> list[tuple[str, int]]:
        """Return what a guest wrote: server and count."""
        path = self.trial.definitions / f"{guest}.data"
        words = (line.split() for line in path.read_text().splitlines())
        return [(node, int(count)) for node, count in words]

    def wait(self, happens: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
        """Wait until something is the case; return it."""
        end = time.monotonic() + limit_s
        while not (found := happens()):
            if time.monotonic() > end:
                logs = {n: self.log(n)[-1500:] for n in self.trial.nodes}
                raise AssertionError(f"never: {what}", logs)
            time.sleep(0.05)
        return found

    def log(self, node: str) -> str:
        """Return what keeper and agent of a server said."""
        return (layout.load(self.trial.folder).server(node) / "log").read_text()

    def settled(self, guest: str, *nodes: str) -> str:
        """Wait until a guest runs once, on one of these servers, and return which."""
        wanted = set(nodes or self.trial.nodes)
        found = self.wait(
            lambda: len(self.running(guest)) == 1 and set(self.running(guest)) <= wanted
            and self.running(guest), f"{guest} runs on one of {sorted(wanted)}",
        )  # fmt: skip
        return str(next(iter(found)))
