"""`ovstools repositories`, the commands of the ovsrepositories service."""

from __future__ import annotations

import click

from ..ops import grow as grow_ops
from ..ops import repositories as ops
from ..ops import repository_list
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
