"""The options for CHAP: secrets come from a file or a prompt, never from the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from ..errors import UsageError
from ..model.chap import Chap, parse_chap
from ..system.secret_file import read_secret_file
from . import perform


def chap_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare the options; what they say is read by read_chap."""
    for option in reversed(
        (
            click.option(
                "--chap-file",
                metavar="FILE",
                help="CHAP names and secrets, mode 0600: username = ..., password = ...",
            ),
            click.option("--chap-user", metavar="NAME", help="CHAP name; its secret is asked for."),
            click.option(
                "--chap-target-user",
                metavar="NAME",
                help="Mutual CHAP: the name of the target; its secret is asked for.",
            ),
        )
    ):
        function = option(function)
    return function


def read_chap(
    chap_file: str | None, chap_user: str | None, chap_target_user: str | None
) -> Chap | None:
    """Return what the options say; None: nothing.

    Raises UsageError when they do not go together or nobody can be asked, RefusedError when
    others could have read the file.
    """
    if chap_file and (chap_user or chap_target_user):
        raise UsageError("--chap-file goes without --chap-user and --chap-target-user")
    if chap_target_user and not chap_user:
        raise UsageError("--chap-target-user needs --chap-user")
    if chap_file:
        path = os.path.abspath(chap_file)
        host = perform.make_host(perform.choices())
        return parse_chap(read_secret_file(host, path), chap_file)
    if not chap_user:
        return None
    secret = _ask(f"CHAP secret of {chap_user}")
    target_secret = _ask(f"CHAP secret of {chap_target_user}") if chap_target_user else None
    return Chap(chap_user, secret, chap_target_user, target_secret)


def _ask(question: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask for the CHAP secret", hint="use --chap-file FILE"
        )
    return str(click.prompt(question, hide_input=True, err=True))
