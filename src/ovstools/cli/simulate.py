"""`ovstools simulate`."""

from __future__ import annotations

import secrets

import click

from ..errors import UsageError
from ..ha.sim import answer
from ..ops.plan import Report
from . import perform
from .options import common


@click.command("simulate")
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option("--trace", is_flag=True, help="Show every event and every agent's decisions.")
@click.option(
    "--random", "count", type=click.IntRange(1), metavar="N", help="Try N random schedules."
)
@click.option("--seed", metavar="S", help="With --random: the seed; without it a new one.")
@click.option("--nodes", default="3..8", show_default=True, help="With --random: N, or N..M.")
@click.option("--guests", default="1..50", show_default=True, help="With --random: N, or N..M.")
@common(changing=False)
def simulate(
    files: tuple[str, ...], trace: bool, count: int | None, seed: str | None, nodes: str,
    guests: str,
) -> int:  # fmt: skip
    """Run scenarios of guest HA on simulated servers."""
    if (count is None) == (not files):
        raise UsageError("either files or --random are needed, and not both")
    if count is None:
        found = answer.run_files(files, trace)
    else:
        ranges = (
            answer.parse_range(nodes, "--nodes", answer.NODES),
            answer.parse_range(guests, "--guests", answer.GUESTS),
        )
        found = answer.run_random(count, seed or secrets.token_hex(4), *ranges)
    return perform.answer(Report(found.lines, found.data, found.status), perform.choices())
