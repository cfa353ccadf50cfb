"""`ovs-offlinerepo`."""

from __future__ import annotations

import click

from ..ops import offlinerepo as ops
from . import perform
from .options import HELP_NAMES, common


@click.command("offlinerepo", context_settings=HELP_NAMES)
@click.argument("repository")
@click.argument("source", required=False)
@click.option("-d", "--delete", is_flag=True, help="Also take it off the list.")
@common()
def offlinerepo(repository: str, source: str | None, delete: bool) -> int:
    """Unmount a repository; its data stays.

    REPOSITORY is a UUID, mountpoint, source or description. SOURCE is for the historic form,
    -d UUID SOURCE: both must fit.
    """
    request = ops.Request(repository, source, delete)
    return perform.change(lambda host: ops.plan(host, request))
