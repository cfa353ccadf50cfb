"""What a program in a server answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """Exit status and both outputs of one command line."""

    command: str
    status: int
    stdout: str
    stderr: str
    duration_s: float

    @property
    def lines(self) -> list[str]:
        """Split standard output into lines."""
        return self.stdout.splitlines()

    def json(self) -> Any:
        """Parse standard output as JSON."""
        return json.loads(self.stdout)

    def describe(self) -> str:
        """Show the command, the status and both outputs: the body of an assertion message."""
        parts = [f"$ {self.command}", f"exit status {self.status} after {self.duration_s:.1f} s"]
        for name, text in (("stdout", self.stdout), ("stderr", self.stderr)):
            parts += [f"--- {name}", text.rstrip("\n")] if text.strip() else [f"--- {name}: empty"]
        return "\n".join(parts)
