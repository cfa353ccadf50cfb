"""How long ovstools takes to start, against python that imports click and does nothing else.

And makerepo's own time (bench_repo.py), how long the HA master decides (bench_ha.py), and what the
real agent costs (bench_try.py).

`make bench`. The command lines take turns, so that a busy moment of the machine hits them all;
medians count. Every one runs on the same python, without a terminal, on an empty machine.
"""

# ruff: noqa: T201 - answers go to stdout

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from tests import bench_ha, bench_repo, bench_try

ROUNDS = 40
WARM_UP = 3
BASE = "python3 -c 'import click'"
#: what sysadmins type all day must not feel slower than any other command made with click
LIMITS = {"ovstools --version": 1.5, "ovstools --help": 1.5}


def entry(function: str, *words: str) -> list[str]:
    """Return what the installed script of a command does."""
    code = f"import sys; from ovstools.cli.main import {function}; sys.exit({function}())"
    return [sys.executable, "-c", code, *words]


def command_lines(root: str) -> dict[str, list[str]]:
    """Return what is measured; root is an empty folder."""
    check = entry("ovs_cluster_check", "--json", "--root", root)
    return {
        BASE: [sys.executable, "-c", "import click"],
        "ovstools --version": entry("ovstools", "--version"),
        "ovstools --help": entry("ovstools", "--help"),
        "ovs-cluster-check --json": check,
    }


def seconds(words: Sequence[str]) -> float:
    """Run a command line; return how long it took."""
    start = time.perf_counter()
    subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    return time.perf_counter() - start


def measure(lines: dict[str, list[str]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median of each command line, in seconds."""
    for words in lines.values():
        for _ in range(WARM_UP):  # compiled modules, and the disk's cache
            seconds(words)
    taken: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(rounds):
        for name, words in lines.items():
            taken[name].append(seconds(words))
    return {name: statistics.median(values) for name, values in taken.items()}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as root:
        medians = measure(command_lines(root))
    print(f"medians of {ROUNDS} runs each, in turns; Python {sys.version.split()[0]}")
    for name, median in medians.items():
        ratio = median / medians[BASE]
        limit = LIMITS.get(name)
        verdict = (
            "" if limit is None else f"  at most {limit}: {'ok' if ratio <= limit else 'over'}"
        )
        print(f"{name:25} {1000 * median:7.1f} ms {ratio:6.2f}{verdict}")
    print()
    bench_repo.main(medians["ovstools --version"])
    print()
    bench_ha.main()
    bench_try.main()


if __name__ == "__main__":
    main()
