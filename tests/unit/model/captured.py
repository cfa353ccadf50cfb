"""Read the texts that real tools printed, kept in tests/data/TOOL/TOOL-VERSION-case.txt."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parents[2] / "data"


def captured(tool: str, case: str) -> str:
    """Read the one captured text of a tool for a case."""
    (path,) = (DATA / tool).glob(f"*-{case}.txt")
    return path.read_text(encoding="utf-8")
