"""`ovstools iscsi`: portals, targets, node records and sessions."""

from __future__ import annotations

from typing import Any

import click

from ..ops import iscsi_discover, iscsi_list, iscsi_login, iscsi_logout, iscsi_prune
from . import perform
from .chap import chap_options, read_chap
from .commands import CommandGroup
from .options import HELP_NAMES, common


@click.group("iscsi", cls=CommandGroup, context_settings=HELP_NAMES)
@common()
def iscsi() -> None:
    """Discover, log in to, log out of and list iSCSI targets."""


@iscsi.command()
@click.argument("portals", nargs=-1, required=True, metavar="PORTAL...")
@common()
def discover(portals: tuple[str, ...]) -> int:
    """Ask portals for their targets and record them; nothing is logged in."""
    request = iscsi_discover.Request(portals)
    return perform.change(lambda host: iscsi_discover.plan(host, request))


@iscsi.command()
@click.argument("targets", nargs=-1, metavar="[IQN[@PORTAL]]...")
@chap_options
@common()
def login(targets: tuple[str, ...], **words: Any) -> int:
    """Log in to recorded targets (all), now and at each boot."""
    request = iscsi_login.Request(targets, read_chap(**words))
    return perform.change(lambda host: iscsi_login.plan(host, request))


@iscsi.command()
@click.argument("targets", nargs=-1, required=True, metavar="IQN[@PORTAL]...")
@common()
def logout(targets: tuple[str, ...]) -> int:
    """Log out of targets that nothing uses, now and at each boot."""
    request = iscsi_logout.Request(targets)
    return perform.change(lambda host: iscsi_logout.plan(host, request))


@iscsi.command()
@click.option(
    "--keep", multiple=True, required=True, metavar="IQN[@PORTAL]", help="A target that stays."
)
@common()
def prune(keep: tuple[str, ...]) -> int:
    """Delete every node record but those to keep."""
    request = iscsi_prune.Request(keep)
    return perform.change(lambda host: iscsi_prune.plan(host, request))


@iscsi.command("list")
@common(changing=False)
def list_targets() -> int:
    """List records and sessions with their devices, and what uses them."""
    return perform.look(iscsi_list.look)
