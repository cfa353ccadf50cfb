"""Files that people write: YAML, of which nothing is guessed.

Scalars stay as they are written, and their reader says what they mean: so a guest may be called
1234 or on, a UUID of digits is no number, and 010 is no 8. A value that is empty, ~ or null is
not given. Keys that are there twice, aliases, merge keys and tags are errors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from .odd import Odd, Scalar
from .reading import FORMAT, Read, Unreadable, checked
from .shape import Reader
from .yaml_text import spelled

T = TypeVar("T")
#: people write no larger files, and no deeper ones; libyaml's own trees overflow the stack
MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
#: libyaml 0.2.6's own limit, 1000, which it may meet as it reads ahead
TOO_DEEP = "exceeded maximum nesting depth"


class Keys(dict[str, Any]):
    """A mapping of a YAML file, and its line."""

    line = 0


class Items(list[Any]):
    """A sequence of a YAML file, and its line."""

    line = 0


def format_yaml(format_number: int, values: Mapping[str, Any]) -> bytes:
    """Return a new file: a line for each key; None is left out."""
    given = {FORMAT: format_number, **values}
    lines = [f"{key}: {spelled(value)}\n" for key, value in given.items() if value is not None]
    return "".join(lines).encode()


def parse_yaml(newest: int, data: bytes, reader: Reader[T]) -> Read[T]:
    """Read a file."""
    try:
        return checked(newest, decoded(data), reader)
    except Odd as odd:
        return Unreadable(str(odd))


def unknown_keys(values: Mapping[str, Any], known: Collection[str]) -> tuple[str, ...]:
    """Return the keys that no reader knows."""
    return tuple(str(key) for key in values if key not in known)


def decoded(data: bytes) -> Any:
    """Return the file as Keys, Items and Scalars; raise Odd when it is no YAML of our kind."""
    import yaml  # slow to load

    if len(data) > MAX_BYTES:
        raise Odd(f"at most {MAX_BYTES} bytes", len(data))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Odd("UTF-8 text", data[error.start : error.start + 8]) from None
    tree = _Tree()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            tree.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        problem = getattr(error, "problem", None) or getattr(error, "reason", "odd characters")
        if problem == TOO_DEEP:
            raise _too_deep(line) from None
        raise Odd(f"YAML ({problem})", _line_at(text, mark), line) from None
    return Keys() if tree.root is None else tree.root


class _Tree:
    """Builds the values from the parser's events, without recursion."""

    def __init__(self) -> None:
        self.root: Any = None
        self._open: list[Any] = []
        self._keys: list[Scalar | None] = []

    def take(self, event: Any) -> None:
        """Take the next event."""
        kind, line = type(event).__name__, event.start_mark.line + 1
        if kind == "AliasEvent":
            raise Odd("no aliases", f"*{event.anchor}", line)
        if getattr(event, "tag", None) is not None:
            raise Odd("no tags", event.tag, line)
        if kind == "DocumentStartEvent" and self.root is not None:
            raise Odd("one document", "---", line)
        if kind == "ScalarEvent":
            self._put(_scalar(event, line), line)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            found: Any = Keys() if kind == "MappingStartEvent" else Items()
            found.line = line
            self._put(found, line)
            self._open.append(found)
            self._keys.append(None)
            if len(self._open) > MAX_DEPTH:
                raise _too_deep(line)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._open.pop()
            self._keys.pop()

    def _put(self, value: Any, line: int) -> None:
        if not self._open:
            self.root = value
        elif isinstance(self._open[-1], Items):
            self._open[-1].append(value)
        elif self._keys[-1] is None:
            if not isinstance(value, Scalar) or value == "<<":
                raise Odd("a word as key", value, line)
            if value in self._open[-1]:
                raise Odd("every key once", value)
            self._keys[-1] = value
        else:
            self._open[-1][self._keys[-1]] = value
            self._keys[-1] = None


def _scalar(event: Any, line: int) -> Scalar:
    found = Scalar(event.value)
    found.line = line
    found.is_plain = not event.style
    return found


def _too_deep(line: int) -> Odd:
    return Odd(f"at most {MAX_DEPTH} levels", "more", line)


def _line_at(text: str, mark: Any) -> str:
    lines = text.splitlines()
    return lines[mark.line].strip() if mark and mark.line < len(lines) else ""
