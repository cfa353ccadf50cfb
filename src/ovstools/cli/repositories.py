"""`ovstools repositories`, the commands of the ovsrepositories service."""

from __future__ import annotations

from typing import Any

import click

from ..ops import convert as convert_ops
from ..ops import grow as grow_ops
from ..ops import repositories as ops
from ..ops import repository_list
from ..ops.formatting import Format
from . import perform
from .commands import CommandGroup
from .options import HELP_NAMES, common

wait_option = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Wait up to S seconds for devices that are not there yet (30).",
)


@click.group("repositories", cls=CommandGroup, context_settings=HELP_NAMES)
@common()
def repositories() -> None:
    """Mount, unmount and list the registered repositories."""


def _change(action: str, wait_s: float | None = None) -> int:
    request = ops.Request(action, wait_s)
    return perform.change(
        lambda host: ops.plan(host, request), lambda host: ops.is_idle(host, action)
    )


@repositories.command()
@wait_option
@common()
def start(wait_s: float | None) -> int:
    """Mount what is listed, the cluster root first."""
    return _change(ops.START, wait_s)


@repositories.command()
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Wait up to S seconds for the processes that use them to end (0).",
)
@common()
def stop(wait_s: float | None) -> int:
    """Unmount what is listed, the cluster root last."""
    return _change(ops.STOP, wait_s)


@repositories.command()
@wait_option
@common()
def restart(wait_s: float | None) -> int:
    """Unmount what is listed, then mount it."""
    return _change(ops.RESTART, wait_s)


@repositories.command()
@wait_option
@common()
def reload(wait_s: float | None) -> int:
    """Mount what is listed and not mounted; leave the rest alone."""
    return _change(ops.RELOAD, wait_s)


@repositories.command()
@common(changing=False)
def status() -> int:
    """Say whether everything is mounted (0) or not (3)."""
    return perform.look(ops.status)


@repositories.command("list")
@common(changing=False)
def list_repositories() -> int:
    """List the repositories with state, description and space."""
    return perform.look(repository_list.look)


@repositories.command()
@click.argument("repository")
@click.option(
    "--slots", type=int, metavar="N", help="Give it N node slots instead; offline on all servers."
)
@common()
def grow(repository: str, slots: int | None) -> int:
    """Let a repository use a device that has become larger.

    REPOSITORY is a UUID, mountpoint, source or description. Run it on every server that has the
    repository mounted: the last one grows the file system.
    """
    return perform.change(grow_ops.Growth(grow_ops.Request(repository, slots)).plan)


@repositories.command()
@click.argument("source")
@click.argument("shared", type=click.Choice(["C", "1"]), metavar="{C|1}")
@click.argument("description")
@click.option("--from", "origin", metavar="FOLDER", help="What is converted (/OVS).")
@click.option("--format", "wanted", is_flag=True, help="Format SOURCE if it is blank.")
@click.option("--profile", type=click.Choice(["whitepaper", "vmstore"]), default="whitepaper",
              show_default=True, help="Sizes for mkfs, as for makerepo.")  # fmt: skip
@click.option("--journal-size", metavar="SIZE", help="mkfs.ocfs2 -J size= (64M).")
@click.option("--slots", type=int, metavar="N", help="mkfs.ocfs2 -N (16).")
@common()
def convert(
    source: str, shared: str, description: str, origin: str | None, **words: Any
) -> int:  # fmt: skip
    """Move the local data of /OVS to shared storage, and keep it.

    SOURCE becomes the cluster root (C) or a shared repository (1), as by ovs-makerepo; the data
    is copied, compared, and put in its place.
    """
    request = convert_ops.Request(source, shared, description, origin, Format(**words))
    return perform.change(lambda host: convert_ops.plan(host, request))
