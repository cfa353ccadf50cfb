"""`ovstools ha-try`."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from ..ha.trial import control, layout, power, server
from ..ha.trial.layout import MOST_GUESTS, MOST_SERVERS
from ..ops.plan import Report
from ..system.clock import Clock
from . import perform
from .commands import CommandGroup
from .options import HELP_NAMES, common

FOLDER = "/tmp/ovs-ha-try"


def _remember(ctx: click.Context, param: click.Parameter, value: str) -> None:
    if not value:  # an unset variable in `--dir "$dir"` must not mean the current folder
        raise click.BadParameter("expected a folder's name", ctx, param)
    ctx.meta["folder"] = Path(value).absolute()


@click.group("ha-try", cls=CommandGroup, context_settings=HELP_NAMES)
@click.option("--dir", default=FOLDER, show_default=True, expose_value=False, callback=_remember,
              metavar="FOLDER", help="Where the try lives.")  # fmt: skip
@common(changing=False)
def ha_try() -> None:
    """Try guest HA with a pool of servers on this machine."""


def _folder() -> Path:
    found: Path = click.get_current_context().meta["folder"]
    return found


def _answer(*lines: str, **data: Any) -> int:
    return perform.answer(Report(lines, data), perform.choices())


@ha_try.command("start")
@click.option("--servers", type=click.IntRange(1, MOST_SERVERS), metavar="N",
              help=f"How many servers; {control.SERVERS} if not given.")  # fmt: skip
@click.option("--guests", type=click.IntRange(0, MOST_GUESTS), metavar="N",
              help=f"How many guests; {control.GUESTS} if not given.")  # fmt: skip
@click.option("--dead", "dead_s", type=float, metavar="S",
              help="Seconds after which a server without power is declared dead; "
              f"{control.DEAD_S:g} if not given.")  # fmt: skip
@click.option("--notify", metavar="PROGRAM", help="Give each event to PROGRAM, as JSON.")
@common(changing=False)
def start(**words: Any) -> int:
    """Make a pool with guests, and switch its servers on."""
    talk = perform.make_host(perform.choices()).talk
    wanted = control.Wanted(**words)
    trial = control.start(_folder(), wanted, _program(), Clock(), talk.notice)
    first = trial.nodes[0]
    line = shlex.join((_name(), "ha-try", "--dir", str(trial.folder), "env", first))
    return _answer(
        f"the pool is in {trial.pool}; be one of its servers with:",
        f'eval "$({line})"',
        folder=str(trial.folder), pool=str(trial.pool), servers=trial.nodes,
    )  # fmt: skip


@ha_try.command("power-on")
@click.argument("node")
@common(changing=False)
def power_on(node: str) -> int:
    """Switch a server on."""
    is_new = power.switch_on(layout.load(_folder()), node, _program(), Clock())
    text = f"{node} is on" if is_new else f"{node} is already on"
    return _answer(text, server=node, changed=is_new)


@ha_try.command("power-off")
@click.argument("node")
@common(changing=False)
def power_off(node: str) -> int:
    """Cut a server's power: keeper, agent and guests are gone at once."""
    had_power = power.cut(layout.load(_folder()), node, Clock())
    text = f"the power of {node} is cut" if had_power else f"{node} is already off"
    return _answer(text, server=node, changed=had_power)


@ha_try.command("env")
@click.argument("node")
@common(changing=False)
def env(node: str) -> int:
    """Print what a shell evaluates to be a server of the try."""
    trial = layout.load(_folder())
    lines = control.environment(trial, node)
    return _answer(*lines, variables=control.variables(trial, node))


@ha_try.command("stop")
@common(changing=False)
def stop() -> int:
    """Cut all servers' power, and remove the try."""
    trial = layout.find(_folder())
    if trial is None:
        return _answer(f"there is no try in {_folder()}", changed=False)
    control.stop(trial, Clock())
    return _answer(changed=True)


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


def _name() -> str:
    """Return what a shell calls us by: our name where it finds us by that, else our path."""
    name = Path(sys.argv[0]).name
    found = shutil.which(name)
    return name if found and Path(found).resolve() == _program() else str(_program())
