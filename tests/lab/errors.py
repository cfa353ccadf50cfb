"""What goes wrong in the lab itself, as opposed to in what it tests."""

from __future__ import annotations

from pathlib import Path


class LabError(Exception):
    """Say what failed, with the evidence; the lab is not to be trusted until restored."""


def tail(path: Path, lines: int = 15) -> str:
    """Give the end of a log, indented, for an error message; never raises."""
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        return f"    ({error})"
    kept = [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(f"    {line}" for line in kept) or "    (empty)"
