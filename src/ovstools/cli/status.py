"""`ovstools status`, `what-if` and `why`: seeing."""

from __future__ import annotations

import click

from ..ha.operating import futures, status_watch
from ..ha.operating import status as looking
from ..ha.operating import why as explaining
from . import operate, output, perform
from .options import common


@click.command("status")
@click.option("--watch", "is_watching", is_flag=True, help="Go on looking, until Ctrl-C.")
@common(changing=False)
def status(is_watching: bool) -> int:
    """Show servers, guests, and what is to be looked at."""
    if not is_watching:
        return operate.look_here(looking.look)
    host = perform.make_host(perform.choices())
    answers = status_watch.answers(host)
    return operate.watch(answers, output.is_live())


@click.command("what-if")
@click.option("--fail", "nodes", multiple=True, metavar="NODE", help="Let NODE fail; repeatable.")
@click.argument("more", nargs=-1, metavar="[NODE]...")
@common(changing=False)
def what_if(nodes: tuple[str, ...], more: tuple[str, ...]) -> int:
    """Say where guests would go if servers failed; 3: some would have no place."""
    return operate.look(lambda session: futures.look(session, (*nodes, *more)))


@click.command("why")
@click.argument("node")
@common(changing=False)
def why(node: str) -> int:
    """Say why a server is in the condition it is in."""
    return operate.look(lambda session: explaining.look(session, node))
