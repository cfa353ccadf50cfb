"""UUIDs in the one spelling that ovstools writes: 32 upper-case hex digits, as o2cb's regions."""

from __future__ import annotations

import re

from ..errors import UsageError

_UUID = re.compile(r"[0-9A-Fa-f]{32}")
_DASHED = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in any common spelling: with dashes or not, any case."""
    return bool(_UUID.fullmatch(text) or _DASHED.fullmatch(text))


def normal_uuid(text: str) -> str:
    """Spell a UUID with 32 upper-case hex digits."""
    if not is_uuid(text):
        raise UsageError(f"{text!r} is not a UUID: expected 32 hex digits, dashes allowed")
    return text.replace("-", "").upper()
