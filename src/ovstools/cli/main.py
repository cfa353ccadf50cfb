"""The entry points, and the one place where errors become text and an exit status."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

import click

from .. import __version__
from ..errors import ExitStatus, OvsError, ToolError, UsageError
from .commands import Commands, load_command
from .options import HELP_NAMES, Choices, common

HELP = """Turn Linux servers and shared storage into a highly available server pool.

Exit status: 0 done, or already so; 1 a tool failed; 2 malformed words; 3 unhealthy;
4 refused, nothing changed; 5 another ovstools is at work; 6 done on some servers only.
"""


@click.command(cls=Commands, help=HELP, context_settings=HELP_NAMES)
@click.version_option(__version__, prog_name="ovstools")
@common()
def group() -> None:
    """Take the common options; the commands do the rest."""


class Ended(BaseException):
    """A signal asked us to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(number)


def describe(error: OvsError) -> str:
    """Return an error as it appears on the terminal: what, evidence, way out."""
    lines = [f"ovstools: {error.what}", *(f"  {line}" for line in error.evidence)]
    if error.hint:
        first, *more = error.hint.splitlines()
        lines += [f"  hint: {first}", *(f"        {line}" for line in more)]
    return "\n".join(lines)


def run(
    command: click.Command,
    name: str,
    words: Sequence[str],
    make_host: Callable[[Choices], Any] | None = None,
) -> int:
    """Run a command line and return its exit status; make_host: see Choices."""
    choices = Choices(argv=(name, *words), make_host=make_host)
    try:
        with _ended_by_signals():
            status = _invoke(command, name, list(words), choices)
        return int(status) if isinstance(status, int) else ExitStatus.OK
    except click.exceptions.Exit as ended:  # --help, --version
        return ended.exit_code
    except click.ClickException as error:
        if "--json" in words:  # whether or not it was read before the words went wrong
            choices.json = True
            return _report(UsageError(error.format_message(), hint=f"{name} --help"), choices)
        with contextlib.suppress(OSError):
            error.show()
        return ExitStatus.USAGE
    except (click.Abort, KeyboardInterrupt):
        _say("ovstools: interrupted; run the same command again to go on")
        return 128 + signal.SIGINT
    except Ended as end:
        _say(f"ovstools: ended by signal {end.number}")
        return 128 + end.number
    except OvsError as error:
        return _report(error, choices)
    except BrokenPipeError:
        _drop_stdout()  # the reader of our answer has gone (`| head`)
        return 128 + signal.SIGPIPE
    except OSError as error:  # a folder that only root may enter, a full disk behind stdout
        what = f"{error.filename or 'the answer'}: {error.strerror}"
        hint = "run it as root" if error.errno in (errno.EACCES, errno.EPERM) else ""
        if error.filename is None:
            _drop_stdout()
        return _report(ToolError(what, hint=hint), choices)
    except Exception as error:  # a fault of ours: never a traceback unasked
        what = f"internal error: {type(error).__name__}: {error}"
        hint = "run it again with --debug and report what it prints"
        return _report(ToolError(what, hint=hint), choices)


def _invoke(command: click.Command, name: str, words: list[str], choices: Choices) -> Any:
    """Do what click.Command.main does, but leave errors and a broken pipe to us."""
    variable = f"_{name}_COMPLETE".replace("-", "_").upper()
    if variable in os.environ:
        from click.shell_completion import shell_complete

        return shell_complete(command, {}, name, variable, os.environ[variable])
    with command.make_context(name, words, obj=choices) as context:
        return command.invoke(context)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the command in good order; nohup's SIGHUP stays ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _drop_stdout() -> None:
    """Send the rest of the answer nowhere: else python fails once more as it ends, with 120."""
    with contextlib.suppress(OSError):  # a test's standard output has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the exit status still says it
        click.echo(text, err=True)


def _report(error: OvsError, choices: Choices) -> int:
    if choices.json:
        from .output import print_json

        with contextlib.suppress(OSError):
            print_json(
                {
                    "error": error.what,
                    "evidence": list(error.evidence),
                    "hint": error.hint,
                    "status": int(error.status),
                }
            )
    _say(describe(error))
    if choices.debug:
        import traceback  # here, as below: only what every command needs is loaded at once

        traceback.print_exc()
    return error.status


def ovstools() -> None:
    """Run `ovstools`."""
    sys.exit(run(group, "ovstools", sys.argv[1:]))


def _historic(name: str) -> None:
    sys.exit(run(load_command(name), f"ovs-{name}", sys.argv[1:]))


def ovs_makerepo() -> None:
    """Run `ovs-makerepo`."""
    _historic("makerepo")


def ovs_offlinerepo() -> None:
    """Run `ovs-offlinerepo`."""
    _historic("offlinerepo")


def ovs_cluster_configure() -> None:
    """Run `ovs-cluster-configure`."""
    _historic("cluster-configure")


def ovs_cluster_check() -> None:
    """Run `ovs-cluster-check`."""
    _historic("cluster-check")


def ovs_hb_ctl() -> None:
    """Run `ovs-hb-ctl`."""
    _historic("hb-ctl")
