"""Edit an operator file: only the lines of the keys that change, and all else stays as it was.

Comments, order, quotes and unknown keys survive; lost are comments between the items of a list,
or below a key, that is replaced. Every edit is proven by reading it again: a file in which it
would not come out exactly so (one mapping in braces, say) is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import RefusedError
from .odd import Odd, is_null
from .shape import flag, number
from .yaml_form import decoded
from .yaml_text import spelled

WAY_OUT = "edit the file by hand; keys stand in lines of their own, KEY: VALUE"
_number = number("a number", least=-1e18)


class Place(NamedTuple):
    """Where a key and its value are in the text; end: after the value's last character.

    column: where the items of a list stand that has one item a line; None: anything else.
    """

    key: int
    colon: int
    begin: int
    end: int
    is_block: bool
    column: int | None


def with_changes(text: str, changes: Mapping[str, Any]) -> str:
    """Return the text with other values for these top-level keys; None takes a key away.

    Raises RefusedError when the text cannot be read, or not be edited line by line.
    """
    expected = _read(text)
    edited = text
    for key, value in changes.items():
        if _is_so(value, expected.get(key)):
            continue
        edited = _changed(edited, key, value)
        expected.pop(key, None)
        if value is not None:
            expected[key] = _read(f"value: {spelled(value)}")["value"]
        if _read(edited, f"{key} cannot be changed line by line") != expected:
            raise RefusedError(f"{key} cannot be changed line by line", hint=WAY_OUT)
    return edited


def _read(text: str, failure: str = "it cannot be edited") -> dict[str, Any]:
    try:
        found = decoded(text.encode("utf-8", "surrogatepass"))
    except Odd as odd:
        raise RefusedError(f"{failure}: {odd}", hint=WAY_OUT) from None
    if not isinstance(found, dict):
        raise RefusedError(f"{failure}: there are no keys and values", hint=WAY_OUT)
    return {key: value for key, value in found.items() if not is_null(value)}


def _is_so(value: Any, found: Any) -> bool:
    """Tell whether what the file has means the same, however it is spelled."""
    if value is None or found is None:
        return value is found
    try:
        if isinstance(value, bool):
            return flag(found) is value
        if isinstance(value, (int, float)):
            return _number(found) == value
    except Odd:
        return False
    return bool(_read(f"value: {spelled(value)}")["value"] == found)


def _changed(text: str, key: str, value: Any) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    place = _places(text).get(key)
    if place is None:
        body = text if not text or text.endswith("\n") else text + newline
        return f"{body}{key}: {spelled(value)}{newline}"
    if value is None:
        begin, end = text.rfind("\n", 0, place.key) + 1, text.find("\n", place.end) + 1
        return text[:begin] + (text[end:] if end else "")
    if place.column is not None and isinstance(value, (list, tuple)) and value:
        items = f"{newline}{' ' * place.column}".join(f"- {spelled(item)}" for item in value)
        return text[: place.begin] + items + text[place.end :]
    begin = place.colon if place.is_block else place.begin
    space = " " if begin == place.colon else ""
    return f"{text[:begin]}{space}{spelled(value)}{text[place.end :]}"


def _places(text: str) -> dict[str, Place]:
    import yaml  # slow to load; the pure loader: libyaml's marks count bytes in places

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return {key.value: _place(text, key, value) for key, value in root.value} if root else {}


def _place(text: str, key: Any, value: Any) -> Place:
    is_list = value.id == "sequence" and not value.flow_style
    return Place(
        key=key.start_mark.index,
        colon=text.index(":", key.end_mark.index) + 1,
        begin=value.start_mark.index,
        end=_end(text, value),
        is_block=_is_block(value),
        column=value.start_mark.column if is_list else None,
    )


def _is_block(node: Any) -> bool:
    return node.style in ("|", ">") if node.id == "scalar" else not node.flow_style


def _end(text: str, node: Any) -> int:
    """Find the end of a value itself: the parser's includes comments that come after it."""
    if not _is_block(node):
        return int(node.end_mark.index)
    if node.id == "scalar":
        return len(text[: node.end_mark.index].rstrip())
    last = node.value[-1]
    return _end(text, last[1] if node.id == "mapping" else last)
