"""`ovstools cleanup`."""

from __future__ import annotations

import click

from ..ops import cleanup as ops
from . import perform
from .install import running_program
from .options import HELP_NAMES, common


@click.command("cleanup", context_settings=HELP_NAMES)
@common()
def cleanup() -> int:
    """Take this server out of its pool; all data stays."""
    request = ops.Request(running_program())
    return perform.change(lambda host: ops.plan(host, request))
