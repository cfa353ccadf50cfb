"""How values are spelled in operator files: on one line, read alike by any YAML reader."""

from __future__ import annotations

import re
from typing import Any

#: words that no reader of YAML 1.1 or 1.2 takes for anything but text
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.+-]*(?::[A-Za-z0-9_/.+-]+)*", re.ASCII)
_SPECIAL = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def spelled(value: Any) -> str:
    """Spell a value; raise TypeError for one that has no spelling here."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, str):
        return value if _is_plain(value) else _quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{spelled(k)}: {spelled(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(spelled, value))}]"
    if isinstance(value, frozenset):
        return spelled(sorted(value))
    raise TypeError(f"{value!r} has no spelling")


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))


def _is_plain(word: str) -> bool:
    return bool(_PLAIN.fullmatch(word)) and word.lower() not in _SPECIAL


def _quoted(text: str) -> str:
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
