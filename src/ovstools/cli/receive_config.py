"""`ovstools receive-config`: what --propagate and --all run on every other server."""

from __future__ import annotations

import sys

import click

from ..model.pool_config import MAX_BYTES
from ..ops import receive_config as ops
from . import perform
from .options import HELP_NAMES, common


@click.command("receive-config", hidden=True, context_settings=HELP_NAMES)
@common()
def receive_config() -> int:
    """Take the pool's configuration from another server (--propagate, --all)."""
    text = sys.stdin.read(MAX_BYTES + 1)
    return perform.change(lambda host: ops.plan(host, ops.Request(text)))
