"""`ovstools guest-hook`: what libvirt's hook runs."""

from __future__ import annotations

import click

from ..errors import RefusedError
from . import perform
from .options import HELP_NAMES, common


@click.command("guest-hook", hidden=True, context_settings=HELP_NAMES)
@click.argument("driver")
@click.argument("guest")
@click.argument("operation")
@common(changing=False)
def guest_hook(driver: str, guest: str, operation: str) -> int:
    """Tell whether libvirt may start a guest here (its hook)."""
    from ..ha import guest_hook as hook  # here: it loads half of the agent

    host = perform.make_host(perform.choices())
    if host.offline:
        raise RefusedError("with --root nothing is started")
    return hook.run(host, hook.Request(driver, guest, operation))
