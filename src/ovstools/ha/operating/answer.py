"""What an operator's command answers: text and tables for a person, data for --json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from ...errors import ExitStatus

#: styles of rows on a terminal
GOOD, BAD, BUSY, DIM = "", "red", "yellow", "dim"


@dataclass(frozen=True)
class Table:
    """Rows under a header; styles: one for each row, used on a terminal."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    styles: tuple[str, ...] = ()


Part = Union[str, Table]


@dataclass(frozen=True)
class Answer:
    """Lines and tables in order, data, and an exit status."""

    parts: tuple[Part, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    status: int = ExitStatus.OK


def pairs(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return names and values as lines, in two columns."""
    width = max(map(len, values), default=0)
    return tuple(f"{name.ljust(width)}  {value}".rstrip() for name, value in values.items())
