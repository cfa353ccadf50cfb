"""Readers: functions that turn what JSON or YAML gave into values, or say what is wrong where.

A reader takes one decoded value and returns it checked, or raises Odd; each level above adds its
key, so a sound file pays nothing for the places that errors name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from ...model import lock_names
from ...model.uuids import is_uuid, normal_uuid
from .odd import Nothing, Odd, Scalar, is_null

T = TypeVar("T")
Reader = Callable[[Any], T]

MAX_COUNT = 2**63 - 1
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,18})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,18})(?:\.\d{1,9})?", re.ASCII)
_FLAGS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


# ---------------------------------------------------------------- one value


def text(value: Any) -> str:
    """Read any text."""
    if not isinstance(value, str):
        raise Odd("a text", value)
    # Half of a surrogate pair, which JSON can spell, can be neither printed nor written again
    return str(value) if value.isascii() else value.encode("utf-8", "replace").decode()


def flag(value: Any) -> bool:
    """Read on or off; JSON has true and false only."""
    if value is True or value is False:
        return value
    found = _FLAGS.get(value.lower()) if isinstance(value, Scalar) else None
    if found is None:
        raise Odd("on or off" if isinstance(value, Scalar) else "true or false", value)
    return found


def whole(least: int = 0, most: int = MAX_COUNT) -> Reader[int]:
    """Return a reader of whole numbers in a range."""
    expected = f"a whole number from {least}" if most == MAX_COUNT else f"{least} to {most}"

    def read(value: Any) -> int:
        found = int(value) if isinstance(value, Scalar) and _WHOLE.fullmatch(value) else value
        if type(found) is not int or not least <= found <= most:
            raise Odd(expected, value)
        return found

    return read


def number(expected: str, least: float = 0.0, above: float = -math.inf) -> Reader[float]:
    """Return a reader of numbers, at least and above something."""

    def read(value: Any) -> float:
        found = float(value) if isinstance(value, Scalar) and _NUMBER.fullmatch(value) else value
        if type(found) not in (int, float) or not (least <= found <= MAX_COUNT and found > above):
            raise Odd(expected, value)
        return float(found)

    return read


count = whole()
seconds = number("seconds, a plain number from 0")


def choice(choices: Mapping[str, T]) -> Reader[T]:
    """Return a reader of one of some words."""
    expected = " or ".join(choices)

    def read(value: Any) -> T:
        if not isinstance(value, str) or value not in choices:
            raise Odd(expected, value)
        return choices[value]

    return read


def one_of(*words: str) -> Reader[str]:
    """Return a reader of one of some words, taken as they are."""
    return choice({word: word for word in words})


def matching(pattern: str, expected: str) -> Reader[str]:
    """Return a reader of texts of one form."""
    compiled = re.compile(pattern, re.ASCII)

    def read(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise Odd(expected, value)
        return str(value)

    return read


def _name(prefix: str, what: str) -> Reader[str]:
    most = lock_names.MAX_LENGTH - len(prefix)

    def read(value: Any) -> str:
        if isinstance(value, str) and len(value) > most:
            raise Odd(f"the name of a {what}: at most {most} letters, not {len(value)}", value)
        if not isinstance(value, str) or not lock_names.is_kept(prefix + value):
            raise Odd(f"the name of a {what}: letters, digits and _.+-", value)
        return str(value)

    return read


#: they become names of locks and files
guest_name = _name(lock_names.GUEST_PREFIX, "guest")
node_name = _name(lock_names.NODE_PREFIX, "server")


def uuid(value: Any) -> str:
    """Read a UUID in any spelling; return 32 upper-case hex digits."""
    if not isinstance(value, str) or not is_uuid(value):
        raise Odd("a UUID, 32 hex digits", value)
    return normal_uuid(str(value))


# ---------------------------------------------------------------- several values


def optional(reader: Reader[T]) -> Reader[T | None]:
    """Return a reader that lets JSON's null pass."""
    return lambda value: None if value is None else reader(value)


def or_empty(reader: Reader[str]) -> Reader[str]:
    """Return a reader that lets an empty text pass."""
    return lambda value: "" if value == "" else reader(value)


def list_of(reader: Reader[T], expected: str = "a list") -> Reader[tuple[T, ...]]:
    """Return a reader of lists."""

    def read(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Odd(expected, value)
        return tuple(_at(index, reader, item) for index, item in enumerate(value))

    return read


def set_of(reader: Reader[T], expected: str = "a list") -> Reader[frozenset[T]]:
    """Return a reader of lists that are sets."""
    read = list_of(reader, expected)
    return lambda value: frozenset(read(value))


def table_of(key_reader: Reader[T], reader: Reader[Any]) -> Reader[dict[T, Any]]:
    """Return a reader of mappings whose keys are names of some kind."""

    def read(value: Any) -> dict[T, Any]:
        if not isinstance(value, dict):
            raise Odd("keys and values", value)
        return {_at(key, key_reader, key): _at(key, reader, item) for key, item in value.items()}

    return read


def record(
    readers: Mapping[str, Reader[Any]], required: Collection[str] = (), is_open: bool = False
) -> Reader[dict[str, Any]]:
    """Return a reader of mappings with known keys; is_open: others are passed over."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Odd("keys and values", value)
        found = {}
        for key, item in value.items():
            reader = readers.get(key)
            if reader is not None:
                if not is_null(item):
                    found[str(key)] = _at(key, reader, item)
            elif not is_open:
                raise Odd(f"one of the keys {', '.join(readers)}", key)
        for key in required:
            if key not in found:
                raise Odd("a value", Nothing(getattr(value, "line", 0))).below(key)
        return found

    return read


def _at(key: object, reader: Reader[T], value: Any) -> T:
    try:
        return reader(value)
    except Odd as odd:
        raise odd.below(key) from None
