"""Fixtures for unit and command-line tests: fake machines, and nothing of the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import quarantine
from tests.fakes.disk import Disk
from tests.fakes.machine import FakeMachine

WWN = "/dev/disk/by-id/wwn-0x5000c500a0b1c2d3-part1"

#: no test is timed: a busy machine must not fail one
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

HERE = Path(__file__).parent
QUARANTINED = (HERE / "unit", HERE / "cli")
#: the lab is a test tool: it makes files and processes itself
EXEMPT = HERE / "unit" / "lab"


class AtOnce:
    """Names each failed test when it fails: a run that a time limit ends has no summary."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        """Write to the terminal's reporter, which only the leading process has."""
        self.terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write what failed, where in it, and the end of why."""
        if report.failed:
            self.terminal.ensure_newline()
            self.terminal.write_line(f"{report.nodeid}: {report.when} failed")
            crash = getattr(report.longrepr, "reprcrash", None)
            why = str(crash.message if crash else report.longrepr)
            self.terminal.write_line(why[-1500:])


@pytest.hookimpl(trylast=True)  # the terminal's reporter is there only then
def pytest_configure(config: pytest.Config) -> None:
    """Have failures named at once."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        config.pluginmanager.register(AtOnce(terminal))


@pytest.fixture(autouse=True)
def _quarantine(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Let no unit test touch the machine by accident."""
    folders = request.path.parents
    is_unit = EXEMPT not in folders and any(folder in folders for folder in QUARANTINED)
    if is_unit and request.node.get_closest_marker("processes") is None:
        folder = tmp_path_factory.getbasetemp()
        # Hypothesis fills its own cache by way of a temporary file
        monkeypatch.setattr("tempfile.tempdir", str(folder))
        with quarantine.kept_in(folder):
            yield
    else:
        yield


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    """Return vmserver1 with the shared LUN's partition /dev/sdb1, blank, and no cluster."""
    return new_machine(tmp_path, 0, {})


@pytest.fixture
def machines(tmp_path: Path) -> Callable[[int], FakeMachine]:
    """Return what makes vmserver N+1; all share one LUN."""
    disks: dict[str, Disk] = {}
    return lambda number: new_machine(tmp_path, number, disks)


def new_machine(tmp_path: Path, number: int, disks: dict[str, Disk]) -> FakeMachine:
    """Make a server with the shared LUN."""
    root = tmp_path / f"v{number + 1}"  # a socket's path has room for 107 characters
    root.mkdir()
    machine = FakeMachine(root, number, disks)
    machine.add_disk("/dev/sdb1", "8:17", link=WWN)
    return machine
