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
    "--remove", metavar="NODE", help="Take a server that is gone out of the cluster, everywhere."
)
@click.option("--all", "to_all", is_flag=True, help="Bring all other servers to the same, by ssh.")
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
    remove: str | None,
    to_all: bool,
) -> int:
    """Write cluster.conf if there is none; set up and start o2cb."""
    if (add or remove) and (nodes or nodes_from):
        raise click.UsageError("--add and --remove go without --node and --nodes-from")
    if add and remove:
        raise click.UsageError("--add and --remove exclude each other")
    request = ops.Request(nodes, nodes_from, add, timing, cluster_name, remove, to_all)
    return perform.change(lambda host: ops.plan(host, request))
