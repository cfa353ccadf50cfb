"""Print answers: JSON, and tables where there is a terminal; the only importer of rich."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Union

import click

from ..errors import RefusedError
from ..system import files

#: a line, or a table's header, rows, and a style for each row
Shown = Union[str, tuple[Sequence[str], Sequence[Sequence[str]], Sequence[str]]]


def print_json(data: Mapping[str, Any]) -> None:
    """Print data as one JSON document, keys in the order they were given."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def is_terminal() -> bool:
    """Tell whether standard output is a terminal that wants colour."""
    is_tty = sys.stdout is not None and sys.stdout.isatty()  # None: started with >&-
    return is_tty and not os.environ.get("NO_COLOR")


@contextlib.contextmanager
def into(name: str | None) -> Iterator[None]:
    """Send what is printed to a file, which is replaced whole when all went well.

    None: to standard output, as ever. Raises RefusedError when the file cannot be written.
    """
    if name is None:
        yield
        return
    path = Path(name)
    if path.exists() and not path.is_file():
        raise RefusedError(f"{name} is no file", hint="give --output the name of a file")
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        yield
    files.replace(path, text.getvalue(), files.read_text(path))


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] | None = None
) -> None:
    """Print a table: with rich on a terminal, else as plain columns that awk can read.

    styles: a rich style for each row.
    """
    if is_terminal():
        from rich.console import Console

        Console().print(_rich_table(header, rows, styles))
        return
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(word.ljust(width) for word, width in zip(row, widths))
        click.echo(line.rstrip())


def is_live() -> bool:
    """Tell whether what is printed can be overwritten: on a terminal, with colour or without."""
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def show_live(frames: Iterable[Sequence[Shown]]) -> None:
    """Show each frame in the place of the one before."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    console = Console(no_color=bool(os.environ.get("NO_COLOR")))
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for frame in frames:
            parts = [Text(part) if isinstance(part, str) else _rich_table(*part) for part in frame]
            live.update(Group(*parts), refresh=True)


def _rich_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] | None
) -> Any:
    from rich.table import Table

    table = Table(*header, box=None, pad_edge=False, header_style="bold")
    for number, row in enumerate(rows):
        table.add_row(*map(_escaped, row), style=styles[number] if styles else None)
    return table


def _escaped(word: str) -> str:
    from rich.markup import escape

    return escape(word)
