"""One program call as a value: built in system, shown by --dry-run, compared by tests."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One program call: its words, and how to read its exit status.

    A word that is not a non-empty string raises here: a device name that got lost on the way must
    never turn into a shorter command line.
    """

    argv: tuple[str, ...]
    ok: frozenset[int] = frozenset({0})
    timeout_s: float = 30.0
    changes: bool = True
    #: text for the program's standard input; secrets go here, never among the words
    input: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.argv, tuple) or not self.argv:
            raise TypeError(f"argv is a tuple with at least a program's name, not {self.argv!r}")
        for word in self.argv:
            if not isinstance(word, str):
                raise TypeError(f"a word is a str, not {word!r}, in {self.argv!r}")
            if not word:
                raise ValueError(f"empty word in {self.argv!r}")
            if "\0" in word:
                raise ValueError(f"NUL in word {word!r} of {self.argv!r}")
        if not self.timeout_s > 0:
            raise ValueError(f"timeout_s is positive, not {self.timeout_s!r}")

    @property
    def program(self) -> str:
        """Name the program that is called."""
        return self.argv[0]

    def shell(self) -> str:
        """Spell the call as a line that can be pasted into a shell."""
        return shlex.join(self.argv)


@dataclass(frozen=True)
class Result:
    """What a finished program left behind; status is 128 + N when signal N ended it."""

    status: int
    stdout: str = ""
    stderr: str = ""
