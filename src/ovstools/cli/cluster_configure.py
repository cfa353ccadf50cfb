"""`ovs-cluster-configure`."""

from __future__ import annotations

import click

from ..ops import cluster_configure as ops
from . import perform
from .options import HELP_NAMES, common


@click.command("cluster-configure", context_settings=HELP_NAMES)
@click.option(
    "--node",
    "nodes",
    multiple=True,
    metavar="NAME=IP[:PORT][#NUMBER]",
    help="A node of the new cluster; once for each. Without: this server alone.",
)
@click.option(
    "--nodes-from", metavar="FILE", help="Read the nodes from FILE, a line each as with --node."
)
@click.option(
    "--add", metavar="NAME=IP[:PORT][#NUMBER]", help="Add a node to the cluster that there is."
)
@click.option(
    "--timing",
    metavar="PRESET|KEY=N,...",
    help="fast, default or multipath; or threshold=, idle=, keepalive=, reconnect= (ms).",
)
@click.option("--cluster-name", metavar="NAME", help="The new cluster's name (ocfs2).")
@common()
def cluster_configure(
    nodes: tuple[str, ...],
    nodes_from: str | None,
    add: str | None,
    timing: str | None,
    cluster_name: str | None,
) -> int:
    """Write cluster.conf if there is none; set up and start o2cb."""
    if add and (nodes or nodes_from):
        raise click.UsageError("--add goes without --node and --nodes-from")
    request = ops.Request(nodes, nodes_from, add, timing, cluster_name)
    return perform.change(lambda host: ops.plan(host, request))
