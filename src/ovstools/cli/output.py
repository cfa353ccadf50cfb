"""Print answers: JSON, and tables where there is a terminal; the only importer of rich."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import RefusedError
from ..system import files


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
        from rich.table import Table

        table = Table(*header, box=None, pad_edge=False, header_style="bold")
        for number, row in enumerate(rows):
            table.add_row(*map(_escaped, row), style=styles[number] if styles else None)
        Console().print(table)
        return
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(word.ljust(width) for word, width in zip(row, widths))
        click.echo(line.rstrip())


def _escaped(word: str) -> str:
    from rich.markup import escape

    return escape(word)
