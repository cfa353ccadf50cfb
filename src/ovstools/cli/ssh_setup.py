"""`ovstools ssh-setup`."""

from __future__ import annotations

import click

from ..ops import ssh_setup as ops
from . import perform
from .options import HELP_NAMES, common


@click.command("ssh-setup", context_settings=HELP_NAMES)
@click.option("--remove", is_flag=True, help="Undo it on this server.")
@common()
def ssh_setup(remove: bool) -> int:
    """Let the pool's servers log in on each other, for migrations."""
    return perform.change(lambda host: ops.plan(host, ops.Request(remove)))
