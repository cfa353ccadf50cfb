"""A text file as lines: the editable documents of model are built on it.

Every document obeys ``str(parse(text)) == text`` for any text: a missing final newline, carriage
returns and lines that nobody understands all survive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Lines:
    """The lines of one text, without their newlines; the last is empty after a final newline."""

    lines: tuple[str, ...]

    @classmethod
    def split(cls, text: str) -> Lines:
        """Split at newlines only: str.splitlines() would also cut at form feeds and U+2028."""
        return cls(tuple(text.split("\n")))

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def replace(self, index: int, line: str) -> Lines:
        """Put another text in the place of one line."""
        return Lines((*self.lines[:index], line, *self.lines[index + 1 :]))

    def insert(self, index: int, lines: Iterable[str]) -> Lines:
        """Put lines in front of line ``index``; what is added always ends with a newline."""
        added = tuple(lines)
        if index >= len(self.lines):
            added = (*added, "")
        return Lines((*self.lines[:index], *added, *self.lines[index:]))

    def append(self, *lines: str) -> Lines:
        """Add lines at the end, after closing a last line that lacks its newline."""
        body = self.lines[:-1] if self.lines[-1] == "" else self.lines
        return Lines((*body, *lines, ""))

    def drop(self, indexes: Collection[int]) -> Lines:
        """Leave out the lines with these indexes."""
        kept = tuple(line for index, line in enumerate(self.lines) if index not in indexes)
        return Lines(kept or ("",))
