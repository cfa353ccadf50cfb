"""What can go wrong, who must react, and the exit status that says so.

Raised in model, system and ops; printed and turned into an exit status only in cli/main.py.
"""

from enum import IntEnum
from typing import Tuple


class ExitStatus(IntEnum):
    """Exit statuses of every command; ended by signal N is 128 + N."""

    OK = 0  #: done, or already so
    TOOL_FAILED = 1  #: a tool failed
    USAGE = 2  #: malformed words
    UNHEALTHY = 3  #: checked and unhealthy
    REFUSED = 4  #: refused, a precondition unmet, or the object missing; nothing changed
    BUSY = 5  #: another ovstools holds the lock
    PARTIAL = 6  #: done on some servers, failed on others


class OvsError(Exception):
    """A failure that a sysadmin can act on: what failed, the evidence, the way out."""

    status = ExitStatus.TOOL_FAILED

    def __init__(self, what: str, *evidence: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.evidence: Tuple[str, ...] = evidence
        self.hint = hint


class ToolError(OvsError):
    """A program that ovstools called failed, or the result was not what it promised."""


class UsageError(OvsError):
    """The words of the command line, or of a settings file, make no sense."""

    status = ExitStatus.USAGE


class RefusedError(OvsError):
    """Doing it would be unsafe or is impossible as things stand; nothing was changed."""

    status = ExitStatus.REFUSED


class ParseError(RefusedError):
    """A file or a tool's output is not in the form that its manual describes."""

    def __init__(self, source: str, line: int, expected: str, found: str, hint: str = "") -> None:
        super().__init__(f"{source}:{line}: expected {expected}, found {found!r}", hint=hint)
        self.source = source
        self.line = line


class BusyError(OvsError):
    """Another ovstools holds the local lock."""

    status = ExitStatus.BUSY


class PartialError(OvsError):
    """Done on some servers, failed on others."""

    status = ExitStatus.PARTIAL
