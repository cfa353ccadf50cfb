"""`ovstools install-units`, `ovstools install-hook` and `ovstools install-links`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from ..ops import install_hook as hook_ops
from ..ops import install_links as links_ops
from ..ops import install_units as units_ops
from . import perform
from .options import common


def running_program() -> str:
    """Return the absolute path of the ovstools that runs, links not followed."""
    path = Path(shutil.which(sys.argv[0]) or sys.argv[0]).absolute()
    return str(path.with_name("ovstools"))


@click.command("install-units")
@click.option("--no-enable", is_flag=True, help="Do not start the services, now or at boot.")
@click.option("--remove", is_flag=True, help="Remove what install-units installed.")
@common()
def install_units(no_enable: bool, remove: bool) -> int:
    """Install and enable the systemd units."""
    request = units_ops.Request(running_program(), not no_enable, remove)
    return perform.change(lambda host: units_ops.plan(host, request))


@click.command("install-hook")
@click.option("--remove", is_flag=True, help="Remove the hook.")
@common()
def install_hook(remove: bool) -> int:
    """Have libvirt ask before it starts a guest of the pool."""
    request = hook_ops.Request(running_program(), remove)
    return perform.change(lambda host: hook_ops.plan(host, request))


@click.command("install-links")
@click.option(
    "--dir",
    "folder",
    default="/usr/lib/ovs",
    show_default=True,
    metavar="DIR",
    help="Where to make the links.",
)
@click.option("--remove", is_flag=True, help="Remove the links.")
@common()
def install_links(folder: str, remove: bool) -> int:
    """Make the historic paths below /usr/lib/ovs."""
    request = links_ops.Request(running_program(), str(Path(folder).absolute()), remove)
    return perform.change(lambda host: links_ops.plan(host, request))
