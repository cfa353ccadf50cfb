r"""The octal escapes of fstab(5) and /proc/self/mountinfo: a space is ``\040``."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")
#: what ends a word or a line, starts a comment, or is the escape character itself
_SPECIAL = re.compile(r"[\s\\#\x00-\x1f\x7f]", re.ASCII)


def decode(word: str) -> str:
    r"""Turn ``\040`` into a space, and so on; each escape stands for one byte."""
    raw = word.encode(errors="surrogateescape")
    plain = _ESCAPE.sub(lambda match: bytes([int(match.group(1), 8)]), raw)
    return plain.decode(errors="surrogateescape")


def encode(word: str) -> str:
    r"""Escape what would break a word; \ first of all, so that decode(encode(x)) == x."""
    return _SPECIAL.sub(lambda match: f"\\{ord(match.group()):03o}", word)
