"""`ovstools keeper`: what ovs-locks.service runs."""

from __future__ import annotations

import click

from ..ha import keeper_run
from . import perform
from .options import HELP_NAMES, common


@click.command("keeper", hidden=True, context_settings=HELP_NAMES)
@common(changing=False)
def keeper() -> int:
    """Hold the locks of this server and its guests (ovs-locks.service)."""
    return keeper_run.run(perform.make_host(perform.choices()))
