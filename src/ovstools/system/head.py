"""head(1): a file's text, read by a program, so that storage that hangs holds up nobody else."""

from __future__ import annotations

from ..model.command import Command

#: longer is no definition of a guest, but perhaps its disk
LIMIT_BYTES = 1 << 20


def read(path: str) -> Command:
    """Build the command that prints a file, up to LIMIT_BYTES."""
    return Command(("head", f"--bytes={LIMIT_BYTES}", "--", path), timeout_s=30, changes=False)
