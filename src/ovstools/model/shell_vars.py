"""/etc/default/o2cb and /etc/sysconfig/o2cb: assignments that an init script sources.

Only the forms that such files use are understood: ``NAME=word``, quoted or not, with ``export`` or
a comment. Everything else is kept as it is.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from ..errors import UsageError
from .lines import Lines

_ASSIGNMENT = re.compile(
    r"""(?P<head>[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)=)
    (?P<word>(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s;&|"'\\])*)
    (?P<tail>(?:[ \t\r;].*)?)""",
    re.VERBOSE,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")


@dataclass(frozen=True)
class ShellVars:
    """The file as lines; make one with parse()."""

    document: Lines

    @classmethod
    def parse(cls, text: str) -> ShellVars:
        """Read the file; nothing is refused."""
        return cls(Lines.split(text))

    def __str__(self) -> str:
        return str(self.document)

    def get(self, name: str) -> str | None:
        """Read a variable: the last assignment counts, as in the shell. Nothing is expanded."""
        found = self._last(name)
        return _unquote(found[1]["word"]) if found else None

    def with_value(self, name: str, value: str) -> ShellVars:
        """Set a variable in its own line, with its quotes and comment, or in a new last line."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is not the name of a variable")
        if not value.isprintable():
            raise UsageError(f"the value {value!r} of {name} does not fit on one line")
        found = self._last(name)
        if found is None:
            return ShellVars(self.document.append(f"{name}={_quote(value, '')}"))
        index, match = found
        if _unquote(match["word"]) == value:
            return self
        line = match["head"] + _quote(value, match["word"][:1]) + match["tail"]
        return ShellVars(self.document.replace(index, line))

    def _last(self, name: str) -> tuple[int, re.Match[str]] | None:
        found = None
        for index, line in enumerate(self.document.lines):
            match = _ASSIGNMENT.fullmatch(line)
            if match and match["name"] == name:
                found = (index, match)
        return found


def _unquote(word: str) -> str:
    return "".join(shlex.split(word))


def _quote(value: str, quote: str) -> str:
    if quote in ('"', "'") and _PLAIN.fullmatch(value.replace(" ", "")):
        return f"{quote}{value}{quote}"
    return value if _PLAIN.fullmatch(value) else shlex.quote(value)
