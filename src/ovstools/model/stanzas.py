"""The stanza grammar of /etc/ocfs2/cluster.conf, as o2cb's jconfig.c reads it.

A header ``word:`` stands in column 0, parameters are indented by a space or a tab, a blank line
ends the stanza, ``#`` comments stand in column 0 only. Each rule was tried with o2cb 1.8.7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import ParseError

HEADER = re.compile(r"(\w+):[ \t]*", re.ASCII)
PARAMETER = re.compile(r"[ \t]+(\w+)[ \t]*=[ \t]*(.*?)[ \t]*", re.ASCII)


@dataclass(frozen=True)
class Parameter:
    """One ``key = value`` line."""

    line: int
    key: str
    value: str


@dataclass(frozen=True)
class Stanza:
    """One block of the file; line numbers count from 1."""

    line: int
    kind: str
    parameters: tuple[Parameter, ...] = ()

    @property
    def last_line(self) -> int:
        """Number the last line that belongs to the stanza."""
        return self.parameters[-1].line if self.parameters else self.line

    def find(self, key: str) -> Parameter | None:
        """Find a parameter; of several the last one counts, as in o2cb."""
        return next((each for each in reversed(self.parameters) if each.key == key), None)

    def get(self, key: str) -> str | None:
        """Read a parameter's value; o2cb treats an empty one as missing."""
        found = self.find(key)
        return found.value if found and found.value else None

    def line_of(self, key: str) -> int:
        """Point at the line to blame for a parameter: its own, or the header."""
        found = self.find(key)
        return found.line if found else self.line


class StanzaReader:
    """Reads stanzas line by line and gathers every problem on the way."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.stanzas: list[Stanza] = []
        self.problems: list[ParseError] = []
        #: a line was not understood, so stanzas may look incomplete
        self.is_lost = False
        self._open = False
        self._saw_carriage_return = False

    def refuse(self, line: int, expected: str, found: str, hint: str = "") -> None:
        """Note one more problem."""
        self.problems.append(ParseError(self.source, line, expected, found, hint=hint))

    def read(self, text: str) -> None:
        """Read a whole file."""
        for number, line in enumerate(text.split("\n"), start=1):
            if number == 1 and line.startswith("\ufeff"):
                self.refuse(1, "plain text", "a byte order mark", "save the file without a BOM")
                line = line[1:]
            if line.endswith("\r"):
                if not self._saw_carriage_return:
                    self.refuse(number, "lines that end with LF", line, "run dos2unix on the file")
                self._saw_carriage_return = True
                line = line.rstrip("\r")
            self._read_line(number, line)

    def _lose(self, line: int, expected: str, found: str, hint: str = "") -> None:
        self.refuse(line, expected, found, hint)
        self.is_lost = True

    def _read_line(self, number: int, line: str) -> None:
        if not line.strip(" \t"):
            self._open = False
        elif line.startswith("#"):
            pass
        elif line[0] in " \t":
            self._read_parameter(number, line)
        else:
            self._read_header(number, line)

    def _read_header(self, number: int, line: str) -> None:
        header = HEADER.fullmatch(line)
        if header:
            self.stanzas.append(Stanza(number, header.group(1)))
            self._open = True
        elif "=" in line:
            self._lose(number, "an indented parameter", line, "begin the line with a tab")
        else:
            self._lose(number, "a stanza header such as 'node:'", line)
            self._open = False

    def _read_parameter(self, number: int, line: str) -> None:
        if line.lstrip(" \t").startswith("#"):
            self.refuse(number, "a comment in column 0", line, "o2cb refuses indented comments")
            return
        parameter = PARAMETER.fullmatch(line)
        if not parameter:
            self._lose(number, "KEY = VALUE", line)
        elif not self._open:
            self._lose(
                number,
                "a parameter directly below its stanza",
                line,
                "a blank line ends a stanza: remove it",
            )
        else:
            stanza = self.stanzas[-1]
            added = Parameter(number, parameter.group(1), parameter.group(2))
            self.stanzas[-1] = Stanza(stanza.line, stanza.kind, (*stanza.parameters, added))
