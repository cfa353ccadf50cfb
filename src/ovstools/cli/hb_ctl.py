"""`ovs-hb-ctl`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..ops import hb_ctl as ops
from . import perform
from .options import HELP_NAMES, common

FLAGS = (
    ("-S", ops.START, "Start the heartbeat (ocfs2_hb_ctl's word)."),
    ("-K", ops.STOP, "Stop the heartbeat."),
    ("-I", ops.INFO, "Print the number of references."),
    ("-P", ops.PRIORITY, "Set the I/O priority of the heartbeat thread."),
)


def _flags(function: Callable[..., Any]) -> Callable[..., Any]:
    for flag, action, text in reversed(FLAGS):
        function = click.option(flag, "flags", flag_value=action, multiple=True, help=text)(
            function
        )
    return function


@click.command("hb-ctl", context_settings=HELP_NAMES)
@click.argument("words", nargs=-1, metavar="[start|stop|status DEVICE|UUID] [SERVICE]")
@_flags
@click.option("-d", "device", metavar="DEVICE", help="The region on DEVICE.")
@click.option("-u", "uuid", metavar="UUID", help="The region with this UUID.")
@click.option(
    "-n", "priority", type=click.IntRange(0, 7), metavar="PRIO", help="With -P: the priority."
)
@common()
def hb_ctl(
    words: tuple[str, ...],
    flags: tuple[str, ...],
    device: str | None,
    uuid: str | None,
    priority: int | None,
) -> int:
    """Start, stop or show the heartbeat on a device."""
    request = ops.parse_words(words, flags, device, uuid, priority)
    if request.action in (ops.STATUS, ops.INFO):
        return perform.look(lambda host: ops.look(host, request))
    return perform.change(lambda host: ops.plan(host, request))
