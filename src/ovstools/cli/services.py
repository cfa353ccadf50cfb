"""`ovstools services`."""

from __future__ import annotations

import click

from ..ops import service_status
from ..ops import services as ops
from ..ops.guest_leaving import DRAIN, STOP_GUESTS
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
    """Start o2cb, ocfs2, ovsrepositories, ovs-locks and ovs-agent."""
    return perform.change(lambda host: ops.plan(host, ops.Request(ops.START)))


@services.command()
@click.option("--drain", is_flag=True, help="First have the agent move the guests elsewhere.")
@click.option("--stop-guests", is_flag=True, help="First have the agent shut the guests down.")
@common()
def stop(drain: bool, stop_guests: bool) -> int:
    """Stop them, in exactly the reverse order."""
    if drain and stop_guests:
        raise click.UsageError("--drain and --stop-guests exclude each other")
    how = DRAIN if drain else STOP_GUESTS if stop_guests else None
    return perform.change(lambda host: ops.plan(host, ops.Request(ops.STOP, how)))


@services.command()
@common(changing=False)
def status() -> int:
    """Say what is really up (0: everything, 3: not everything)."""
    return perform.look(service_status.look)
