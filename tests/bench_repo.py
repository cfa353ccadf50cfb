"""makerepo's own time beside that of the tools which it calls, judged on the fake machine.

Own are: the start of python (bench.py measures it), what ovstools itself does, and starting every
tool. Each round is a new python, in which a fake machine answers for the tools; as many real `true`
are then started by the real runner. What the tools take on a real server, the tests in the lab
report.
"""

# ruff: noqa: T201 - answers go to stdout

from __future__ import annotations

import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ovstools.cli import main as command_line
from ovstools.cli.commands import load_command
from ovstools.model.command import Command, Result
from ovstools.system.runner import Runner
from ovstools.system.talk import Talk
from tests.conftest import new_machine

ROUNDS = 15
#: or a tenth of the whole time, if that is more: there is none on a fake machine
LIMIT_S = 0.5
LINE = ("/dev/sdb1", "C", "cluster root", "--format")


def once(folder: str) -> tuple[float, float, int]:
    """Make a cluster root on a new fake machine.

    Return our seconds, those of starting as many tools, and how many there were.
    """
    machine = new_machine(Path(folder), 0, {})
    machine.join_cluster()
    tools_s, asked, answer = 0.0, 0, machine.run

    def run(command: Command) -> Result:
        nonlocal tools_s, asked
        begin = time.perf_counter()
        try:
            return answer(command)
        finally:
            tools_s += time.perf_counter() - begin
            asked += 1

    machine.run = run  # type: ignore[method-assign]
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        status = command_line.run(
            load_command("makerepo"), "ovs-makerepo", list(LINE), lambda _: machine.host()
        )
    ours_s = time.perf_counter() - begin - tools_s
    assert status == 0 and machine.commands[0].startswith("mkfs.ocfs2"), machine.commands
    real = Runner(Talk(-1))
    begin = time.perf_counter()
    for _ in range(asked):
        real.run(Command(("true",)))
    return ours_s, time.perf_counter() - begin, asked


def main(start_s: float) -> None:
    """Measure and print; start_s: how long python and ovstools take to start, in seconds."""
    ours, starting, asked = [], [], 0
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, "-m", "tests.bench_repo", folder]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
        ours.append(float(said[0]))
        starting.append(float(said[1]))
        asked = int(said[2])
    parts = [start_s, statistics.median(ours), statistics.median(starting)]
    print(f"makerepo --format, own time on a fake machine; medians of {ROUNDS} runs")
    print(f"start of python              {1000 * parts[0]:7.1f} ms")
    print(f"what ovstools does           {1000 * parts[1]:7.1f} ms")
    print(f"starting {asked:3} tools (`true`)  {1000 * parts[2]:7.1f} ms")
    verdict = "ok" if sum(parts) <= LIMIT_S else "over"
    print(
        f"in all                       {1000 * sum(parts):7.1f} ms  at most {LIMIT_S} s: {verdict}"
    )


if __name__ == "__main__":
    print(*once(sys.argv[1]))
