"""What ovstools says while it works: one line each to stderr; stdout is for answers."""

from __future__ import annotations

import contextlib
import sys
from typing import TextIO

#: the bar's width, in characters
BAR = 20


class Talk:
    """Lines for a person or a journal; level -1 quiet, 0 usual, 1 verbose, 2 debug."""

    def __init__(self, level: int = 0, stream: TextIO | None = None) -> None:
        self.level = level
        self._stream = stream

    def warn(self, text: str) -> None:
        """Say what the user should know even with --quiet."""
        self._say(text, -1)

    def notice(self, text: str) -> None:
        """Say what is being done or was found."""
        self._say(text, 0)

    def detail(self, text: str) -> None:
        """Say what only --verbose wants: the commands as they run."""
        self._say(text, 1)

    def progress(self, title: str, done: int, total: int, before: int) -> None:
        """Show how far something is: a bar on a terminal, elsewhere a line each tenth.

        before: how far it was when this was called last.
        """
        stream = self._stream or sys.stderr
        if self.level < 0 or stream is None:
            return
        percent = 100 * done // total
        if not stream.isatty():
            if 10 * done // total > 10 * before // total:
                self.notice(f"{title}: {percent} %")
            return
        bar = "#" * (BAR * done // total)
        end = "\n" if done >= total else ""
        with contextlib.suppress(OSError):
            print(f"\rovstools: {title} [{bar:<{BAR}}] {percent:3} %", end=end, file=stream,
                  flush=True)  # fmt: skip

    def _say(self, text: str, level: int) -> None:
        stream = self._stream or sys.stderr
        if self.level >= level and stream is not None:  # None: started with 2>&-
            # A full disk behind the log, or a reader that has gone, is no reason to stop midway.
            with contextlib.suppress(OSError):
                print(f"ovstools: {text}", file=stream, flush=True)
