"""Files that programs write for programs: JSON, sorted, a line for each guest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from .odd import Odd
from .reading import FORMAT, Read, Unreadable, checked
from .shape import Reader

T = TypeVar("T")
_COMPACT = json.JSONEncoder(sort_keys=True, allow_nan=False)
_LINE = json.JSONEncoder(allow_nan=False)


def format_json(format_number: int, values: Mapping[str, Any]) -> bytes:
    """Return the file: a line for each key, and for each key of a mapping below; ASCII only."""
    lines = [
        f" {_COMPACT.encode(key)}: {_item(value)}"
        for key, value in sorted({**values, FORMAT: format_number}.items())
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def _item(value: Any) -> str:
    if not isinstance(value, dict) or not value:
        return _COMPACT.encode(value)
    encode = _COMPACT.encode
    lines = [f"  {encode(key)}: {encode(item)}" for key, item in sorted(value.items())]
    return "{\n" + ",\n".join(lines) + "\n }"


def format_line(format_number: int, values: Mapping[str, Any]) -> bytes:
    """Return one line with everything, in the order given."""
    return (_LINE.encode({FORMAT: format_number, **values}) + "\n").encode("ascii")


def parse_json(newest: int, data: bytes, reader: Reader[T]) -> Read[T]:
    """Read a file, or one line of one."""
    try:
        return checked(newest, _decoded(data), reader)
    except Odd as odd:
        return Unreadable(str(odd))


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        line = error.lineno if "\n" in error.doc else 0
        raise Odd(f"JSON ({error.msg})", error.doc[error.pos :], line) from None
    except UnicodeDecodeError as error:
        raise Odd("UTF-8 text", data[error.start : error.start + 8]) from None
    except (ValueError, RecursionError) as error:
        raise Odd("JSON", str(error)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Odd("every key once", twice)
    return found


def _no_constant(word: str) -> Any:
    raise Odd("a number", word)
