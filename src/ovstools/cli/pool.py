"""`ovstools pool`, what the pool is and does as a whole."""

from __future__ import annotations

import click

from ..ha.operating import maintenance as maintaining
from ..ha.operating import pool_commands, pool_copy
from ..ha.wishes import FREEZE, IGNORE
from . import operate
from .commands import CommandGroup
from .operate import waiting
from .options import HELP_NAMES, common


@click.group("pool", cls=CommandGroup, context_settings=HELP_NAMES)
@common()
def pool() -> None:
    """Show and change the pool: HA switch, master, maintenance, policies."""


@pool.command()
@common(changing=False)
def show() -> int:
    """Show the pool: servers, master, switch and policies."""
    return operate.look(pool_commands.show)


@pool.group("ha", cls=CommandGroup, context_settings=HELP_NAMES)
@common()
def switch() -> None:
    """Switch HA on or off for the whole pool."""


@switch.command("on")
@common()
def ha_on() -> int:
    """Let the master decide."""
    return operate.change(lambda session: pool_commands.switch(session, True))


@switch.command("off")
@click.option("--freeze", is_flag=True,
              help="Decide nothing; guests stay as they are. The default.")  # fmt: skip
@click.option("--ignore", is_flag=True, help="Treat every guest as ignored.")
@common()
def ha_off(freeze: bool, ignore: bool) -> int:
    """Stop decisions, for work on the network; locks and o2cb's fencing stay."""
    if freeze and ignore:
        raise click.UsageError("either --freeze or --ignore, and not both")
    meaning = IGNORE if ignore else FREEZE
    return operate.change(lambda session: pool_commands.switch(session, False, meaning))


@pool.command()
@click.argument("node", required=False)
@waiting
@common()
def master(node: str | None, limit_s: float | None, is_waiting: bool) -> int:
    """Name the master, or make NODE the master."""
    if node is None:
        return operate.look(pool_commands.say_master)
    word = node
    return operate.change(
        lambda session: pool_commands.hand_over(session, word, limit_s, is_waiting), edits=False
    )


@pool.group("maintenance", cls=CommandGroup, context_settings=HELP_NAMES)
@common()
def maintenance() -> None:
    """Let guests leave a server, and come back."""


@maintenance.command("on")
@click.argument("node")
@waiting
@common()
def maintenance_on(node: str, limit_s: float | None, is_waiting: bool) -> int:
    """Let the guests of NODE leave, and wait until they have."""
    return operate.change(
        lambda session: maintaining.switch(session, node, True, limit_s, is_waiting)
    )


@maintenance.command("off")
@click.argument("node")
@common()
def maintenance_off(node: str) -> int:
    """Let NODE take guests again."""
    return operate.change(lambda session: maintaining.switch(session, node, False, None, False))


@pool.command("set")
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE...")
@common()
def set_values(values: tuple[str, ...]) -> int:
    """Change the pool's policies; an empty value means the default."""
    return operate.change(lambda session: pool_commands.set_values(session, values))


@pool.command("export")
@common(changing=False)
def export() -> int:
    """Print all that operators have said: pool, rules, guests."""
    return operate.look(pool_copy.export)


@pool.command("import")
@click.argument("file")
@common()
def import_file(file: str) -> int:
    """Bring pool, rules and guests to what FILE, made by export, says."""
    return operate.change(lambda session: pool_copy.bring_in(session, file))
