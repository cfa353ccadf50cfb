"""`ovstools ha-try`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..ha.trial import control, layout, power, server
from ..system.clock import Clock
from . import perform
from .commands import CommandGroup
from .options import HELP_NAMES, Choices, common

FOLDER = "/tmp/ovs-ha-try"


@click.group("ha-try", cls=CommandGroup, context_settings=HELP_NAMES)
@click.option("--dir", "folder", default=FOLDER, show_default=True, help="Where the try lives.")
@click.pass_context
def ha_try(ctx: click.Context, folder: str) -> None:
    """Try guest HA with a pool of servers on this machine."""
    ctx.obj = ctx.find_root().ensure_object(Choices)
    ctx.meta["folder"] = Path(folder).absolute()


def _folder() -> Path:
    found: Path = click.get_current_context().meta["folder"]
    return found


@ha_try.command("start")
@click.option("--servers", type=click.IntRange(1, 32), default=3, show_default=True,
              help="How many servers.")  # fmt: skip
@click.option("--guests", type=click.IntRange(0, 200), default=4, show_default=True,
              help="How many guests.")  # fmt: skip
@click.option("--dead", type=click.FloatRange(1, 120), default=4.0, show_default=True, metavar="S",
              help="Seconds after which a server without power is declared dead.")  # fmt: skip
@common(changing=False)
def start(servers: int, guests: int, dead: float) -> int:
    """Make a pool with guests, and switch its servers on."""
    talk = perform.make_host(perform.choices()).talk
    trial = control.start(_folder(), servers, guests, dead, _program(), Clock(), talk.notice)
    click.echo(f"the pool is in {trial.pool}; be one of its servers with:")
    click.echo(f'eval "$({Path(sys.argv[0]).name} ha-try --dir {trial.folder} env vmserver1)"')
    return 0


@ha_try.command("power-on")
@click.argument("node")
@common(changing=False)
def power_on(node: str) -> int:
    """Switch a server on."""
    is_new = power.switch_on(layout.load(_folder()), node, _program(), Clock())
    click.echo(f"{node} is on" if is_new else f"{node} is already on")
    return 0


@ha_try.command("power-off")
@click.argument("node")
@common(changing=False)
def power_off(node: str) -> int:
    """Cut a server's power: keeper, agent and guests are gone at once."""
    trial = layout.load(_folder())
    trial.server(node)
    had_power = power.cut(trial, node, Clock())
    click.echo(f"the power of {node} is cut" if had_power else f"{node} is already off")
    return 0


@ha_try.command("env")
@click.argument("node")
@common(changing=False)
def env(node: str) -> int:
    """Print what a shell evaluates to be a server of the try."""
    for line in control.environment(layout.load(_folder()), node):
        click.echo(line)
    return 0


@ha_try.command("stop")
@common(changing=False)
def stop() -> int:
    """Cut all servers' power, and remove the try."""
    control.stop(layout.load(_folder()), Clock())
    return 0


@ha_try.command("boot", hidden=True)
@click.argument("node")
def boot(node: str) -> None:
    """Be the first process of a server."""
    server.boot(layout.load(_folder()), node, _program())


@ha_try.command("agent", hidden=True)
@click.argument("node")
def agent(node: str) -> None:
    """Be the agent of a server."""
    talk = perform.make_host(perform.choices()).talk
    server.run_agent(layout.load(_folder()), node, talk)


def _program() -> Path:
    return Path(sys.argv[0]).resolve()
