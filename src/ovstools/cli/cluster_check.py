"""`ovs-cluster-check`."""

from __future__ import annotations

from typing import Any

import click

from ..ops import cluster_check as ops
from ..ops.check_report import FORMATS
from . import agent, output, perform
from .options import common


@click.command("cluster-check")
@click.option("--master", is_flag=True, help="Act as the server pool's master.")
@click.option(
    "--alter-fstab",
    is_flag=True,
    help="Before the check, move the mounts at and below /OVS from /etc/fstab to "
    "/etc/ovs/repositories; a backup of fstab is made in /tmp.",
)
@click.option("--daemon", is_flag=True, help="Be this server's HA agent (ovs-agent.service).")
@click.option(
    "--propagate",
    is_flag=True,
    help="With --master: bring cluster.conf, timing and repositories to every server, by ssh.",
)
@click.option("--all", "to_all", is_flag=True, help="Have every server run its own check, by ssh.")
@click.option("--list-checks", is_flag=True, help="List the codes of all findings.")
@click.option("--explain", metavar="CODE", help="Say why a finding matters and what to do.")
@click.option("--timing", is_flag=True, help="Say what o2cb's timing means in seconds.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How to answer; nagios has the exit statuses of a monitoring plugin.",
)
@click.option("--output", "file", metavar="FILE", help="Write the answer to FILE, whole at once.")
@click.option("--strict", is_flag=True, help="Count warnings as unhealthy.")
@common()
def cluster_check(form: str, file: str | None, daemon: bool, **words: Any) -> int:
    """Check this server's part of the pool."""
    chosen = perform.choices()
    if daemon:
        return agent.run(chosen, words)
    chosen.json = chosen.json or form == "json"
    request = ops.Request(form=form, **words)
    with output.into(file):
        if request.alter_fstab or request.propagate:
            return perform.change(lambda host: ops.plan(host, request))
        return perform.look(lambda host: ops.look(host, request))
