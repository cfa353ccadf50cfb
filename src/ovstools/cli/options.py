"""The options that every command has, before or after the command's name."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from click.core import ParameterSource

HELP_NAMES = {"help_option_names": ["-h", "--help"]}
Function = TypeVar("Function", bound=Callable[..., Any])


class Seconds(click.FloatRange):
    """Seconds, as click's ranges have them, and finite: no comparison refuses nan."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number; a value that is none, or has no end, is refused."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return found


@dataclass
class Choices:
    """What the common options said; make_host: tests put another machine in the place of ours."""

    dry_run: bool = False
    json: bool = False
    verbose: int = 0
    quiet: bool = False
    debug: bool = False
    lock_wait: float | None = None
    root: str | None = None
    argv: tuple[str, ...] = ("ovstools",)
    make_host: Callable[..., Any] | None = None

    @property
    def words(self) -> str:
        """Return our command line, as a shell reads it."""
        import shlex

        return shlex.join(self.argv)

    @property
    def level(self) -> int:
        """Return how much to say: see Talk."""
        return 2 if self.debug else self.verbose or (-1 if self.quiet else 0)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep what was said; an option that was not given leaves alone what was said before it."""
    assert param.name is not None
    if ctx.get_parameter_source(param.name) is not ParameterSource.DEFAULT:
        setattr(ctx.find_root().ensure_object(Choices), param.name, value)


def _existing_folder(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    # Empty as well: an unset variable in `--root "$image"` must not mean this machine.
    if not os.path.isdir(value):
        raise click.BadParameter(f"{value!r} is not a directory", ctx, param)
    _remember(ctx, param, os.path.realpath(value))


def _option(*words: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare an option that is kept in Choices and not passed to the command's function."""
    settings.setdefault("callback", _remember)
    return click.option(*words, expose_value=False, **settings)


def common(changing: bool = True) -> Callable[[Function], Function]:
    """Add the common options; --dry-run only to commands that change something."""
    options = [
        _option("--json", is_flag=True, help="Answer in JSON on standard output."),
        _option("-v", "--verbose", count=True, help="Name each program as it is run."),
        _option("-q", "--quiet", is_flag=True, help="Say nothing but errors and answers."),
        _option("--debug", is_flag=True, help="Show a traceback with an error."),
        _option(
            "--root",
            metavar="DIR",
            callback=_existing_folder,
            help="Work on the files below DIR; nothing is started, mounted or formatted.",
        ),
    ]
    if changing:
        options[:0] = [
            _option("--dry-run", is_flag=True, help="Print what would be done; do nothing."),
            _option(
                "--lock-wait",
                type=Seconds(min=0),
                metavar="S",
                help="Wait up to S seconds for another ovstools to end.",
            ),
        ]

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate
