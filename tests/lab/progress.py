"""Say what the lab is doing and how long each part took: talk, so on stderr."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import Any, Iterator

try:
    from rich.console import Console
except ImportError:  # the lab needs nothing but the standard library
    Console = None  # type: ignore[assignment,misc]


class Progress:
    """Print a line for each step with its seconds; on a terminal, a spinner meanwhile."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._depth = 0
        self._console: Any = None
        if Console is not None and sys.stderr.isatty() and not quiet:
            self._console = Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """Print one line."""
        if self._quiet:
            return
        if self._console is not None:
            self._console.print(text, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)  # noqa: T201

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Time the body; steps may be nested, only the outermost has a spinner."""
        begin = time.monotonic()
        indent = "  " * self._depth
        self._depth += 1
        ending = "failed after"
        try:
            if self._console is not None and self._depth == 1:
                with self._console.status(title):
                    yield
            else:
                yield
            ending = "took"
        finally:
            self._depth -= 1
            self.say(f"{indent}{title}: {ending} {time.monotonic() - begin:.1f} s")
