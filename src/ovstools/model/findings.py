"""What a check has to say: coded findings, judged once when all are gathered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How bad it is; compare with <."""

    INFO = 0
    WARNING = 1
    ERROR = 2

    @property
    def word(self) -> str:
        """Spell it for tables and JSON."""
        return self.name.lower()


@dataclass(frozen=True)
class Finding:
    """One thing that a check has to say; codes are stable, texts are not."""

    code: str
    severity: Severity
    text: str
    evidence: tuple[str, ...] = ()
    hint: str = ""


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Name the highest severity, or None when there is no finding."""
    return max((finding.severity for finding in findings), default=None)


def is_unhealthy(findings: Iterable[Finding], strict: bool = False) -> bool:
    """Judge: an error is unhealthy, with strict a warning too."""
    limit = Severity.WARNING if strict else Severity.ERROR
    return any(finding.severity >= limit for finding in findings)
