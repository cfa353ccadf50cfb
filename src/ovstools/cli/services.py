"""`ovstools services`."""

from __future__ import annotations

import click

from ..ops import service_status
from ..ops import services as ops
from . import perform
from .commands import CommandGroup
from .options import HELP_NAMES, common


@click.group("services", cls=CommandGroup, context_settings=HELP_NAMES)
@common()
def services() -> None:
    """Start and stop the pool's services in order."""


@services.command()
@common()
def start() -> int:
    """Start o2cb, ocfs2, ovsrepositories and ovs-agent."""
    return perform.change(lambda host: ops.plan(host, ops.Request(ops.START)))


@services.command()
@common()
def stop() -> int:
    """Stop them, in exactly the reverse order."""
    return perform.change(lambda host: ops.plan(host, ops.Request(ops.STOP)))


@services.command()
@common(changing=False)
def status() -> int:
    """Say what is really up (0: everything, 3: not everything)."""
    return perform.look(service_status.look)
