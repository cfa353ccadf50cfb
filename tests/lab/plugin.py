"""pytest's way to the lab: `pytest_plugins = ["tests.lab.plugin"]`, or `-p tests.lab.plugin`.

`lab` gives the lab in its known state to each test; a test module marked with `pytestmark =
pytest.mark.lab(scope="module")` gets it so once, for tests that build on each other;
`pytest.mark.lab(servers=4)` asks for another number of servers. With `begin=(FUNCTION, ...)` the
tests begin where these functions, one after the other, take the lab, for example with a pool: each
runs once a session, and later its moment is gone back to. A lab that cannot run is an error and
never a skip. OVSLAB_KEEP=1 leaves the servers of the last test on, to look at.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Sequence

import pytest

from . import moment
from .errors import tail
from .lab import Lab

DEFAULT_SERVERS = 3
Begin = Callable[[Lab], object]


@dataclass
class Instance:
    """The session's lab, and for whom it was restored last: (module or test, servers)."""

    lab: Lab
    restored_for: tuple[Any, ...] = field(default=())

    def restore(self, servers: int, begin: Sequence[Begin] = ()) -> None:
        """Bring the lab to the known state, or to where functions take it from there."""
        name = "-".join([str(servers), *(each.__qualname__ for each in begin)])
        if len(self.lab.servers) != servers or not begin:
            self.lab.restore(servers)
        if begin and moment.is_kept(self.lab, name):
            moment.go_back(self.lab, name)
        elif begin:
            self.restore(servers, begin[:-1])
            begin[-1](self.lab)
            moment.keep(self.lab, name)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        'lab(servers=3, scope="test"|"module", begin=(F, ...)): the lab it wants, and when',
    )


@pytest.fixture(scope="session")
def lab_instance() -> Iterator[Instance]:
    """Hold the lab for the session; put it down at the end, however that comes."""
    opened = Lab.open(servers=DEFAULT_SERVERS, pin=True)
    try:
        opened.restore()
        yield Instance(opened)
    finally:
        try:
            if not os.environ.get("OVSLAB_KEEP"):
                opened.down()
        finally:
            opened.close()


@pytest.fixture
def lab(lab_instance: Instance, request: pytest.FixtureRequest) -> Lab:
    """Give the lab in its known state."""
    mark = request.node.get_closest_marker("lab")
    wanted = dict(mark.kwargs) if mark else {}
    servers = wanted.pop("servers", DEFAULT_SERVERS)
    scope, begin = wanted.pop("scope", "test"), wanted.pop("begin", ())
    if wanted or scope not in ("test", "module"):
        raise pytest.UsageError(
            f'lab(servers=N, scope="test"|"module", begin=(F, ...)), not {mark}'
        )
    user = (request.path if scope == "module" else request.node.nodeid, servers)
    untouched = lab_instance.restored_for == () and (servers, begin) == (DEFAULT_SERVERS, ())
    shared = scope == "module" and lab_instance.restored_for == user
    if not untouched and not shared:
        lab_instance.restore(servers, begin)
    lab_instance.restored_for = user
    return lab_instance.lab


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures that tests recorded: what took how long."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {name}: {value}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the ends of the servers' consoles with a test that failed."""
    result: Any = yield
    report = result.get_result()
    instance = getattr(item, "funcargs", {}).get("lab_instance")
    if report.when == "call" and report.failed and instance is not None:
        for server in instance.lab.servers:
            title = f"{server.short_name} ({'on' if server.is_on() else 'off'}), console"
            report.sections.append((title, tail(server.machine.console)))
