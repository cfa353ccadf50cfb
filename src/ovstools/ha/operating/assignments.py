"""KEY=VALUE, as the operator's files would have it: the same readers, the same words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ...errors import UsageError
from ..forms.odd import Odd, is_null
from ..forms.shape import Reader
from ..forms.yaml_form import decoded

#: keys whose value is a list: `a,b` is as good as `[a, b]`
_LISTS = {"preferred_servers", "maintenance", "after"}


def assigned(words: tuple[str, ...], readers: Mapping[str, Reader[Any]]) -> dict[str, Any]:
    """Return the checked value of each key; None: the key is to go. Raises UsageError."""
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} is not KEY=VALUE")
        if key not in readers:
            known = f"known: {' '.join(sorted(readers))}"
            meant = difflib.get_close_matches(key, readers, 1)
            hint = f"perhaps {meant[0]} is meant" if meant else ""
            raise UsageError(f"there is no key {key!r}", known, hint=hint)
        if key in found:
            raise UsageError(f"{key} is given twice")
        found[key] = _value(key, text, readers[key])
    return found


def _value(key: str, text: str, reader: Reader[Any]) -> Any:
    try:
        value = decoded(f"value: {_as_list(key, text)}\n".encode())["value"]
        if is_null(value):
            return None
        return reader(value)
    except Odd as odd:
        odd.line = 0
        raise UsageError(f"{key}={text}: {odd}") from None


def _as_list(key: str, text: str) -> str:
    if key not in _LISTS or not text or text.startswith("["):
        return text
    items = [item.strip() for item in text.split(",")]
    if key == "after":
        return "[" + ", ".join(f"{{guest: {item}}}" for item in items) + "]"
    return f"[{', '.join(items)}]"
