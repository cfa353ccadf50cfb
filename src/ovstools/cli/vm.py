"""`ovstools vm`, the guests under HA."""

from __future__ import annotations

import click

from ..ha.operating import (
    guest_add,
    guest_clone,
    guest_settings,
    guest_source,
    guest_states,
    guests,
    history,
)
from ..ha.wishes import ASK_MIGRATE, ASK_RELOCATE
from . import operate
from .commands import CommandGroup
from .operate import waiting
from .options import HELP_NAMES, common


@click.group("vm", cls=CommandGroup, context_settings=HELP_NAMES)
@common()
def vm() -> None:
    """Show and change the guests under HA."""


@vm.command("list")
@common(changing=False)
def list_guests() -> int:
    """List the guests: state, server, which HA switch is missing, and why."""
    return operate.look(guests.list_guests)


@vm.command()
@click.argument("name")
@common(changing=False)
def show(name: str) -> int:
    """Show everything of a guest."""
    return operate.look(lambda session: guests.show(session, name))


@vm.command()
@click.argument("name")
@click.argument("definition", required=False)
@click.option("--from-libvirt", "domain", metavar="DOMAIN", help="Take a domain of libvirt here.")
@click.option("--connect", "uri", metavar="URI", help="The hypervisor, such as lxc:///system.")
@click.option("--state", type=click.Choice(guest_source.STATES), help="What is wanted of it.")
@click.option("--preferred", multiple=True, metavar="NODE", help="A server it prefers; repeatable.")
@click.option("--in-place", is_flag=True, help="Leave definition and images where they are.")
@common()
def add(
    name: str, definition: str | None, domain: str | None, uri: str | None, state: str | None,
    preferred: tuple[str, ...], in_place: bool,
) -> int:  # fmt: skip
    """Bring a guest under HA: from libvirt, or by its DEFINITION."""
    request = guest_source.Request(name, definition, domain, uri, state, preferred, in_place)
    return operate.change(lambda session: guest_add.plan(session, request))


@vm.command()
@click.argument("source")
@click.argument("new")
@common()
def clone(source: str, new: str) -> int:
    """Make NEW, a guest like SOURCE, which is off, on copies of its images."""
    return operate.change(lambda session: guest_clone.plan(session, source, new))


@vm.command("set")
@click.argument("name")
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE...")
@common()
def set_values(name: str, values: tuple[str, ...]) -> int:
    """Change what is wanted of a guest; an empty value means the default."""
    return operate.change(lambda session: guest_settings.set_values(session, name, values))


@vm.command()
@click.argument("name")
@common()
def remove(name: str) -> int:
    """Take a guest that is off out of HA; definition and images stay."""
    return operate.change(lambda session: guest_settings.remove(session, name))


@vm.command()
@click.argument("name")
@waiting
@common()
def start(name: str, limit_s: float | None, is_waiting: bool) -> int:
    """Start a guest, and wait until it runs."""
    return operate.change(lambda session: guest_states.start(session, name, limit_s, is_waiting))


@vm.command()
@click.argument("name")
@waiting
@common()
def stop(name: str, limit_s: float | None, is_waiting: bool) -> int:
    """Shut a guest down, and wait until it is off."""
    return operate.change(lambda session: guest_states.stop(session, name, limit_s, is_waiting))


def _move(verb: str, name: str, node: str, limit_s: float | None, is_waiting: bool) -> int:
    return operate.change(
        lambda session: guest_states.move(session, verb, name, node, limit_s, is_waiting),
        edits=False,
    )


@vm.command()
@click.argument("name")
@click.argument("node")
@waiting
@common()
def migrate(name: str, node: str, limit_s: float | None, is_waiting: bool) -> int:
    """Move a guest to NODE while it runs; a container is stopped and started."""
    return _move(ASK_MIGRATE, name, node, limit_s, is_waiting)


@vm.command()
@click.argument("name")
@click.argument("node")
@waiting
@common()
def relocate(name: str, node: str, limit_s: float | None, is_waiting: bool) -> int:
    """Stop a guest, and start it on NODE."""
    return _move(ASK_RELOCATE, name, node, limit_s, is_waiting)


@vm.command("history")
@click.argument("name", required=False)
@click.option("--since", metavar="TIME", help="90s, 15m, 2h, 3d, or a date and time.")
@common(changing=False)
def show_history(name: str | None, since: str | None) -> int:
    """Show what happened, merged from all servers, and what each failover took."""
    return operate.look(lambda session: history.look(session, name, since))
