"""What a reader says of a value that it does not understand, and of YAML's scalars."""

from __future__ import annotations

from typing import Any

_NULLS = ("", "~", "null", "Null", "NULL")
_LONGEST_FOUND = 80


class Scalar(str):
    """A scalar of a YAML file as it was written: what it means, its reader knows."""

    __slots__ = ("is_plain", "line")
    line: int
    is_plain: bool


def is_null(value: Any) -> bool:
    """Tell whether a scalar is written as not given: empty, ~ or null."""
    return isinstance(value, Scalar) and value.is_plain and value in _NULLS


class Odd(Exception):
    """A value that is not what was expected; place: the keys that lead to it."""

    def __init__(self, expected: str, found: object, line: int = 0) -> None:
        super().__init__(expected)
        self.expected = expected
        self.found = found
        self.line = line or getattr(found, "line", 0)
        self.place = ""

    def below(self, key: object) -> Odd:
        """Return the same error as seen from one level above."""
        step = f"[{key + 1}]" if isinstance(key, int) else str(key)
        joint = "" if not self.place or self.place.startswith("[") else "."
        self.place = f"{step}{joint}{self.place}"
        return self

    def __str__(self) -> str:
        """Say line, key, what was expected and what was found."""
        line = f"line {self.line}: " if self.line else ""
        key = f"{self.place}: " if self.place else ""
        return f"{line}{key}expected {self.expected}, found {_shown(self.found)}"


class Nothing:
    """Stands for what is missing in an error."""

    def __init__(self, line: int = 0) -> None:
        self.line = line


def _shown(found: object) -> str:
    if isinstance(found, Nothing):
        return "nothing"
    if isinstance(found, dict):
        text = "{" + ", ".join(f"{key}: ..." for key in found) + "}"
    elif isinstance(found, list):
        text = f"[{', '.join(map(_shown, found))}]"
    else:
        text = repr(str(found) if isinstance(found, str) else found)
    return text if len(text) <= _LONGEST_FOUND else f"{text[:_LONGEST_FOUND]}..."
