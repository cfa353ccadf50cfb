"""What became of reading a shared file: its values, or Unreadable, which says why."""

from __future__ import annotations

from typing import Any, TypeVar, Union

from ...errors import RefusedError
from ...model.sealed_block import Unreadable
from .odd import Nothing, Odd
from .shape import Reader, whole

__all__ = ["FORMAT", "Read", "Unreadable", "checked", "demand"]

T = TypeVar("T")
FORMAT = "format"

#: is_newer tells a later ovstools' file: whoever meets one is passive. The reason names line,
#: key, what was expected and what was found; the file is named by whoever read it.
Read = Union[T, Unreadable]


def demand(read: Read[T], source: str) -> T:
    """Return the values; raise RefusedError that names the file when there are none."""
    if not isinstance(read, Unreadable):
        return read
    way_out = "upgrade ovstools on this server" if read.is_newer else "correct or restore the file"
    raise RefusedError(f"{source}: {read.reason}", hint=way_out)


def checked(newest: int, values: Any, reader: Reader[T]) -> Read[T]:
    """Look at the format first, then read the other values; raise Odd."""
    if not isinstance(values, dict):
        raise Odd("keys and values", values)
    if FORMAT not in values:
        raise Odd(str(newest), Nothing(getattr(values, "line", 0))).below(FORMAT)
    try:
        found = whole(1)(values[FORMAT])
    except Odd as odd:
        raise odd.below(FORMAT) from None
    if found > newest:
        return Unreadable(f"format {found}; this ovstools knows up to {newest}", is_newer=True)
    del values[FORMAT]
    return reader(values)
