"""`ovs-makerepo`."""

from __future__ import annotations

from typing import Any

import click

from ..ops import makerepo as ops
from ..ops.formatting import Format
from ..ops.iscsi_source import IscsiRequest
from . import perform
from .chap import chap_options, read_chap
from .options import HELP_NAMES, common


@click.command("makerepo", context_settings=HELP_NAMES)
@click.argument("source")
@click.argument("shared", type=click.Choice(["C", "1", "0"]), metavar="{C|1|0}")
@click.argument("description")
@click.option("--format", "wanted", is_flag=True, help="Format SOURCE if it is blank.")
@click.option(
    "--force", is_flag=True, help="With --format: destroy what is on SOURCE; never what is in use."
)
@click.option(
    "--format-here",
    "here",
    is_flag=True,
    help="Format though this is not the lowest-numbered node.",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Wait up to S seconds for the lowest-numbered node to format SOURCE (600).",
)
@click.option(
    "--profile",
    type=click.Choice(["whitepaper", "vmstore"]),
    default="whitepaper",
    show_default=True,
    help="Sizes for mkfs: the white paper's, or today's better ones for images.",
)
@click.option("--block-size", metavar="SIZE", help="mkfs.ocfs2 -b (4K).")
@click.option("--cluster-size", metavar="SIZE", help="mkfs.ocfs2 -C (4K).")
@click.option("--journal-size", metavar="SIZE", help="mkfs.ocfs2 -J size= (64M).")
@click.option("--slots", type=int, metavar="N", help="mkfs.ocfs2 -N (16).")
@click.option("--label", metavar="LABEL", help="mkfs.ocfs2 -L (ovs).")
@click.option(
    "--heartbeat-size",
    metavar="SIZE",
    help="NFS: size of the heartbeat file, if it has to be made (300M).",
)
@click.option("--prune", is_flag=True, help="iSCSI: delete the node records of other targets.")
@click.option(
    "--all-portals",
    is_flag=True,
    help="iSCSI: log in through each portal of the target, for multipathd.",
)
@chap_options
@common()
def makerepo(
    source: str, shared: str, description: str, prune: bool, all_portals: bool,
    chap_file: str | None, chap_user: str | None, chap_target_user: str | None,
    heartbeat_size: str | None, **words: Any,
) -> int:  # fmt: skip
    """Register and mount a repository.

    SOURCE is a block device, HOST:/EXPORT, or iscsi://PORTAL[:PORT]/IQN[/LUN]. C makes it the
    cluster root, mounted at /OVS; 1 a shared and 0 a local repository, mounted at /OVS/UUID.
    Run with the same words on each further server.
    """
    form = Format(**words)
    chap = read_chap(chap_file, chap_user, chap_target_user)
    iscsi = IscsiRequest(chap, prune, all_portals)
    request = ops.Request(source, shared, description, form, perform.ask, iscsi, heartbeat_size)
    return perform.change(lambda host: ops.plan(host, request))
